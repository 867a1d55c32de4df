/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time-wait for writes (doc/safety.md, "A late copy cannot land on newer
 * data").  A write that was
 * sent more than once may have copies on the way after one of them was
 * answered.  Until TIME_WAIT has passed no newer write may touch the same
 * sectors: a late copy would undo it.  Counting the responses would not do, for
 * a network may double one.  As in TCP, the wait outlives the copies; unlike
 * the fencing of a cluster, it keeps nobody away from the disk.
 */
#ifndef INITIATOR_LIBAOE_TIME_WAIT_H
#define INITIATOR_LIBAOE_TIME_WAIT_H

#include "base/clock.h"
#include "base/list.h"
#include "initiator/libaoe/flight.h"

/* Longer than a frame lives in any queue between us and the disk: aoe-target
 * drops what waited a second, switches much earlier. */
#define TIME_WAIT (2 * NS_PER_S)

enum {
    TIME_WAIT_SLOTS = 4096,
    TIME_WAIT_WIDE = 256, /* sectors; longer ranges are not in the filter */
};

struct time_wait {
    struct list frames; /* FRAME_TIME_WAIT, the next to expire first */
    unsigned count;
    unsigned wide; /* how many have more than TIME_WAIT_WIDE sectors */
    /* How many waiting frames touch the 4 KiB blocks that hash to a slot: zero
     * in all of them proves that a range is free without a look at the list. */
    uint16_t slots[TIME_WAIT_SLOTS];
};

void time_wait_init(struct time_wait *tw);

/* A frame that is in no other list begins its wait. */
void time_wait_add(struct time_wait *tw, struct frame *f, uint64_t now);
/* Its wait ends; the caller frees it. */
void time_wait_remove(struct time_wait *tw, struct frame *f);

/* Whether any waiting range shares a sector with [lba, lba + sectors). */
bool time_wait_hit(const struct time_wait *tw, uint64_t lba, uint64_t sectors);

/* The same, except for what was a part of `own`. */
bool time_wait_hit_others(const struct time_wait *tw, uint64_t lba,
                          uint64_t sectors, const struct transfer *own);
/* `t` has ended: from now on its late copies are like any others. */
void time_wait_disown(struct time_wait *tw, const struct transfer *t);

/* The first frame whose time is up, or NULL. */
struct frame *time_wait_expired(struct time_wait *tw, uint64_t now);
/* When that will be; UINT64_MAX: nothing waits. */
uint64_t time_wait_next(struct time_wait *tw);

#endif
