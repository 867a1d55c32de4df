/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames and tags.  Memory grows in slabs and is kept, so that a steady load
 * allocates nothing.
 */
#include "initiator/libaoe/flight.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COUNTER_MASK UINT32_C(0x00ffffff)

struct frame_slab {
    struct frame_slab *next;
    struct frame frames[FLIGHT_SLAB];
};

void flight_init(struct flight *fl, uint32_t prefix, uint32_t seed)
{
    memset(fl, 0, sizeof *fl);
    list_init(&fl->free);
    fl->prefix = prefix & FLIGHT_TAG_MASK;
    fl->counter = seed & COUNTER_MASK;
}

void flight_fini(struct flight *fl)
{
    while (fl->slabs) {
        struct frame_slab *next = fl->slabs->next;

        free(fl->slabs);
        fl->slabs = next;
    }
}

static struct frame **bucket(struct flight *fl, uint32_t tag)
{
    return &fl->buckets[tag % FLIGHT_BUCKETS];
}

struct frame *flight_find(struct flight *fl, uint32_t tag)
{
    struct frame *f = *bucket(fl, tag);

    while (f && f->tag != tag)
        f = f->hash_next;
    return f;
}

uint32_t flight_tag(struct flight *fl)
{
    uint32_t tag;

    do {
        fl->counter = (fl->counter + 1) & COUNTER_MASK;
        tag = fl->prefix | fl->counter;
    } while (flight_find(fl, tag));
    return tag;
}

static bool grow(struct flight *fl)
{
    struct frame_slab *slab = calloc(1, sizeof *slab);

    if (!slab)
        return false;
    slab->next = fl->slabs;
    fl->slabs = slab;
    for (int i = 0; i < FLIGHT_SLAB; i++)
        list_append(&fl->free, &slab->frames[i].link);
    return true;
}

struct frame *flight_get(struct flight *fl, bool tagged)
{
    struct frame *f;

    if (list_empty(&fl->free) && !grow(fl))
        return NULL;
    f = list_entry(list_first(&fl->free), struct frame, link);
    list_remove(&f->link);
    memset(f, 0, sizeof *f);
    f->state = FRAME_GAP;
    if (tagged) {
        struct frame **b;

        f->tag = flight_tag(fl);
        b = bucket(fl, f->tag);
        f->hash_next = *b;
        *b = f;
    }
    return f;
}

void flight_put(struct flight *fl, struct frame *f)
{
    struct frame **p = bucket(fl, f->tag);

    assert(f->state != FRAME_FREE);
    /* A gap has tag 0, which no table entry has. */
    while (*p && *p != f)
        p = &(*p)->hash_next;
    if (*p)
        *p = f->hash_next;
    list_remove(&f->link);
    f->state = FRAME_FREE;
    /* The one just used is warm in the cache. */
    list_prepend(&fl->free, &f->link);
}
