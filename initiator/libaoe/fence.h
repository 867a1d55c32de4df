/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The write fence (rule 4 of the data-safety rules).  A write that was sent
 * more than once may have copies on the way after one of them was answered.
 * Until FENCE_LIFETIME has passed no newer write may touch the same sectors: a
 * late copy would undo it.  Counting the answers would not do, for a network
 * may double one.
 */
#ifndef INITIATOR_LIBAOE_FENCE_H
#define INITIATOR_LIBAOE_FENCE_H

#include "base/clock.h"
#include "base/list.h"
#include "initiator/libaoe/flight.h"

/* Longer than a frame lives in any queue between us and the disk: aoe-target
 * drops what waited a second, switches much earlier. */
#define FENCE_LIFETIME (2 * NS_PER_S)

enum {
    FENCE_SLOTS = 4096,
    FENCE_WIDE = 256, /* sectors; longer ranges are not in the filter */
};

struct fence {
    struct list frames; /* FRAME_FENCED, the next to expire first */
    unsigned count;
    unsigned wide; /* how many have more than FENCE_WIDE sectors */
    /* How many fenced frames touch the 4 KiB blocks that hash to a slot: zero
     * in all of them proves that a range is free without a look at the list. */
    uint16_t slots[FENCE_SLOTS];
};

void fence_init(struct fence *fe);

/* Fences a frame that is in no other list. */
void fence_add(struct fence *fe, struct frame *f, uint64_t now);
/* Ends its fence; the caller frees it. */
void fence_remove(struct fence *fe, struct frame *f);

/* Whether any fenced range shares a sector with [lba, lba + sectors). */
bool fence_hit(const struct fence *fe, uint64_t lba, uint64_t sectors);

/* The same, except for what was a part of `own`. */
bool fence_hit_others(const struct fence *fe, uint64_t lba, uint64_t sectors,
                      const struct transfer *own);
/* `t` has ended: from now on its late copies are like any others. */
void fence_disown(struct fence *fe, const struct transfer *t);

/* The first frame whose time is up, or NULL. */
struct frame *fence_expired(struct fence *fe, uint64_t now);
/* When that will be; UINT64_MAX: nothing is fenced. */
uint64_t fence_next(struct fence *fe);

#endif
