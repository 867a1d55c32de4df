/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A link's receive buffers.
 *
 * A pool is one piece of memory.  When the MTU grows it is replaced by one with
 * larger buffers; frames of the old pool that the user still holds stay valid,
 * and the old pool is freed with the last of them.
 */
#include "wire/link_backend.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CACHE_LINE = 64,
    CAPACITY_MIN = 1514, /* a response at the usual MTU always fits */
    CAPACITY_SLACK = 8,  /* two VLAN tags that an interface did not strip */
};

struct buffer {
    struct link_frame frame;
    struct frame_pool *pool;
    uint8_t *start;
};

struct frame_pool {
    struct frame_pool
        *older; /* replaced, but with frames the user still holds */
    uint8_t *memory;
    uint32_t capacity; /* bytes from a buffer's start */
    unsigned count;    /* buffers */
    unsigned held;     /* replaced: buffers that the user still holds */
    unsigned align, align_at;
    struct buffer buffer[];
};

static size_t round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* Distance between buffers.  Packed ones get an odd number of cache lines:
 * at a large power of two all headers would compete for a few cache sets. */
static size_t buffer_stride(size_t capacity, size_t align)
{
    if (align)
        return round_up(capacity,
                        align > AOE_FRAME_ALIGN ? align : AOE_FRAME_ALIGN);
    return (round_up(capacity, CACHE_LINE) / CACHE_LINE | 1) * CACHE_LINE;
}

static struct buffer *buffer_of(struct link_frame *frame)
{
    return list_entry(frame, struct buffer, frame);
}

static void buffer_reset(struct buffer *b)
{
    b->frame.data = b->start;
    b->frame.capacity = b->pool->capacity;
    b->frame.len = 0;
    b->frame.age_ns = 0;
}

static void pool_free(struct frame_pool *p)
{
    free(p->memory);
    free(p);
}

static struct frame_pool *pool_new(unsigned count, unsigned capacity,
                                   unsigned align, unsigned align_at)
{
    size_t lead = align ? (align - align_at % align) % align : 0;
    size_t stride = buffer_stride(capacity, align);
    size_t boundary = align > CACHE_LINE ? align : CACHE_LINE;
    struct frame_pool *p;
    void *memory;

    if (count > (SIZE_MAX - lead) / stride)
        return NULL;
    p = calloc(1, sizeof(*p) + count * sizeof(p->buffer[0]));
    if (!p)
        return NULL;
    if (posix_memalign(&memory, boundary, lead + count * stride)) {
        free(p);
        return NULL;
    }
    p->memory = memory;
    p->capacity = capacity;
    p->count = count;
    p->align = align;
    p->align_at = align_at;
    for (unsigned i = 0; i < count; i++) {
        p->buffer[i].pool = p;
        p->buffer[i].start = p->memory + lead + i * stride;
        buffer_reset(&p->buffer[i]);
    }
    return p;
}

static void pool_use(struct link *l, struct frame_pool *p)
{
    list_init(&l->free);
    for (unsigned i = 0; i < p->count; i++)
        list_append(&l->free, &p->buffer[i].frame.link);
    l->free_count = p->count;
    l->pool = p;
}

unsigned link_capacity(unsigned mtu)
{
    unsigned capacity = mtu + AOE_ETHER_HEADER + CAPACITY_SLACK;

    return capacity < CAPACITY_MIN ? CAPACITY_MIN : capacity;
}

int link_init(struct link *l, const struct link_ops *ops, const char *ifname,
              unsigned capacity, const struct link_options *o)
{
    struct frame_pool *p = pool_new(o->rx_frames ? o->rx_frames : LINK_BATCH,
                                    capacity, o->align, o->align_at);

    if (!p)
        return -ENOMEM;
    memset(l, 0, sizeof(*l));
    l->ops = ops;
    l->fd = -1;
    strncpy(l->ifname, ifname, sizeof(l->ifname) - 1);
    strcpy(l->name_now, l->ifname);
    pool_use(l, p);
    return 0;
}

int link_grow(struct link *l, unsigned capacity)
{
    struct frame_pool *old = l->pool;
    struct frame_pool *p;

    if (capacity <= old->capacity)
        return 0;
    p = pool_new(old->count, capacity, old->align, old->align_at);
    if (!p)
        return -ENOMEM;
    old->held = old->count - l->free_count;
    if (old->held) {
        p->older = old;
    } else {
        p->older = old->older;
        pool_free(old);
    }
    pool_use(l, p);
    return 0;
}

struct link_frame *link_take(struct link *l)
{
    struct list *first = list_pop(&l->free);

    if (!first)
        return NULL;
    l->free_count--;
    return list_entry(first, struct link_frame, link);
}

/* Frees a replaced pool whose last frame has come back. */
static void pool_retire(struct link *l, struct frame_pool *done)
{
    struct frame_pool *p = l->pool;

    while (p->older != done)
        p = p->older;
    p->older = done->older;
    pool_free(done);
}

inline void link_release(struct link *l, struct link_frame *frame)
{
    struct buffer *b = buffer_of(frame);

    if (b->pool != l->pool) {
        assert(b->pool->held > 0);
        if (--b->pool->held == 0)
            pool_retire(l, b->pool);
        return;
    }
    assert(l->free_count < b->pool->count);
    buffer_reset(b);
    /* The one used last is still in the cache: it is taken next. */
    list_prepend(&l->free, &frame->link);
    l->free_count++;
}

void link_fini(struct link *l)
{
    struct frame_pool *p = l->pool;

    while (p) {
        struct frame_pool *older = p->older;

        pool_free(p);
        p = older;
    }
    l->pool = NULL;
}
