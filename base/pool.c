/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Objects and buffers in free lists, a list for each size.
 */
#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

/* A sanitizer checks the bounds of what malloc returns, not those of
 * mappings. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
static void *map(size_t capacity)
{
    return malloc(capacity);
}

static void unmap(void *buffer, size_t capacity)
{
    (void)capacity;
    free(buffer);
}
#else
static void *map(size_t capacity)
{
    void *p = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void unmap(void *buffer, size_t capacity)
{
    munmap(buffer, capacity);
}
#endif

void pool_open(struct pool *pool, size_t object_size, size_t limit, size_t keep)
{
    assert(object_size >= sizeof(struct list));
    *pool =
        (struct pool){.object_size = object_size, .limit = limit, .keep = keep};
    list_init(&pool->objects);
    for (int c = 0; c < POOL_CLASSES; c++)
        list_init(&pool->buffers[c]);
}

/* ---- sizes --------------------------------------------------------------- */

static size_t class_capacity(int class)
{
    return (size_t)1 << (POOL_BUFFER_MIN + class);
}

static int class_of(size_t length)
{
    int class = 0;

    while (class_capacity(class) < length)
        class ++;
    return class;
}

static bool is_kept(size_t capacity)
{
    return capacity <= (size_t)1 << POOL_BUFFER_MAX;
}

size_t pool_capacity(const struct pool *pool, size_t length)
{
    assert(length > 0);
    if (length < pool->reserved_capacity)
        return pool->reserved_capacity;
    if (!is_kept(length))
        return (length + PAGE - 1) & ~(size_t)(PAGE - 1);
    return class_capacity(class_of(length));
}

/* ---- what is spare ------------------------------------------------------- */

static void free_class(struct pool *pool, int class, size_t keep)
{
    struct list *node;

    while (pool->spare > keep && (node = list_first(&pool->buffers[class]))) {
        list_remove(node);
        pool->spare -= class_capacity(class);
        unmap(node, class_capacity(class));
    }
}

static void free_spare(struct pool *pool, size_t keep)
{
    size_t freed = 1;

    if (pool->spare <= keep)
        return;
    while (pool->discard && pool->spare > keep && freed > 0) {
        freed = pool->discard(pool->arg);
        assert(freed <= pool->spare);
        pool->spare -= freed;
    }
    for (int c = POOL_CLASSES; c-- > 0;)
        free_class(pool, c, keep);
}

void pool_trim(struct pool *pool)
{
    free_spare(pool, pool->keep);
}

void pool_fit(struct pool *pool, size_t bytes)
{
    size_t used = pool->used + bytes;

    if (pool->reserved_capacity) /* reserved memory is kept */
        return;
    free_spare(pool, used < pool->limit ? pool->limit - used : 0);
}

void pool_close(struct pool *pool)
{
    assert(pool->objects_used == 0);
    list_each(node, &pool->objects)
        free(node);
    free_spare(pool, 0);
}

/* ---- objects ------------------------------------------------------------- */

void *pool_take_object(struct pool *pool)
{
    struct list *node = list_first(&pool->objects);

    if (node) {
        list_remove(node);
        pool->objects_spare--;
        memset(node, 0, pool->object_size);
    } else {
        node = calloc(1, pool->object_size);
    }
    if (node)
        pool->objects_used++;
    return node;
}

static void keep_object(struct pool *pool, void *object)
{
    if (pool->objects_spare >= POOL_OBJECTS_MAX) {
        free(object);
        return;
    }
    list_prepend(&pool->objects, object);
    pool->objects_spare++;
}

void pool_give_object(struct pool *pool, void *object)
{
    assert(object && pool->objects_used > 0);
    pool->objects_used--;
    keep_object(pool, object);
}

/* ---- buffers ------------------------------------------------------------- */

void pool_charge(struct pool *pool, size_t bytes)
{
    pool->used += bytes;
}

void pool_discharge(struct pool *pool, size_t bytes)
{
    assert(bytes <= pool->used);
    pool->used -= bytes;
}

static void *take_spare(struct pool *pool, size_t capacity)
{
    struct list *node = NULL;

    if (is_kept(capacity))
        node = list_first(&pool->buffers[class_of(capacity)]);
    if (!node)
        return NULL;
    list_remove(node);
    pool->spare -= capacity;
    return node;
}

void *pool_take_buffer(struct pool *pool, size_t capacity)
{
    void *buffer = take_spare(pool, capacity);

    if (!buffer) {
        pool_fit(pool, capacity);
        buffer = map(capacity);
    }
    if (buffer)
        pool_charge(pool, capacity);
    return buffer;
}

static void keep_buffer(struct pool *pool, void *buffer, size_t capacity)
{
    int class = class_of(capacity);

    assert(class_capacity(class) == capacity);
    list_prepend(&pool->buffers[class], buffer);
    pool->spare += capacity;
}

void pool_give_buffer(struct pool *pool, void *buffer, size_t capacity)
{
    if (!buffer)
        return;
    pool_discharge(pool, capacity);
    if (is_kept(capacity))
        keep_buffer(pool, buffer, capacity);
    else
        unmap(buffer, capacity);
}

int pool_reserve(struct pool *pool, unsigned count, uint32_t length)
{
    size_t capacity = pool_capacity(pool, length);

    assert(is_kept(capacity));
    pool->reserved_capacity = capacity;
    pool->keep = count * capacity;
    for (unsigned i = 0; i < count; i++) {
        void *object = calloc(1, pool->object_size);
        void *buffer = map(capacity);

        if (!object || !buffer) {
            free(object);
            if (buffer)
                unmap(buffer, capacity);
            return -ENOMEM;
        }
        memset(buffer, 0, capacity); /* memory is allocated when touched */
        keep_object(pool, object);
        keep_buffer(pool, buffer, capacity);
    }
    return 0;
}
