/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory of requests and their data.  It grows with what clients have in
 * flight, is kept for the next request, and goes back to the system when there
 * is none: the buffers are mappings, which no allocator can leave behind in
 * pieces.
 */
#ifndef BRIDGE_NBD_POOL_H
#define BRIDGE_NBD_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum {
    NBD_BUFFER_SMALLEST = 12, /* log2 */
    NBD_BUFFER_LARGEST = 21,  /* log2; above that none is kept */
    NBD_BUFFER_CLASSES = NBD_BUFFER_LARGEST - NBD_BUFFER_SMALLEST + 1,
};

struct nbd_pool {
    size_t limit; /* of all buffers, used and kept */
    size_t used;  /* bytes of buffers that were taken */
    struct list free_requests;
    unsigned free_request_count;
    struct list free_buffers[NBD_BUFFER_CLASSES]; /* linked in their bytes */
    size_t free_bytes;                            /* of all of these */
    size_t keep_bytes; /* of free_bytes, at rest; more is given back */
    size_t room_min;   /* no buffer is smaller */
};

void nbd_pool_open(struct nbd_pool *pool);
void nbd_pool_close(struct nbd_pool *pool);

/* Keeps only a little: to be called when nothing is in flight. */
void nbd_pool_trim(struct nbd_pool *pool);

/* Zero-initialised; NULL without memory. */
struct nbd_request *nbd_pool_take_request(struct nbd_pool *pool);
void nbd_pool_give_request(struct nbd_pool *pool, struct nbd_request *request);

/* Takes the memory of so many requests from the system now and keeps it.  Every
 * buffer up to `length` bytes comes out of it.  -ENOMEM. */
int nbd_pool_reserve(struct nbd_pool *pool, unsigned requests, uint32_t length);

/* The memory a buffer for `length` bytes (at least 1) occupies. */
size_t nbd_pool_room(const struct nbd_pool *pool, uint32_t length);

/* A buffer of nbd_pool_room(length) bytes with undefined content, or NULL. */
uint8_t *nbd_pool_take_buffer(struct nbd_pool *pool, size_t room);
void nbd_pool_give_buffer(struct nbd_pool *pool, uint8_t *buffer, size_t room);

#endif
