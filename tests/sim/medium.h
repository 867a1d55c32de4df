/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A medium of the simulation: a file or device as the system shows it.  What is
 * written is in a cache first, and written back when somebody syncs, or at any
 * time before; that may fail.  Then the cache says it is clean all the same,
 * each open descriptor hears of it once, by its next sync, and some time later
 * the old data is back (Linux's errseq).
 *
 * And the store on an open descriptor, which does as target/store/file_move.c
 * does; or one on a server elsewhere, as target/store/nbd/requests.c: that is
 * lost with what it had not written, and what it had not answered is asked
 * again.
 */
#ifndef TESTS_SIM_MEDIUM_H
#define TESTS_SIM_MEDIUM_H

#include <stdbool.h>
#include <stdint.h>

#include "target/store/store.h"
#include "tests/sim/random.h"

struct medium_sector {
    bool dirty; /* to be written back */
    bool stale; /* could not be: the cache shows what the medium has not */
    bool bad;   /* cannot be written */
};

struct medium {
    struct dice *dice;
    const uint64_t *now;
    uint64_t sectors;
    uint8_t *cache; /* what a read returns */
    uint8_t *kept;  /* what a crash leaves */
    struct medium_sector *state;
    uint64_t failures; /* of write-backs, each sync's or run's counted once */
    uint64_t heard;    /* how many of them any descriptor has heard of */

    uint64_t slowest;      /* ns an ordinary operation takes at most */
    unsigned stall_chance; /* in a million: takes seconds instead */
    unsigned error_chance; /* in a million: fails at once */
    /* In a million, of each sector that is written back: cannot be. */
    unsigned loss_chance;
    uint64_t loss_from;         /* only from this sector on */
    unsigned write_back_chance; /* in a million, at each operation: some is */
    unsigned evict_chance;      /* in a million, at each operation */

    /* A sector has fallen back to what the medium holds. */
    void (*fell)(void *arg, uint64_t lba);
    void *arg;

    uint64_t stalls, errors; /* so often it did */
    uint64_t lost;           /* sectors that could not be written back */
    uint64_t told;           /* syncs that failed */
    uint64_t again;          /* durable writes done again */
};

void medium_init(struct medium *m, uint64_t sectors);
void medium_fini(struct medium *m);

/* Memory is lost; what of it was not written back is or is not.  Returns how
 * many sectors are not what they were. */
uint64_t medium_power_off(struct medium *m);
/* It has gone, and with it all that was not written back. */
void medium_forget(struct medium *m);
/* No sector is bad any more. */
void medium_heal(struct medium *m);

/* ---- stores ---- */

/* `remote`: on a server.  The medium must outlive it. */
struct store *medium_open(struct medium *m, bool remote);
/* Does what is due first, if anything is by now. */
bool medium_step(struct store *s);
/* When that is; UINT64_MAX: nothing is under way. */
uint64_t medium_next(const struct store *s);
/* Its operations will not complete; of those under way each has reached the
 * cache, or not. */
void medium_abandon(struct store *s);
/* The device is pulled out: everything fails. */
void medium_pull(struct store *s);
/* The connection to the server is lost, and found again. */
void medium_reconnect(struct store *s);

#endif
