/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The memory of requests in flight: objects of one size, and data buffers in
 * powers of two.  Both are kept for reuse.  What an idle program does not need
 * is returned to the system: buffers are mappings, so that no allocator can
 * keep them as fragments.
 *
 * A pool belongs to one thread.  It never refuses because of its limit: its
 * user checks first, by its own rules, whether there is enough.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum {
    POOL_BUFFER_MIN = 12, /* log2 of the smallest buffer */
    POOL_BUFFER_MAX = 21, /* log2 of the largest that is kept for reuse */
    POOL_CLASSES = POOL_BUFFER_MAX - POOL_BUFFER_MIN + 1,
    POOL_OBJECTS_MAX = 1024, /* objects kept for reuse */
};

struct pool {
    size_t object_size;
    size_t limit; /* bytes: spare buffers are freed before used + spare exceeds
                     it */
    size_t keep;  /* bytes that pool_trim leaves spare */
    size_t used;  /* bytes of buffers that are taken, and charges */
    size_t spare; /* bytes of buffers kept for reuse */
    size_t reserved_capacity; /* no buffer is smaller; 0: nothing is reserved */
    unsigned objects_used;
    unsigned objects_spare;
    struct list objects;               /* the spare ones, linked in their */
    struct list buffers[POOL_CLASSES]; /* ... first bytes */

    /* For spare memory that the owner keeps elsewhere under the same limit and
     * has added to `spare`: frees one piece of it and returns its size, which
     * the pool subtracts.  0: none is left.  May be NULL. */
    size_t (*discard)(void *arg);
    void *arg;
};

/* Objects have `object_size` bytes, at least the size of a struct list. */
void pool_open(struct pool *pool, size_t object_size, size_t limit,
               size_t keep);
/* Frees what is spare; everything must have been given back. */
void pool_close(struct pool *pool);

/* Frees spare buffers, the largest first, down to `keep` bytes. */
void pool_trim(struct pool *pool);

/* Allocates `count` objects, each with a buffer, now and keeps them.  Every
 * buffer of up to `length` bytes is one of these.  0 or -ENOMEM.
 */
int pool_reserve(struct pool *pool, unsigned count, uint32_t length);

/* Zero-initialised; NULL when out of memory. */
void *pool_take_object(struct pool *pool);
void pool_give_object(struct pool *pool, void *object);

/* The bytes that a buffer for `length` bytes, at least 1, occupies. */
size_t pool_capacity(const struct pool *pool, size_t length);

/* A buffer of `capacity` bytes, as pool_capacity returned it, with undefined
 * content; NULL when out of memory. */
void *pool_take_buffer(struct pool *pool, size_t capacity);
/* With the same `capacity`.  Does nothing to a NULL buffer. */
void pool_give_buffer(struct pool *pool, void *buffer, size_t capacity);

/* Accounts for memory that is used elsewhere and counts against the limit. */
void pool_charge(struct pool *pool, size_t bytes);
void pool_discharge(struct pool *pool, size_t bytes);

/* Frees spare buffers until `bytes` more fit under the limit. */
void pool_fit(struct pool *pool, size_t bytes);

#endif
