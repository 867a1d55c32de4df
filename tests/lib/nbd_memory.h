/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An in-memory disk for the NBD server: requests wait until the test completes
 * them, in any order, with success or an error.
 */
#ifndef TESTS_NBD_MEMORY_H
#define TESTS_NBD_MEMORY_H

#include "initiator/client/block_export.h"
#include "tests/lib/lossy.h"

enum { NBD_MEMORY_PENDING = 1024 };

struct nbd_memory {
    struct nbd_export export; /* the test may change its capabilities */
    uint8_t *bytes;
    struct lossy lossy;
    struct aoe_request *pending[NBD_MEMORY_PENDING]; /* oldest first */
    unsigned pending_count;
    unsigned done[AOE_ZERO + 1]; /* completed so far, by enum aoe_op */
    unsigned fua;                /* of those, with fua */
    int refuse;                  /* what the next submit returns */
    /* May be NULL: called when a request became pending. */
    void (*submitted)(struct nbd_memory *memory);
    void *arg;
};

void nbd_memory_open(struct nbd_memory *memory, size_t size);
void nbd_memory_close(struct nbd_memory *memory);

/* Executes the pending request `which` and completes it with 0, or only
 * completes it when `status` is an error. */
void nbd_memory_complete(struct nbd_memory *memory, unsigned which, int status);
void nbd_memory_complete_all(struct nbd_memory *memory);

#endif
