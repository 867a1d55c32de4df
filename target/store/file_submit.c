/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How an operation on a file or block device is run.
 *
 * Adjacent operations of a batch become one vectored call.  What the page cache
 * can answer is done at once.  What may wait for the disk goes to io_uring, or,
 * where there is none and when something fails, to the workers, so that a slow
 * disk delays nobody else (doc/architecture.md).
 *
 * A file that was truncated is never extended again: each write looks at its
 * current size.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "target/store/file_store.h"

enum { VERIFY_ALIGN = 4096 }; /* enough for direct I/O anywhere */

/* A write into the page cache that took so long had to wait for the disk: for a
 * while, writes go to the workers. */
#define SLOW_WRITE (5 * NS_PER_MS)
#define SLOW_PAUSE (100 * NS_PER_MS)

static void transfer_done(struct work *w)
{
    file_complete_run(file_of_work(w), op_of_work(w));
}

static void to_workers(struct file_store *fs, struct store_op *op,
                       void (*run)(struct work *w))
{
    file_op(op)->work.run = run;
    file_op(op)->work.done = transfer_done;
    work_submit(&fs->queue, &file_op(op)->work);
}

/* What may wait for the disk.  A file in memory has none: to give each sync to
 * a thread and take it back costs more than all the writes that it is for. */
static void wait_for_disk(struct file_store *fs, struct store_op *op,
                          void (*run)(struct work *w))
{
    struct work *w = &file_op(op)->work;

    if (!fs->device.in_memory) {
        to_workers(fs, op, run);
        return;
    }
    w->queue = &fs->queue;
    run(w);
    transfer_done(w);
}

/* ---- moving data at once --------------------------------------------------
 */

/* True: all of it was in the page cache.  Otherwise a worker repeats it from
 * the start, and finds out what is wrong, if anything is. */
static bool read_at_once(struct file_store *fs, const struct pieces *p)
{
    ssize_t n;

    if (!fs->no_nowait_read) {
        n = device_read(fs->fd, p->iov, p->count, p->offset, DEVICE_NOWAIT);
        if (n != -EOPNOTSUPP)
            return n == (ssize_t)p->length;
        fs->no_nowait_read = true;
    }
    return fs->device.in_memory &&
           device_read(fs->fd, p->iov, p->count, p->offset, 0) ==
               (ssize_t)p->length;
}

/* Few file systems can write with RWF_NOWAIT.  On the others a write waits only
 * when memory is full of dirty pages or a page must be read first; then the
 * workers get the next ones. */
static bool write_at_once(struct file_store *fs, const struct pieces *p)
{
    bool timed = !fs->device.in_memory;
    uint64_t before = timed ? clock_ns() : 0;
    ssize_t n;

    if (before < fs->slow_until || file_writable(fs, p) < p->length)
        return false;
    if (!fs->no_nowait_write) {
        n = device_write(fs->fd, p->iov, p->count, p->offset, DEVICE_NOWAIT);
        if (n != -EOPNOTSUPP)
            return n == (ssize_t)p->length;
        fs->no_nowait_write = true;
    }
    n = device_write(fs->fd, p->iov, p->count, p->offset, 0);
    if (timed && clock_ns() - before > SLOW_WRITE)
        fs->slow_until = clock_ns() + SLOW_PAUSE;
    return n == (ssize_t)p->length;
}

static void start_transfer(struct file_store *fs, struct store_op *first,
                           const struct pieces *p)
{
    bool done = first->kind == STORE_READ
                    ? read_at_once(fs, p)
                    : !first->durable && write_at_once(fs, p);

    if (done && first->flush_follows)
        file_write_back(fs, first);
    if (done)
        file_succeed_run(fs, first);
    else
        wait_for_disk(fs, first, file_run_transfer);
}

/* ---- through the ring -----------------------------------------------------
 */

static void ring_read_done(struct ring_transfer *t, int result)
{
    struct store_op *first = op_of_transfer(t);
    struct file_store *fs = t->arg;

    if (file_all_moved(first, result))
        file_succeed_run(fs, first);
    else
        to_workers(fs, first, file_run_transfer);
}

/* ---- the other operations -------------------------------------------------
 */

static void run_verify(struct work *w)
{
    struct store_op *op = op_of_work(w);

    void *data;

    if (posix_memalign(&data, VERIFY_ALIGN, (size_t)op->length)) {
        op->done = 0;
        op->result = -ENOMEM;
        return;
    }
    op->data = data;
    file_run_transfer(w);
    op->data = NULL;
    free(data);
}

static void run_trim(struct work *w)
{
    struct store_op *op = op_of_work(w);
    struct file_store *fs = file_of_work(w);
    uint64_t end = fs->base + op->offset + op->length;
    uint64_t size;

    op->done = 0;
    op->result = device_size(fs->fd, &size);
    if (op->result == 0 && end > size)
        op->result = -ENXIO;
    if (op->result == 0)
        op->result =
            device_trim(fs->fd, &fs->device, fs->base + op->offset, op->length);
    if (op->result == 0 && op->durable)
        op->result = file_sync(fs, op);
    if (op->result == 0)
        op->done = op->length;
    file_explain(fs, op);
}

static void run_flush(struct work *w)
{
    struct store_op *op = op_of_work(w);
    struct file_store *fs = file_of_work(w);

    /* This covers data written by direct I/O as well: it is one file. */
    op->done = 0;
    op->result = file_sync(fs, op);
    file_explain(fs, op);
}

void file_submit(struct store *s, struct list *ops)
{
    struct file_store *fs = file_of(s);
    struct pieces p;
    bool added = false; /* to the ring */

    while (!list_empty(ops)) {
        struct store_op *op = op_of(list_first(ops));

        if (fs->direct_fd >= 0 &&
            (op->kind == STORE_READ || op->kind == STORE_WRITE)) {
            list_remove(&op->link);
            file_direct_add(fs, op);
            continue;
        }
        op = file_take_run(fs, ops, &p);
        switch (op->kind) {
        case STORE_READ:
            /* Scattered reads through the page cache: one call for all of the
             * batch.  A single run is cheaper without the ring. */
            if (fs->ring_reads && (added || !list_empty(ops)) &&
                file_ring_start(fs, op, &p, ring_read_done))
                added = true;
            else
                start_transfer(fs, op, &p);
            break;
        case STORE_WRITE:
            start_transfer(fs, op, &p);
            break;
        case STORE_VERIFY:
            to_workers(fs, op, run_verify);
            break;
        case STORE_TRIM:
            to_workers(fs, op, run_trim);
            break;
        case STORE_FLUSH:
            wait_for_disk(fs, op, run_flush);
            break;
        }
    }
    file_direct_start(fs);
    if (fs->ring)
        ring_run(fs->ring);
}
