/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bounded memory for the data path: a buffer belongs to its request until the
 * disk is done with it, however long that takes.
 */
#include "bridge/aoe-fuse/io.h"

#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* One receive buffer that is kept for reuse, the last first. */
static size_t discard_received(void *arg)
{
    struct aoefs_pool *pool = arg;

    if (pool->receive_spare_count == 0)
        return 0;
    free(pool->receive_spare[--pool->receive_spare_count].mem);
    return AOEFS_RECEIVE_ROOM;
}

void aoefs_pool_open(struct aoefs_pool *pool, struct loop *loop, size_t limit)
{
    memset(pool, 0, sizeof *pool);
    pool->loop = loop;
    pool_open(&pool->memory, sizeof(struct aoefs_io), limit, AOEFS_MEMORY_REST);
    pool->memory.discard = discard_received;
    pool->memory.arg = pool;
}

void aoefs_pool_close(struct aoefs_pool *pool)
{
    loop_timer_cancel(pool->loop, &pool->trim);
    pool_close(&pool->memory);
    free(pool->receive.mem);
}

bool aoefs_pool_room(const struct aoefs_pool *pool)
{
    return pool->memory.used + AOEFS_RECEIVE_ROOM <= pool->memory.limit;
}

static void trim_expired(void *arg)
{
    struct aoefs_pool *pool = arg;

    pool_trim(&pool->memory);
#ifdef __GLIBC__
    /* It keeps what lies between blocks that are still in use. */
    malloc_trim(0);
#endif
}

/* Buffers come and go many thousand times a second under load, so what is
 * spare is looked at once a second, not at each return. */
static void watch_spare(struct aoefs_pool *pool)
{
    if (pool->memory.spare <= pool->memory.keep || pool->trim.index)
        return;
    pool->trim.expired = trim_expired;
    pool->trim.arg = pool;
    if (loop_timer_set(pool->loop, &pool->trim,
                       loop_now(pool->loop) + NS_PER_S))
        pool_trim(&pool->memory);
}

/* ---- receive buffers ----------------------------------------------------- */

/* libfuse allocates them, and newer versions keep their size beside the
 * pointer, so they are passed around whole. */
void aoefs_io_hold_received(struct aoefs_pool *pool, struct aoefs_io *io)
{
    io->held = pool->receive;
    pool_charge(&pool->memory, AOEFS_RECEIVE_ROOM);
    if (pool->receive_spare_count > 0) {
        pool->receive = pool->receive_spare[--pool->receive_spare_count];
        pool->memory.spare -= AOEFS_RECEIVE_ROOM;
    } else {
        pool_fit(&pool->memory, AOEFS_RECEIVE_ROOM);
        memset(&pool->receive, 0, sizeof pool->receive);
    }
}

static void give_received(struct aoefs_pool *pool, struct aoefs_io *io)
{
    pool_discharge(&pool->memory, AOEFS_RECEIVE_ROOM);
    if (pool->receive_spare_count == AOEFS_RECEIVE_MAX) {
        free(io->held.mem);
        return;
    }
    pool->receive_spare[pool->receive_spare_count++] = io->held;
    pool->memory.spare += AOEFS_RECEIVE_ROOM;
}

/* ---- requests ------------------------------------------------------------ */

static bool take_data(struct aoefs_pool *pool, struct aoefs_io *io, size_t size)
{
    io->data_room = pool_capacity(&pool->memory, size);
    io->data = pool_take_buffer(&pool->memory, io->data_room);
    return io->data != NULL;
}

struct aoefs_io *aoefs_io_take(struct aoefs_pool *pool, struct aoefs_disk *disk,
                               fuse_req_t req, size_t size)
{
    struct aoefs_io *io = pool_take_object(&pool->memory);

    if (!io)
        return NULL;
    pool_charge(&pool->memory, AOEFS_REQUEST_ROOM);
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
    pool_give_buffer(&pool->memory, io->data, io->data_room);
    if (io->held.mem)
        give_received(pool, io);
    pool_discharge(&pool->memory, AOEFS_REQUEST_ROOM);
    pool_give_object(&pool->memory, io);
    watch_spare(pool);
}
