/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a disk may contain, as its only writer knows it.  Every sector written
 * carries the number of its write; numbers grow in the order of submission,
 * which is the order in which libaoe promises to let overlapping writes land.
 *
 * For each sector there is a floor: the newest write that was acknowledged
 * (or seen by a read).  A read may return that or anything submitted later,
 * never anything older, until a crash lowers the floor to what the last
 * completed flush had covered.  With a replay log a crash lowers nothing; what
 * a read saw of a write that was not acknowledged may go away again.
 */
#ifndef TESTS_SIM_HISTORY_H
#define TESTS_SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sector_history {
    uint64_t floor;   /* no read that begins now may return less */
    uint64_t durable; /* what the floor falls to in a crash */
    uint64_t newest;  /* submitted */
    uint64_t trimmed; /* the newest write of zeroes or trim submitted */
};

struct history {
    uint64_t sectors;
    bool replay;   /* libaoe writes again what a crash took: none counts */
    uint64_t last; /* number of the newest write */
    unsigned crashes;
    uint64_t *durable_at; /* at each crash what was durable, of each sector */
    struct sector_history *s;
};

/* A request's view of the past, taken when it is submitted. */
struct snapshot {
    uint64_t lba, count;
    uint64_t id; /* of a write */
    unsigned crashes;
    uint64_t *floor; /* of reads and flushes: `count` sectors from lba */
};

void history_init(struct history *h, uint64_t sectors);
void history_fini(struct history *h);

/* A write of data or, with `zeroes`, of nothing. */
void history_write(struct history *h, struct snapshot *s, uint64_t lba,
                   uint64_t count, bool zeroes);
void history_wrote(struct history *h, struct snapshot *s, int status);

void history_read(struct history *h, struct snapshot *s, uint64_t lba,
                  uint64_t count);
/* Returns false and says why in `why` when a sector is not what it may be. */
bool history_check(struct history *h, struct snapshot *s, const uint8_t *data,
                   char *why, size_t room);

void history_flush(struct history *h, struct snapshot *s);
void history_flushed(struct history *h, struct snapshot *s, int status);

/* The target lost what was not flushed. */
void history_crash(struct history *h);

/* Fills a sector so that it tells where it belongs and who wrote it. */
void sector_fill(uint8_t *sector, uint64_t lba, uint64_t id);

#endif
