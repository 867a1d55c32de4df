/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The set of fenced ranges: a list, and in front of it a counting filter,
 * because on a lossy wire thousands of ranges are fenced while almost every
 * write misses them all.
 */
#include "initiator/libaoe/fence.h"

#include <string.h>

enum { BLOCK_SECTORS = 8 };

void fence_init(struct fence *fe)
{
    memset(fe, 0, sizeof *fe);
    list_init(&fe->frames);
}

static unsigned slot(uint64_t block)
{
    return (unsigned)((block * UINT64_C(0x9e3779b97f4a7c15)) >> 52);
}

static void count_blocks(struct fence *fe, const struct frame *f, int by)
{
    uint64_t last = (f->lba + f->sectors - 1) / BLOCK_SECTORS;

    for (uint64_t b = f->lba / BLOCK_SECTORS; b <= last; b++)
        fe->slots[slot(b)] = (uint16_t)(fe->slots[slot(b)] + by);
}

/* A TRIM's range can have a million blocks; it is not counted but looked at. */
static bool counted(const struct frame *f)
{
    return f->sectors <= FENCE_WIDE;
}

void fence_add(struct fence *fe, struct frame *f, uint64_t now)
{
    f->state = FRAME_FENCED;
    f->fence_until = now + FENCE_LIFETIME;
    list_append(&fe->frames, &f->link);
    fe->count++;
    if (counted(f))
        count_blocks(fe, f, 1);
    else
        fe->wide++;
}

void fence_remove(struct fence *fe, struct frame *f)
{
    list_remove(&f->link);
    fe->count--;
    if (counted(f))
        count_blocks(fe, f, -1);
    else
        fe->wide--;
}

static bool filter_clear(const struct fence *fe, uint64_t lba, uint64_t sectors)
{
    uint64_t last = (lba + sectors - 1) / BLOCK_SECTORS;

    if (fe->wide || sectors > FENCE_WIDE)
        return false;
    for (uint64_t b = lba / BLOCK_SECTORS; b <= last; b++)
        if (fe->slots[slot(b)])
            return false;
    return true;
}

bool fence_hit(const struct fence *fe, uint64_t lba, uint64_t sectors)
{
    return fence_hit_others(fe, lba, sectors, NULL);
}

bool fence_hit_others(const struct fence *fe, uint64_t lba, uint64_t sectors,
                      const struct transfer *own)
{
    if (fe->count == 0 || sectors == 0 || filter_clear(fe, lba, sectors))
        return false;
    list_each(node, &fe->frames) {
        const struct frame *f = list_entry(node, struct frame, link);

        if (lba < f->lba + f->sectors && f->lba < lba + sectors &&
            (!own || f->recut_of != own))
            return true;
    }
    return false;
}

void fence_disown(struct fence *fe, const struct transfer *t)
{
    list_each(node, &fe->frames) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->recut_of == t)
            f->recut_of = NULL;
    }
}

struct frame *fence_expired(struct fence *fe, uint64_t now)
{
    struct list *first = list_first(&fe->frames);
    struct frame *f = first ? list_entry(first, struct frame, link) : NULL;

    return f && f->fence_until <= now ? f : NULL;
}

uint64_t fence_next(struct fence *fe)
{
    struct list *first = list_first(&fe->frames);

    return first ? list_entry(first, struct frame, link)->fence_until
                 : UINT64_MAX;
}
