/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of the store on files share: target/store_file.c decides how
 * an operation is run, target/file_move.c moves data and waits for it.
 */
#ifndef TARGET_FILE_STORE_H
#define TARGET_FILE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "target/device.h"
#include "target/ring.h"
#include "target/store.h"

enum {
    SECTOR = 512,
    RUN_MAX = 64, /* operations merged into one call */
};

struct file_store {
    struct store store;
    struct device device;
    int fd;        /* through the page cache */
    int direct_fd; /* around it; -1: not asked for */
    uint64_t base; /* where in the file the store begins */
    struct work_queue queue;
    struct ring *ring; /* NULL: the workers do it all */
    bool ring_reads;   /* reads through the page cache do not wait there */

    /* Around the cache: what waits for a neighbour that is running, in order of
     * arrival, and the first operations of the runs that are. */
    struct list direct_waiting, direct_running;

    /* Whether a read that cannot wait is known not to work here, and what is
     * done instead: in_memory reads at once, others in a worker. */
    bool no_nowait_read, no_nowait_write;
    uint64_t slow_until; /* ns: writes go to the workers until then */

    /* One fdatasync serves all flushes that had come before it began. */
    struct list flush_waiting, flush_running;
    struct work flush_work;
    int flush_result;
};

static inline struct store_op *op_of(struct list *node)
{
    return list_entry(node, struct store_op, link);
}

static inline struct file_store *file_of_work(struct work *w)
{
    return list_entry(w->queue, struct file_store, queue);
}

/* A run is its first operation with the others in op->run. */
struct pieces {
    struct iovec iov[RUN_MAX];
    int count;
    uint64_t offset; /* in the file */
    uint64_t length;
    bool direct; /* all of it is aligned for direct I/O */
};

/* One operation alone, or with all that are merged behind it. */
void file_collect(struct file_store *fs, const struct store_op *first,
                  bool merged, struct pieces *p);

/* How much of a write lies within the file as it is now. */
uint64_t file_writable(const struct file_store *fs, const struct pieces *p);

/* All of it was done. */
static inline void succeed(struct store_op *op)
{
    op->result = 0;
    op->done = op->length;
}

/* Runs an operation and those merged behind it, in a worker. */
void file_run_transfer(struct work *w);

#endif
