/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bounded memory for the data path (a buffer belongs to
 * its request until the disk is done with it, however long that takes).
 */
#include "bridge/aoe-fuse/pool.h"

#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum {
    CLASS_SMALLEST = 4096,
    IDLE_MAX = 256, /* request objects kept for reuse */
};

void aoefs_pool_open(struct aoefs_pool *pool, struct loop *loop, size_t limit)
{
    memset(pool, 0, sizeof *pool);
    pool->loop = loop;
    pool->limit = limit;
    list_init(&pool->idle);
    for (int i = 0; i < AOEFS_CLASSES; i++)
        list_init(&pool->buffers[i]);
}

bool aoefs_pool_room(const struct aoefs_pool *pool)
{
    return pool->used + AOEFS_RECEIVE_ROOM <= pool->limit;
}

/* ---- what is kept for reuse ---------------------------------------------- */

static size_t class_room(unsigned class)
{
    return (size_t)CLASS_SMALLEST << class;
}

static unsigned class_for(size_t size)
{
    unsigned class = 0;

    while (class_room(class) < size)
        class ++;
    return class;
}

/* Frees spare buffers, the largest first, until `keep` bytes are left. */
static void drop_spare(struct aoefs_pool *pool, size_t keep)
{
    while (pool->spare > keep && pool->receive_spare_count > 0) {
        free(pool->receive_spare[--pool->receive_spare_count].mem);
        pool->spare -= AOEFS_RECEIVE_ROOM;
    }
    for (unsigned c = AOEFS_CLASSES; c-- > 0;)
        while (pool->spare > keep && !list_empty(&pool->buffers[c])) {
            struct list *node = list_first(&pool->buffers[c]);

            list_remove(node);
            free(node);
            pool->spare -= class_room(c);
        }
}

/* Before a new buffer comes: what is spare, of another size, counts against the
 * same limit. */
static void make_room(struct aoefs_pool *pool, size_t room)
{
    size_t used = pool->used + room;

    drop_spare(pool, used < pool->limit ? pool->limit - used : 0);
}

static void trim_expired(void *arg)
{
    drop_spare(arg, AOEFS_MEMORY_REST);
#ifdef __GLIBC__
    /* It keeps what lies between blocks that are still in use. */
    malloc_trim(0);
#endif
}

/* Buffers come and go many thousand times a second under load, so what is
 * spare is looked at once a second, not at each return. */
static void note_spare(struct aoefs_pool *pool, size_t room)
{
    pool->spare += room;
    if (pool->spare <= AOEFS_MEMORY_REST || pool->trim.index)
        return;
    pool->trim.expired = trim_expired;
    pool->trim.arg = pool;
    if (loop_timer_set(pool->loop, &pool->trim,
                       loop_now(pool->loop) + NS_PER_S))
        drop_spare(pool, AOEFS_MEMORY_REST);
}

void aoefs_pool_close(struct aoefs_pool *pool)
{
    loop_timer_cancel(pool->loop, &pool->trim);
    drop_spare(pool, 0);
    free(pool->receive.mem);
    while (!list_empty(&pool->idle)) {
        struct list *node = list_first(&pool->idle);

        list_remove(node);
        free(list_entry(node, struct aoefs_io, link));
    }
}

/* ---- data buffers -------------------------------------------------------- */

static bool take_data(struct aoefs_pool *pool, struct aoefs_io *io, size_t size)
{
    unsigned class = class_for(size);
    struct list *node = list_first(&pool->buffers[class]);

    if (node) {
        list_remove(node);
        pool->spare -= class_room(class);
        io->data = node;
    } else {
        make_room(pool, class_room(class));
        io->data = malloc(class_room(class));
        if (!io->data)
            return false;
    }
    io->data_room = class_room(class);
    pool->used += io->data_room;
    return true;
}

static void give_data(struct aoefs_pool *pool, struct aoefs_io *io)
{
    struct list *node = io->data;

    pool->used -= io->data_room;
    node->next = node->prev = NULL;
    list_prepend(&pool->buffers[class_for(io->data_room)], node);
    note_spare(pool, io->data_room);
}

/* ---- receive buffers ----------------------------------------------------- */

/* libfuse allocates them, and newer versions keep their size beside the
 * pointer, so they are passed around whole. */
void aoefs_io_hold_received(struct aoefs_pool *pool, struct aoefs_io *io)
{
    io->held = pool->receive;
    pool->used += AOEFS_RECEIVE_ROOM;
    if (pool->receive_spare_count > 0) {
        pool->receive = pool->receive_spare[--pool->receive_spare_count];
        pool->spare -= AOEFS_RECEIVE_ROOM;
    } else {
        make_room(pool, AOEFS_RECEIVE_ROOM);
        memset(&pool->receive, 0, sizeof pool->receive);
    }
}

static void give_received(struct aoefs_pool *pool, struct aoefs_io *io)
{
    pool->used -= AOEFS_RECEIVE_ROOM;
    if (pool->receive_spare_count == AOEFS_RECEIVE_MAX) {
        free(io->held.mem);
        return;
    }
    pool->receive_spare[pool->receive_spare_count++] = io->held;
    note_spare(pool, AOEFS_RECEIVE_ROOM);
}

/* ---- requests ------------------------------------------------------------ */

struct aoefs_io *aoefs_io_take(struct aoefs_pool *pool, struct aoefs_disk *disk,
                               fuse_req_t req, size_t size)
{
    struct list *node = list_first(&pool->idle);
    struct aoefs_io *io;

    if (node) {
        io = list_entry(node, struct aoefs_io, link);
        list_remove(node);
        pool->idle_count--;
        memset(io, 0, sizeof *io);
    } else {
        io = calloc(1, sizeof *io);
        if (!io)
            return NULL;
    }
    pool->busy++;
    pool->used += AOEFS_REQUEST_ROOM;
    io->disk = disk;
    io->req = req;
    if (size > 0 && !take_data(pool, io, size)) {
        aoefs_io_give(pool, io);
        return NULL;
    }
    return io;
}

void aoefs_io_give(struct aoefs_pool *pool, struct aoefs_io *io)
{
    if (io->data)
        give_data(pool, io);
    if (io->held.mem)
        give_received(pool, io);
    pool->busy--;
    pool->used -= AOEFS_REQUEST_ROOM;
    if (pool->idle_count == IDLE_MAX) {
        free(io);
        return;
    }
    pool->idle_count++;
    list_prepend(&pool->idle, &io->link);
}
