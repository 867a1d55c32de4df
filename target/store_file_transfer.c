/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading and writing files and devices.
 *
 * Neighbouring operations of a batch are merged into one call that scatters
 * into the frames they came from.  What the page cache can answer is done at
 * once; what may wait for the disk goes to the workers, so that a slow disk
 * delays nobody else.
 *
 * A file that was cut short is never made longer again: each write looks at
 * how long it is now.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "target/store_file.h"

enum {
    SECTOR = 512,
    RUN_MAX = 64, /* operations merged into one call */
};

/* A write into the page cache that took so long was made to wait for the disk:
 * for a while, writes go to the workers. */
#define SLOW_WRITE (5 * NS_PER_MS)
#define SLOW_PAUSE (100 * NS_PER_MS)

/* ---- runs: neighbouring operations in one call -------------------------- */

/* A run is its first operation with the others in op->run. */
struct pieces {
    struct iovec iov[RUN_MAX];
    int count;
    uint64_t offset; /* in the file */
    uint64_t length;
    bool direct; /* all of it is aligned for direct I/O */
};

static bool follows(const struct store_op *last, const struct store_op *op)
{
    return op->kind == last->kind && op->durable == last->durable &&
           op->offset == last->offset + last->length;
}

/* Takes the first operation out of the batch, with its neighbours. */
static struct store_op *take_run(struct list *ops)
{
    struct store_op *first = op_of(list_first(ops)), *last = first;
    int count = 1;

    list_remove(&first->link);
    list_init(&first->run);
    while (!list_empty(ops) && count++ < RUN_MAX) {
        struct store_op *op = op_of(list_first(ops));

        if (!follows(last, op))
            break;
        list_remove(&op->link);
        list_append(&first->run, &op->link);
        last = op;
    }
    return first;
}

static void add_piece(const struct file_store *fs, struct pieces *p,
                      const struct store_op *op)
{
    const struct device *d = &fs->device;

    p->iov[p->count].iov_base = op->data;
    p->iov[p->count++].iov_len = (size_t)op->length;
    p->length += op->length;
    if (op->length % d->direct_offset || (uintptr_t)op->data % d->direct_memory)
        p->direct = false;
}

/* One operation alone, or with all that are merged behind it. */
static void collect(struct file_store *fs, const struct store_op *first,
                    bool merged, struct pieces *p)
{
    p->count = 0;
    p->length = 0;
    p->offset = fs->base + first->offset;
    p->direct = fs->direct_fd >= 0 && p->offset % fs->device.direct_offset == 0;
    add_piece(fs, p, first);
    if (!merged)
        return;
    list_each(it, &first->run)
        add_piece(fs, p, op_of(it));
}

static void complete_run(struct store_op *first)
{
    struct list all;

    /* An operation's memory is its owner's again once it is complete. */
    list_init(&all);
    list_append(&all, &first->link);
    list_splice(&all, &first->run);
    for (struct list *node; (node = list_first(&all));) {
        list_remove(node);
        op_of(node)->complete(op_of(node));
    }
}

static void succeed(struct store_op *op)
{
    op->result = 0;
    op->done = op->length;
}

static void succeed_run(struct store_op *first)
{
    succeed(first);
    list_each(it, &first->run)
        succeed(op_of(it));
}

/* ---- moving data, waiting for the disk (in a worker) -------------------- */

static void skip(struct pieces *p, size_t n)
{
    int i = 0;

    p->offset += n;
    p->length -= n;
    while (i < p->count && n >= p->iov[i].iov_len)
        n -= p->iov[i++].iov_len;
    p->count -= i;
    memmove(p->iov, p->iov + i, (size_t)p->count * sizeof p->iov[0]);
    if (n > 0) {
        p->iov[0].iov_base = (uint8_t *)p->iov[0].iov_base + n;
        p->iov[0].iov_len -= n;
    }
}

static ssize_t write_durably(int fd, const struct pieces *p)
{
    ssize_t n = device_write(fd, p->iov, p->count, p->offset, DEVICE_DURABLE);
    int err;

    if (n != -EOPNOTSUPP && n != -EINVAL)
        return n;
    n = device_write(fd, p->iov, p->count, p->offset, 0);
    err = n < 0 ? 0 : device_sync(fd);
    return err ? err : n;
}

static ssize_t move_some(const struct file_store *fs, const struct pieces *p,
                         bool write, bool durable)
{
    int fd = p->direct ? fs->direct_fd : fs->fd;

    if (!write)
        return device_read(fd, p->iov, p->count, p->offset, 0);
    if (durable)
        return write_durably(fd, p);
    return device_write(fd, p->iov, p->count, p->offset, 0);
}

/* Moves all of it.  Returns 0, or -errno with *done bytes moved. */
static int move_all(const struct file_store *fs, struct pieces *p, bool write,
                    bool durable, uint64_t *done)
{
    *done = 0;
    while (p->length > 0) {
        ssize_t n = move_some(fs, p, write, durable);

        if (n == -EINTR)
            continue;
        /* The kernel judges alignment better than we can. */
        if (n == -EINVAL && p->direct) {
            p->direct = false;
            continue;
        }
        if (n < 0)
            return (int)n;
        if (n == 0)
            return write ? -ENOSPC : -ENXIO;
        skip(p, (size_t)n);
        *done += (uint64_t)n;
        p->direct = p->direct && n % fs->device.direct_offset == 0;
    }
    return 0;
}

/* How much of a write lies within the file as it is now. */
static uint64_t writable(const struct file_store *fs, const struct pieces *p)
{
    uint64_t size, left;

    if (fs->device.block)
        return p->length;
    if (device_size(fs->fd, false, &size) || size <= p->offset)
        return 0;
    left = (size - p->offset) / SECTOR * SECTOR;
    return left < p->length ? left : p->length;
}

/* One operation that failed as a whole: finds the sector that does, and does
 * all before it. */
static void move_sectors(struct file_store *fs, struct store_op *op)
{
    bool write = op->kind == STORE_WRITE;
    uint64_t step = fs->direct_fd >= 0 ? fs->device.logical_sector : SECTOR;

    op->done = 0;
    op->result = 0;
    while (op->done < op->length && op->result == 0) {
        uint64_t left = op->length - op->done, done;
        struct pieces p = {
            .iov[0] = {.iov_base = op->data + op->done,
                       .iov_len = (size_t)(left < step ? left : step)},
            .count = 1,
            .offset = fs->base + op->offset + op->done,
        };

        p.length = p.iov[0].iov_len;
        p.direct = fs->direct_fd >= 0 && step % fs->device.direct_offset == 0;
        if (write && writable(fs, &p) < p.length)
            op->result = -ENXIO;
        else
            op->result = move_all(fs, &p, write, op->durable, &done);
        if (op->result == 0)
            op->done += step < left ? step : left;
    }
}

static int move_run(struct file_store *fs, struct store_op *first, bool merged)
{
    bool write = first->kind == STORE_WRITE;
    struct pieces p;
    uint64_t done;

    collect(fs, first, merged, &p);
    if (write && writable(fs, &p) < p.length)
        return -ENXIO;
    return move_all(fs, &p, write, first->durable, &done);
}

void file_move(struct file_store *fs, struct store_op *op)
{
    if (move_run(fs, op, false) == 0)
        succeed(op);
    else
        move_sectors(fs, op);
}

static void run_transfer(struct work *w)
{
    struct store_op *first = list_entry(w, struct store_op, work);
    struct file_store *fs = file_of_work(w);

    if (!list_empty(&first->run) && move_run(fs, first, true) == 0) {
        succeed_run(first);
        return;
    }
    /* One of them fails.  The others must not fail with it. */
    file_move(fs, first);
    list_each(it, &first->run)
        file_move(fs, op_of(it));
}

static void transfer_done(struct work *w)
{
    complete_run(list_entry(w, struct store_op, work));
}

/* ---- moving data at once ------------------------------------------------ */

/* True: all of it was in the page cache.  Otherwise a worker does it again
 * from the start, and finds out what is wrong if anything is. */
static bool read_at_once(struct file_store *fs, const struct store_op *first)
{
    struct pieces p;
    ssize_t n;

    if (fs->direct_fd >= 0 || (fs->no_nowait_read && !fs->device.in_memory))
        return false;
    collect(fs, first, true, &p);
    n = device_read(fs->fd, p.iov, p.count, p.offset,
                    fs->no_nowait_read ? 0 : DEVICE_NOWAIT);
    if (n == -EOPNOTSUPP) {
        fs->no_nowait_read = true;
        return read_at_once(fs, first);
    }
    return n >= 0 && (uint64_t)n == p.length;
}

/* Few file systems can write without waiting; on the others a write waits only
 * when memory is full of dirty pages or a page must be read first, and then
 * the next ones are left to the workers. */
static bool write_at_once(struct file_store *fs, const struct store_op *first)
{
    struct pieces p;
    uint64_t before;
    ssize_t n;

    if (fs->direct_fd >= 0 || first->durable)
        return false;
    before = clock_ns();
    if (before < fs->slow_until)
        return false;
    collect(fs, first, true, &p);
    if (writable(fs, &p) < p.length)
        return false;
    if (!fs->no_nowait_write) {
        n = device_write(fs->fd, p.iov, p.count, p.offset, DEVICE_NOWAIT);
        if (n != -EOPNOTSUPP)
            return n >= 0 && (uint64_t)n == p.length;
        fs->no_nowait_write = true;
    }
    n = device_write(fs->fd, p.iov, p.count, p.offset, 0);
    if (clock_ns() - before > SLOW_WRITE)
        fs->slow_until = clock_ns() + SLOW_PAUSE;
    return n >= 0 && (uint64_t)n == p.length;
}

void file_transfer(struct file_store *fs, struct list *ops)
{
    struct store_op *first = take_run(ops);
    bool done = first->kind == STORE_READ ? read_at_once(fs, first)
                                          : write_at_once(fs, first);

    if (done) {
        succeed_run(first);
        complete_run(first);
        return;
    }
    first->work.run = run_transfer;
    first->work.done = transfer_done;
    work_submit(&fs->queue, &first->work);
}
