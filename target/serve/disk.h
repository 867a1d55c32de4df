/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A disk: an export, the store behind it, and the requests in flight between
 * the two.
 */
#ifndef TARGET_SERVE_DISK_H
#define TARGET_SERVE_DISK_H

#include <stdbool.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/rarely.h"
#include "target/protocol/epochs.h"
#include "target/protocol/export.h"
#include "target/protocol/group_commit.h"
#include "target/serve/latency.h"
#include "target/protocol/order.h"
#include "target/protocol/reply_cache.h"
#include "target/serve/request.h"
#include "target/store/store.h"

/* What a disk needs of its host: the server, or a simulation. */
struct disk_host {
    uint64_t (*now)(void *arg); /* ns */
    /* There is work: call disk_submit after this has returned.  Not called
     * while the host has the disk in a list by its `touched`. */
    void (*touch)(void *arg, struct disk *d);
    /* The request has its reply, or will have none.  It is the host's again. */
    void (*answer)(void *arg, struct request *r);
    void (*release)(void *arg, struct request *r);
    /* The flush of disk_commit has ended. */
    void (*committed)(void *arg, struct disk *d);
    /* Acknowledged data may be lost: clients should send IDENTIFY. */
    void (*lost)(void *arg, struct disk *d);
};

struct disk {
    struct store *store;
    struct state_store *state; /* owned; NULL: what clients set is not saved */
    struct boot *boot;         /* owned; NULL: how it stops is not recorded */
    const struct disk_host *host;
    void *host_arg;
    char name[AOE_ADDR_TEXT]; /* "e1.2" */
    uint64_t age;             /* this is the server's n-th disk */

    /* Removed, but still working on requests that it had accepted: its link in
     * the server's list of such disks, and whom to tell when it has ended. */
    struct list leaving;
    void (*gone)(void *arg, struct epochs *untold);
    void *gone_arg;

    struct order order;
    struct list ready; /* of store_op.link: the next batch */
    struct group_commit durable;
    struct store *next_store; /* takes over once the store has none; or NULL */
    unsigned in_flight;       /* requests between disk_start and their reply */
    /* Requests that complete while they are submitted are counted together: the
     * clock is read twice for all of them. */
    struct latency latency[ORDER_KINDS];
    uint64_t started_ns; /* of the batch being submitted; 0: none is */
    bool submitting;
    unsigned at_once[ORDER_KINDS];
    struct list touched; /* in the server's list of disks with work ready */

    struct reply_cache *reply_cache; /* NULL: copies are not recognized */

    struct epochs epochs;
    uint64_t losses;       /* how many of store->losses the epochs know of */
    uint64_t flush_covers; /* epochs_begin of the flush at the store */
    bool committing;
    struct store_op commit;
    struct loop_timer commit_timer; /* for export.commit_ns */
    struct log_limit errors;
    struct export export; /* last, because it is large */
};

/* The disk takes over the store.  `e` is copied. */
void disk_init(struct disk *d, const struct disk_host *host, void *host_arg,
               const struct export *e, struct store *store);
void disk_fini(struct disk *d);

/* Accepts a request that the responder has an operation for.  It runs in its
 * turn; then the host gets the reply. */
void disk_start(struct disk *d, struct request *r);

/* Whether the reply must wait until a change that it reports is saved. */
bool disk_must_save(const struct disk *d, const struct request *r);
/* Saves the change; then the host gets the reply.  If saving fails there is no
 * reply, and the client asks again. */
void disk_save(struct disk *d, struct request *r) RARELY;

/* Submits everything that is ready to the store. */
void disk_submit(struct disk *d);

/* Syncs acknowledged data that is only in the cache, if there is any. */
void disk_commit(struct disk *d);
/* It no longer serves and has nothing in flight: records how it stopped. */
void disk_end(struct disk *d);

/* Its storage is gone: everything not known to be on the medium is lost. */
void disk_abandon(struct disk *d);
/* The same, but it is back as `store`, which the disk uses once the operations
 * at the old one have failed.  New requests wait until then. */
void disk_exchange_store(struct disk *d, struct store *store);

#endif
