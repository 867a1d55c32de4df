/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of the store on files share: target/store/store_file.c opens
 * it, target/store/file_submit.c decides how an operation is run, and
 * target/store/file_move.c moves data and blocks for it.
 */
#ifndef TARGET_STORE_FILE_STORE_H
#define TARGET_STORE_FILE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "target/store/device.h"
#include "target/store/ring.h"
#include "target/store/store.h"

enum {
    SECTOR = 512,
    RUN_MAX = 64, /* operations merged into one call */
};

struct file_store {
    struct store store;
    struct device device;
    int fd;        /* through the page cache */
    int direct_fd; /* around it; -1: not wanted, or not possible */
    uint64_t base; /* where in the file the store begins */
    struct work_queue queue;
    struct ring *ring; /* NULL: the workers do it all */
    bool ring_reads;   /* reads through the page cache do not wait there */

    /* Direct I/O: operations that wait for an adjacent run, in order of
     * arrival, and the first operation of each run at the disk. */
    struct list direct_waiting, direct_running;

    /* RWF_NOWAIT is known not to work here.  Then files in memory are read at
     * once all the same, others in a worker. */
    bool no_nowait_read, no_nowait_write;
    uint64_t slow_until; /* ns; writes go to the workers until then */
};

static inline struct store_op *op_of(struct list *node)
{
    return list_entry(node, struct store_op, link);
}

static inline struct file_store *file_of(struct store *s)
{
    return list_entry(s, struct file_store, store);
}

static inline struct file_store *file_of_work(struct work *w)
{
    return list_entry(w->queue, struct file_store, queue);
}

/* What this store keeps in an operation while it runs: in bytes of another
 * type, which the compiler must not assume to be elsewhere (may_alias). */
struct file_op {
    unsigned failed_syncs;   /* on its behalf */
    struct store_op *next;   /* of the same run; NULL: none */
    unsigned run_count;      /* of the first: operations in its run */
    uint64_t run_end;        /* of the first: offset where the last one ends */
    struct store_op *behind; /* the run at the disk that this one continues */
    struct work work;        /* for workers */
    struct ring_transfer transfer; /* for a ring */
} __attribute__((__may_alias__));
_Static_assert(sizeof(struct file_op) <= STORE_OP_PRIVATE,
               "it fits in struct store_op");

static inline struct file_op *file_op(const struct store_op *op)
{
    return (struct file_op *)(uintptr_t)op->private.bytes;
}

static inline struct store_op *op_of_work(struct work *w)
{
    return list_entry(list_entry(w, struct file_op, work), struct store_op,
                      private);
}

static inline struct store_op *op_of_transfer(struct ring_transfer *t)
{
    return list_entry(list_entry(t, struct file_op, transfer), struct store_op,
                      private);
}

/* A run is its first operation and those that follow it as file_op.next. */
struct pieces {
    struct iovec iov[RUN_MAX];
    int count;
    uint64_t offset; /* in the file */
    size_t length;
    bool direct; /* all of it is aligned for direct I/O */
};

/* Makes *p the pieces of a read or write, to which others can be added that
 * continue it. */
static inline void pieces_begin(struct pieces *p, const struct file_store *fs,
                                const struct store_op *first)
{
    p->count = 0;
    p->offset = fs->base + first->offset;
    p->length = 0;
    p->direct = fs->direct_fd >= 0 && p->offset % fs->device.direct_offset == 0;
}

static inline void pieces_add(struct pieces *p, const struct file_store *fs,
                              const struct store_op *op)
{
    size_t length = (size_t)op->length;

    p->iov[p->count].iov_base = op->data;
    p->iov[p->count++].iov_len = length;
    p->length += length;
    /* Last, because small processors have no division. */
    if (p->direct && (length % fs->device.direct_offset ||
                      (uintptr_t)op->data % fs->device.direct_memory))
        p->direct = false;
}

/* ---- target/store/file_submit.c ---- */

/* As store_ops.submit. */
void file_submit(struct store *s, struct list *ops);

/* ---- target/store/file_run.c ---- */

/* Takes the first operation and those adjacent to it out of a batch, which is
 * not empty; what a read or write moves is in *p then. */
struct store_op *file_take_run(const struct file_store *fs, struct list *ops,
                               struct pieces *p);

void file_mark_succeeded(struct store_op *first);
void file_complete_run(struct file_store *fs, struct store_op *first);
/* Both of these. */
void file_succeed_run(struct file_store *fs, struct store_op *first);

/* Adds the run to the ring; ring_run starts it, and calls `done` at its end.
 * False: the ring is full. */
bool file_ring_start(struct file_store *fs, struct store_op *first,
                     const struct pieces *p,
                     void (*done)(struct ring_transfer *t, int result));
/* Whether the ring's result says that the whole run was moved. */
bool file_all_moved(const struct store_op *first, int result);

/* ---- target/store/file_direct.c ---- */

/* Queues a read or write for direct I/O: it starts with the next
 * file_direct_start, or later. */
void file_direct_add(struct file_store *fs, struct store_op *op);
/* Starts everything that need not wait.  ring_run must follow. */
void file_direct_start(struct file_store *fs);

/* ---- target/store/file_move.c ---- */

/* Bytes of a write that lie within the file as long as it is now. */
uint64_t file_writable(const struct file_store *fs, const struct pieces *p);

/* All of it was done. */
static inline void succeed(struct store_op *op)
{
    op->result = 0;
    op->done = op->length;
}

/* Syncs the file in a worker, on behalf of `op`, which counts a failure.  0 or
 * -errno. */
int file_sync(const struct file_store *fs, struct store_op *op);

/* Corrects the result of a failed operation: a device that is gone has many
 * ways to say so, such as ENOSPC and ENXIO. */
void file_explain(const struct file_store *fs, struct store_op *op);

/* Starts writing back a run that a flush will follow. */
void file_write_back(const struct file_store *fs, struct store_op *first);

/* Runs an operation and those merged behind it, in a worker. */
void file_run_transfer(struct work *w);

#endif
