/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a part of a disk may contain, as its only writer knows it.  Every sector
 * carries the number of its write; numbers grow in the order of submission,
 * which is the order in which libaoe promises to apply overlapping writes.
 *
 * For each sector there is a floor: the newest write that was acknowledged (or
 * seen by a read).  A read may return that or anything submitted later, never
 * anything older, until a crash or a failing disk lowers the floor to what the
 * last completed flush had covered.  With a replay log a crash lowers nothing;
 * what a read saw of an unacknowledged write may disappear again.
 *
 * And there is what is owed: the newest write that was acknowledged and whose
 * loss nobody was told of.  When a flush or a durable request reports success,
 * the medium itself must hold that write, or anything submitted later.
 */
#ifndef TESTS_SIM_HISTORY_H
#define TESTS_SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sector_history {
    uint64_t floor;   /* no read that starts now may return less */
    uint64_t durable; /* what the floor falls to when data is lost */
    uint64_t owed;    /* no flush that starts now may succeed with less */
    uint64_t newest;  /* submitted */
    uint64_t trimmed; /* the newest write of zeroes or trim submitted */
    unsigned dropped; /* the last event that lowered the floor */
};

/* A floor fell. */
struct drop {
    unsigned event;
    uint64_t sector, floor;
};

struct history {
    uint64_t first, sectors;
    const uint8_t *medium; /* the whole disk's */
    bool replay;  /* libaoe rewrites what a crash lost: crashes do not count */
    bool aware;   /* its target reports losses from crashes, too */
    bool durable; /* each write is durable when it is acknowledged */

    uint64_t last; /* number of the newest write */
    unsigned events;
    unsigned restarts; /* of which nobody is told */
    unsigned told;     /* how often it was told of a loss */
    struct drop *drops;
    size_t drop_count, drop_room;
    struct sector_history *s;
};

/* A request's view of the past, taken when it is submitted. */
struct snapshot {
    uint64_t lba, count;
    uint64_t id;  /* of a write */
    bool durable; /* the same */
    unsigned events, restarts, told;
    uint64_t *floor; /* of reads: `count` sectors from lba; of flushes: what is
                        owed, of all sectors */
};

enum { HISTORY_WHY = 200 };

void history_init(struct history *h, uint64_t first, uint64_t sectors,
                  const uint8_t *medium);
void history_fini(struct history *h);

/* A write of data or, with `zeroes`, of zeroes.  `durable`: it is on the medium
 * when it is acknowledged. */
void history_write(struct history *h, struct snapshot *s, uint64_t lba,
                   uint64_t count, bool zeroes, bool durable);
void history_read(struct history *h, struct snapshot *s, uint64_t lba,
                  uint64_t count);
void history_flush(struct history *h, struct snapshot *s);
/* It has not been submitted after all. */
void history_forget(struct snapshot *s);

/* The end of each.  False, with the reason in `why`: a rule was broken. */
bool history_wrote(struct history *h, struct snapshot *s, int status,
                   char why[HISTORY_WHY]);
bool history_check(struct history *h, struct snapshot *s, const uint8_t *data,
                   char why[HISTORY_WHY]);
bool history_flushed(struct history *h, struct snapshot *s, int status,
                     char why[HISTORY_WHY]);

/* An error was reported: everything not flushed may be lost. */
void history_told(struct history *h);
/* The target lost what was not flushed. */
void history_crash(struct history *h);
/* The target has forgotten whom to tell of a loss. */
void history_restart(struct history *h);
/* This sector fell back to what its medium holds. */
void history_lost(struct history *h, uint64_t lba);
/* Every sector may fall back: nothing rewrites it. */
void history_lost_all(struct history *h);
/* Another writer takes over: nothing was promised to it. */
void history_successor(struct history *h);

/* Fills a sector with its own position and the number of its write. */
void sector_fill(uint8_t *sector, uint64_t lba, uint64_t id);

#endif
