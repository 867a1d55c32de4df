/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Buffers in sizes of powers of two, kept in free lists.
 */
#include "bridge/nbd/pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bridge/nbd/server.h"

/* What is kept at rest. */
enum { KEEP_BYTES = 2 << 20, FREE_REQUESTS_MAX = 1024, PAGE = 4096 };

/* A sanitizer watches the ends of what malloc gives. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
static uint8_t *map(size_t room)
{
    return malloc(room);
}

static void unmap(void *buffer, size_t room)
{
    (void)room;
    free(buffer);
}
#else
static uint8_t *map(size_t room)
{
    void *p = mmap(NULL, room, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void unmap(void *buffer, size_t room)
{
    munmap(buffer, room);
}
#endif

void nbd_pool_open(struct nbd_pool *pool)
{
    pool->keep_bytes = KEEP_BYTES;
    list_init(&pool->free_requests);
    for (int c = 0; c < NBD_BUFFER_CLASSES; c++)
        list_init(&pool->free_buffers[c]);
}

/* Gives kept buffers back, the largest first, until `most` bytes are left. */
static void trim(struct nbd_pool *pool, size_t most)
{
    for (int c = NBD_BUFFER_CLASSES; c-- > 0;) {
        size_t room = (size_t)1 << (NBD_BUFFER_SMALLEST + c);
        struct list *node;

        while (pool->free_bytes > most &&
               (node = list_first(&pool->free_buffers[c]))) {
            list_remove(node);
            pool->free_bytes -= room;
            unmap(node, room); /* the links are the buffer's first bytes */
        }
    }
}

void nbd_pool_trim(struct nbd_pool *pool)
{
    trim(pool, pool->keep_bytes);
}

void nbd_pool_close(struct nbd_pool *pool)
{
    list_each(node, &pool->free_requests)
        free(list_entry(node, struct nbd_request, link));
    trim(pool, 0);
}

struct nbd_request *nbd_pool_take_request(struct nbd_pool *pool)
{
    struct list *node = list_first(&pool->free_requests);
    struct nbd_request *r;

    if (!node)
        return calloc(1, sizeof *r);
    list_remove(node);
    pool->free_request_count--;
    r = list_entry(node, struct nbd_request, link);
    *r = (struct nbd_request){0};
    return r;
}

void nbd_pool_give_request(struct nbd_pool *pool, struct nbd_request *request)
{
    if (pool->free_request_count >= FREE_REQUESTS_MAX) {
        free(request);
        return;
    }
    list_prepend(&pool->free_requests, &request->link);
    pool->free_request_count++;
}

static int class_of(size_t room)
{
    int c = 0;

    while (((size_t)1 << (NBD_BUFFER_SMALLEST + c)) < room)
        c++;
    return c;
}

static bool is_kept(size_t room)
{
    return room <= (size_t)1 << NBD_BUFFER_LARGEST;
}

size_t nbd_pool_room(const struct nbd_pool *pool, uint32_t length)
{
    if (length < pool->room_min)
        return pool->room_min;
    if (!is_kept(length))
        return ((size_t)length + PAGE - 1) & ~(size_t)(PAGE - 1);
    return (size_t)1 << (NBD_BUFFER_SMALLEST + class_of(length));
}

uint8_t *nbd_pool_take_buffer(struct nbd_pool *pool, size_t room)
{
    struct list *node = NULL;
    uint8_t *buffer;

    if (is_kept(room))
        node = list_first(&pool->free_buffers[class_of(room)]);
    if (node) {
        list_remove(node);
        pool->free_bytes -= room;
        pool->used += room;
        return (uint8_t *)node;
    }
    /* What was reserved stays. */
    if (!pool->room_min && pool->used + pool->free_bytes + room > pool->limit)
        trim(pool, 0);
    buffer = map(room);
    if (buffer)
        pool->used += room;
    return buffer;
}

void nbd_pool_give_buffer(struct nbd_pool *pool, uint8_t *buffer, size_t room)
{
    if (!buffer)
        return;
    pool->used -= room;
    if (!is_kept(room)) {
        unmap(buffer, room);
        return;
    }
    list_prepend(&pool->free_buffers[class_of(room)],
                 (struct list *)(void *)buffer);
    pool->free_bytes += room;
}

int nbd_pool_reserve(struct nbd_pool *pool, unsigned requests, uint32_t length)
{
    pool->room_min = nbd_pool_room(pool, length);
    pool->keep_bytes = requests * pool->room_min;
    for (unsigned i = 0; i < requests; i++) {
        struct nbd_request *r = calloc(1, sizeof *r);
        uint8_t *buffer = map(pool->room_min);

        if (!r || !buffer) {
            free(r);
            if (buffer)
                unmap(buffer, pool->room_min);
            return -ENOMEM;
        }
        memset(buffer, 0, pool->room_min); /* memory is there when touched */
        nbd_pool_give_request(pool, r);
        pool->used += pool->room_min;
        nbd_pool_give_buffer(pool, buffer, pool->room_min);
    }
    return 0;
}
