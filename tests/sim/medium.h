/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A medium of the simulation: a file or device as the system shows it.  A write
 * goes to a cache first, and is written back by a sync, or at any time before;
 * that may fail.  Then the cache counts as clean all the same, each open
 * descriptor is told once, by its next sync, and some time later the old data
 * is back (Linux's errseq).
 *
 * And the store on an open descriptor, which behaves as
 * target/store/file_move.c; or one on a remote server, as
 * target/store/nbd/requests.c: with the server is lost what it had not written,
 * and what it had not answered is sent again.
 */
#ifndef TESTS_SIM_MEDIUM_H
#define TESTS_SIM_MEDIUM_H

#include <stdbool.h>
#include <stdint.h>

#include "target/store/store.h"
#include "tests/sim/random.h"

struct medium_sector {
    bool dirty; /* to be written back */
    bool stale; /* could not be: the cache shows what is not on the medium */
    bool bad;   /* cannot be written */
};

struct medium {
    struct dice *dice;
    const uint64_t *now;
    uint64_t sectors;
    uint8_t *cache; /* what a read returns */
    uint8_t *kept;  /* what survives a crash */
    struct medium_sector *state;
    uint64_t failures; /* of write-backs, counted once per sync or run */
    uint64_t heard;    /* how many of them some descriptor was told of */

    uint64_t slowest;      /* ns that an ordinary operation takes at most */
    unsigned stall_chance; /* in a million: takes seconds instead */
    unsigned error_chance; /* in a million: fails at once */
    /* In a million, for each sector: it cannot be written back. */
    unsigned loss_chance;
    uint64_t loss_from;         /* only from this sector on */
    unsigned write_back_chance; /* in a million, per operation: some data is */
    unsigned evict_chance;      /* in a million, per operation */

    /* A sector has fallen back to what the medium holds. */
    void (*fell)(void *arg, uint64_t lba);
    void *arg;

    uint64_t stalls, errors; /* how often */
    uint64_t lost;           /* sectors that could not be written back */
    uint64_t told;           /* syncs that failed */
    uint64_t again;          /* durable writes repeated */
};

void medium_init(struct medium *m, uint64_t sectors);
void medium_fini(struct medium *m);

/* Power fails: what was not written back reaches the medium or does not.
 * Returns how many sectors are not what they were. */
uint64_t medium_power_off(struct medium *m);
/* The device is gone, and with it everything not written back. */
void medium_forget(struct medium *m);
/* No sector is bad any more. */
void medium_heal(struct medium *m);

/* ---- stores ---- */

/* `remote`: on a server.  The medium must outlive it. */
struct store *medium_open(struct medium *m, bool remote);
/* Does what is due first, if anything is by now. */
bool medium_step(struct store *s);
/* When that is; UINT64_MAX: nothing is in progress. */
uint64_t medium_next(const struct store *s);
/* Its operations will not complete; each of those in progress has reached the
 * cache, or not. */
void medium_abandon(struct store *s);
/* The device is pulled out: everything fails. */
void medium_pull(struct store *s);
/* The connection to the server is lost, and found again. */
void medium_reconnect(struct store *s);

#endif
