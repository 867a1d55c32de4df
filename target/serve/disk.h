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
#include "target/protocol/epochs.h"
#include "target/protocol/export.h"
#include "target/protocol/group_commit.h"
#include "target/serve/latency.h"
#include "target/protocol/order.h"
#include "target/protocol/reply_cache.h"
#include "target/serve/request.h"
#include "target/store/store.h"

/* What a disk asks of whoever runs it: the server, or a simulation. */
struct disk_host {
    uint64_t (*now)(void *arg); /* ns */
    /* There is work: disk_submit is to be called, once this has returned. */
    void (*touch)(void *arg, struct disk *d);
    /* The request has its reply; or there is none. */
    void (*answer)(void *arg, struct request *r);
    void (*release)(void *arg, struct request *r);
    void (*committed)(void *arg, struct disk *d);
    /* What was answered may be lost; its clients should ask for IDENTIFY. */
    void (*lost)(void *arg, struct disk *d);
};

struct disk {
    struct export export;
    struct store *store;
    struct keeper *keeper; /* owned; NULL: what is set is not kept */
    struct boot *boot;     /* owned; NULL: how it ends is not recorded */
    const struct disk_host *host;
    void *host_arg;
    char name[AOE_ADDR_TEXT]; /* "e1.2" */
    uint64_t age;             /* the n-th disk that the server got */

    /* Removed, but not done yet with what it had taken: in the server's list of
     * such disks, and who wants to know its end. */
    struct list leaving;
    void (*gone)(void *arg, struct epochs *untold);
    void *gone_arg;

    struct order order;
    struct list ready; /* of store_op.link: to be submitted together */
    struct group_commit durable;
    unsigned at_store;        /* operations that the store has, but for those */
    struct store *next_store; /* to be used once the store has none; or NULL */
    unsigned in_flight;       /* requests between disk_start and their reply */
    /* How long requests took; those that complete while they are submitted are
     * counted together, with two looks at the clock for all. */
    struct latency latency[ORDER_KINDS];
    uint64_t started_ns; /* of what is taken now; 0: nothing was */
    bool submitting;
    unsigned at_once[ORDER_KINDS];
    struct list touched; /* in the server's list of disks with work ready */

    struct reply_cache *reply_cache; /* NULL: it remembers nothing */

    struct epochs epochs;
    uint64_t losses;       /* of store->losses: how many the epochs know of */
    uint64_t flush_covers; /* epochs_begin of the flush that the store has */
    bool committing;
    struct store_op commit;
    struct loop_timer commit_timer; /* for export.commit_ns */
    struct log_limit errors;
};

/* The disk takes over the store.  `e` is copied. */
void disk_init(struct disk *d, const struct disk_host *host, void *host_arg,
               const struct export *e, struct store *store);
void disk_fini(struct disk *d);

/* Runs a request's store operation when its turn has come; then its reply goes
 * to its port. */
void disk_start(struct disk *d, struct request *r);

/* Whether the reply to a request is true only once a change is saved. */
bool disk_must_save(const struct disk *d, const struct request *r);
/* Saves the change; then the reply goes to its port.  There is none if that
 * fails: the client asks again. */
void disk_save(struct disk *d, struct request *r);

/* Hands everything that is ready to the store. */
void disk_submit(struct disk *d);

/* Writes to stable storage what was answered from the cache, if anything. */
void disk_commit(struct disk *d);
/* It serves no longer, and has nothing in flight: how it ends is recorded. */
void disk_end(struct disk *d);

/* Its storage is gone: all that is not known to be on it counts as lost. */
void disk_abandon(struct disk *d);
/* The same, and it is back, as `store`, which becomes the disk's; what the old
 * one has must fail first, and what comes meanwhile waits. */
void disk_exchange_store(struct disk *d, struct store *store);

#endif
