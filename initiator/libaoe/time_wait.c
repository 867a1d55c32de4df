/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The set of ranges in time-wait: a list, and in front of it a counting filter,
 * because on a lossy wire thousands of ranges wait while almost every
 * write misses them all.
 */
#include "initiator/libaoe/time_wait.h"

#include <assert.h>
#include <string.h>

enum { BLOCK_SECTORS = 8 };

void time_wait_init(struct time_wait *tw)
{
    memset(tw, 0, sizeof *tw);
    list_init(&tw->frames);
}

static unsigned slot(uint64_t block)
{
    return (unsigned)((block * UINT64_C(0x9e3779b97f4a7c15)) >> 52);
}

static void count_blocks(struct time_wait *tw, const struct frame *f, int by)
{
    uint64_t last = (f->lba + f->sectors - 1) / BLOCK_SECTORS;

    for (uint64_t b = f->lba / BLOCK_SECTORS; b <= last; b++)
        tw->slots[slot(b)] = (uint16_t)(tw->slots[slot(b)] + by);
}

/* A TRIM's range can have a million blocks; it is not counted but looked at. */
static bool counted(const struct frame *f)
{
    return f->sectors <= TIME_WAIT_WIDE;
}

void time_wait_add(struct time_wait *tw, struct frame *f, uint64_t now)
{
    assert(!list_linked(&f->link) && f->sectors > 0);
    f->state = FRAME_TIME_WAIT;
    f->wait_until = now + TIME_WAIT;
    list_append(&tw->frames, &f->link);
    tw->count++;
    if (counted(f))
        count_blocks(tw, f, 1);
    else
        tw->wide++;
}

void time_wait_remove(struct time_wait *tw, struct frame *f)
{
    assert(f->state == FRAME_TIME_WAIT && tw->count > 0);
    list_remove(&f->link);
    tw->count--;
    if (counted(f))
        count_blocks(tw, f, -1);
    else
        tw->wide--;
}

static bool filter_clear(const struct time_wait *tw, uint64_t lba,
                         uint64_t sectors)
{
    uint64_t last = (lba + sectors - 1) / BLOCK_SECTORS;

    if (tw->wide || sectors > TIME_WAIT_WIDE)
        return false;
    for (uint64_t b = lba / BLOCK_SECTORS; b <= last; b++)
        if (tw->slots[slot(b)])
            return false;
    return true;
}

bool time_wait_hit(const struct time_wait *tw, uint64_t lba, uint64_t sectors)
{
    return time_wait_hit_others(tw, lba, sectors, NULL);
}

bool time_wait_hit_others(const struct time_wait *tw, uint64_t lba,
                          uint64_t sectors, const struct transfer *own)
{
    if (tw->count == 0 || sectors == 0 || filter_clear(tw, lba, sectors))
        return false;
    list_each(node, &tw->frames) {
        const struct frame *f = list_entry(node, struct frame, link);

        if (lba < f->lba + f->sectors && f->lba < lba + sectors &&
            (!own || f->recut_of != own))
            return true;
    }
    return false;
}

void time_wait_disown(struct time_wait *tw, const struct transfer *t)
{
    list_each(node, &tw->frames) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->recut_of == t)
            f->recut_of = NULL;
    }
}

struct frame *time_wait_expired(struct time_wait *tw, uint64_t now)
{
    struct list *first = list_first(&tw->frames);
    struct frame *f = first ? list_entry(first, struct frame, link) : NULL;

    return f && f->wait_until <= now ? f : NULL;
}

uint64_t time_wait_next(struct time_wait *tw)
{
    struct list *first = list_first(&tw->frames);

    return first ? list_entry(first, struct frame, link)->wait_until
                 : UINT64_MAX;
}
