/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The inside of the file store; for target/store_file*.c only.
 */
#ifndef TARGET_STORE_FILE_H
#define TARGET_STORE_FILE_H

#include "target/device.h"
#include "target/store.h"

struct file_store {
    struct store store;
    struct device device;
    int fd;        /* through the page cache */
    int direct_fd; /* around it; -1: not asked for */
    uint64_t base; /* where in the file the store begins */
    struct work_queue queue;

    /* Whether a read that cannot wait is known not to work here, and what is
     * done instead: in_memory reads at once, others in a worker. */
    bool no_nowait_read, no_nowait_write;
    uint64_t slow_until; /* ns: writes go to the workers until then */

    /* One fdatasync serves all flushes that had come before it began. */
    struct list flush_waiting, flush_running;
    struct work flush_work;
    int flush_result;
};

static inline struct file_store *file_of_work(struct work *w)
{
    return list_entry(w->queue, struct file_store, queue);
}

static inline struct store_op *op_of(struct list *node)
{
    return list_entry(node, struct store_op, link);
}

/* Takes the first READ or WRITE out of the batch, with its neighbours, and
 * moves their data: at once if the page cache can, else in a worker. */
void file_transfer(struct file_store *fs, struct list *ops);

/* Moves the data of one READ, WRITE or VERIFY, waiting for the disk. */
void file_move(struct file_store *fs, struct store_op *op);

#endif
