/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests between the kernel and a disk, and their memory: a pool of objects
 * and data buffers (base/pool.h), and the buffers in which requests arrive from
 * /dev/fuse, which are libfuse's to allocate.  All count against one limit.
 */
#ifndef BRIDGE_AOE_FUSE_IO_H
#define BRIDGE_AOE_FUSE_IO_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 35
#endif
#include <fuse_lowlevel.h>

#include "base/loop.h"
#include "base/pool.h"
#include "initiator/libaoe/aoe.h"

enum {
    /* Largest read or write of the kernel: 256 pages, the most that Linux
     * offers without a sysctl. */
    AOEFS_IO_MAX = 1 << 20,
    /* A write up to this size is copied out of the buffer it arrived in;
     * a larger one keeps that buffer until it is done. */
    AOEFS_COPY_MAX = 32 << 10,
    /* libfuse's receive buffer: the largest write and a page for its header. */
    AOEFS_RECEIVE_ROOM = AOEFS_IO_MAX + 4096,
    /* What a request takes besides: its objects here, in libfuse and in libaoe,
     * and there the sectors at its edges, if it is not aligned. */
    AOEFS_REQUEST_ROOM = 4096,
    AOEFS_MEMORY_MAX = 64 << 20, /* default limit of a mount */
    AOEFS_MEMORY_REST = 4 << 20, /* what an idle mount keeps for reuse */
    AOEFS_RECEIVE_MAX = 64,      /* receive buffers kept at most */
};

struct aoefs_disk;

/* One request on its way through a disk. */
struct aoefs_io {
    struct aoe_request aoe;
    struct iovec iov;
    fuse_req_t req; /* whom to answer; NULL: our own flush */
    struct aoefs_disk *disk;
    unsigned handle;        /* number of the open file, for the log; 0: none */
    void *data;             /* a data buffer of the pool, or NULL */
    size_t data_room;       /* its size */
    struct fuse_buf held;   /* the receive buffer the data lies in, or none */
    bool durable;           /* write: a flush comes before the answer, */
    size_t written;         /* ... which is for so many bytes */
    int first_error;        /* fsync of the directory: what will be replied */
    uint64_t writes_before; /* flush: aoefs_disk.writes when it was submitted */
    uint64_t next, end;     /* punch, zero: bytes [next, end) are still to do */
    bool trim;              /* ... by trimming where whole sectors allow it */
};

struct aoefs_pool {
    struct loop *loop;
    struct pool memory;      /* of aoefs_io and their data buffers */
    struct fuse_buf receive; /* what the next request is read into */
    struct fuse_buf receive_spare[AOEFS_RECEIVE_MAX];
    unsigned receive_spare_count;
    struct loop_timer trim; /* set while more is spare than at rest */
};

void aoefs_pool_open(struct aoefs_pool *pool, struct loop *loop, size_t limit);
void aoefs_pool_close(struct aoefs_pool *pool);

/* Whether one more request of any size fits. */
bool aoefs_pool_room(const struct aoefs_pool *pool);

/* A request with every field zero but `disk` and `req`, and with a data buffer
 * of at least `size` bytes when size is not 0.  NULL: no memory. */
struct aoefs_io *aoefs_io_take(struct aoefs_pool *pool, struct aoefs_disk *disk,
                               fuse_req_t req, size_t size);

/* Lets `io` keep the buffer that the current request arrived in. */
void aoefs_io_hold_received(struct aoefs_pool *pool, struct aoefs_io *io);

/* Returns the request and its buffers. */
void aoefs_io_give(struct aoefs_pool *pool, struct aoefs_io *io);

#endif
