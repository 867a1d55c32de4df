/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on a regular file or block device.
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
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/device.h"
#include "target/store.h"

enum {
    SECTOR = 512,
    RUN_MAX = 64,        /* operations merged into one call */
    THREADS = 16,        /* of the workers, that one store may occupy */
    VERIFY_ALIGN = 4096, /* enough for direct I/O anywhere */
};

/* A write into the page cache that took so long was made to wait for the disk:
 * for a while, writes go to the workers. */
#define SLOW_WRITE (5 * NS_PER_MS)
#define SLOW_PAUSE (100 * NS_PER_MS)

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

static struct file_store *file_of(struct store *s)
{
    return list_entry(s, struct file_store, store);
}

static struct file_store *file_of_work(struct work *w)
{
    return list_entry(w->queue, struct file_store, queue);
}

static struct store_op *op_of(struct list *node)
{
    return list_entry(node, struct store_op, link);
}

/* ---- runs: neighbouring operations in one call ----------------------------
 */

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
    if (first->kind != STORE_READ && first->kind != STORE_WRITE)
        return first;
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
    complete_run(first);
}

/* ---- moving data, waiting for the disk (in a worker) ----------------------
 */

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

static void move_alone(struct file_store *fs, struct store_op *op)
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
        succeed(first);
        list_each(it, &first->run)
            succeed(op_of(it));
        return;
    }
    /* One of them fails.  The others must not fail with it. */
    move_alone(fs, first);
    list_each(it, &first->run)
        move_alone(fs, op_of(it));
}

static void transfer_done(struct work *w)
{
    complete_run(list_entry(w, struct store_op, work));
}

static void to_workers(struct file_store *fs, struct store_op *op,
                       void (*run)(struct work *w))
{
    op->work.run = run;
    op->work.done = transfer_done;
    work_submit(&fs->queue, &op->work);
}

/* ---- moving data at once --------------------------------------------------
 */

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

static void start_transfer(struct file_store *fs, struct store_op *first)
{
    bool done = first->kind == STORE_READ ? read_at_once(fs, first)
                                          : write_at_once(fs, first);

    if (done)
        succeed_run(first);
    else
        to_workers(fs, first, run_transfer);
}

/* ---- the other operations -------------------------------------------------
 */

static void run_verify(struct work *w)
{
    struct store_op *op = list_entry(w, struct store_op, work);

    void *data;

    if (posix_memalign(&data, VERIFY_ALIGN, (size_t)op->length)) {
        op->done = 0;
        op->result = -ENOMEM;
        return;
    }
    op->data = data;
    run_transfer(w);
    op->data = NULL;
    free(data);
}

static void run_trim(struct work *w)
{
    struct store_op *op = list_entry(w, struct store_op, work);
    struct file_store *fs = file_of_work(w);
    uint64_t end = fs->base + op->offset + op->length;
    uint64_t size;

    op->done = 0;
    op->result = device_size(fs->fd, fs->device.block, &size);
    if (op->result == 0 && end > size)
        op->result = -ENXIO;
    if (op->result == 0)
        op->result =
            device_trim(fs->fd, &fs->device, fs->base + op->offset, op->length);
    if (op->result == 0 && op->durable)
        op->result = device_sync(fs->fd);
    if (op->result == 0)
        op->done = op->length;
}

static void run_flush(struct work *w)
{
    struct file_store *fs = list_entry(w, struct file_store, flush_work);

    /* Data written around the cache is covered as well: it is one file. */
    fs->flush_result = device_sync(fs->fd);
}

static void start_flush(struct file_store *fs)
{
    list_splice(&fs->flush_running, &fs->flush_waiting);
    work_submit(&fs->queue, &fs->flush_work);
}

static void flush_done(struct work *w)
{
    struct file_store *fs = list_entry(w, struct file_store, flush_work);
    int result = fs->flush_result;
    struct list done;

    list_init(&done);
    list_splice(&done, &fs->flush_running);
    if (!list_empty(&fs->flush_waiting))
        start_flush(fs);
    for (struct list *node; (node = list_first(&done));) {
        list_remove(node);
        op_of(node)->result = result;
        op_of(node)->done = 0;
        op_of(node)->complete(op_of(node));
    }
}

static void file_submit(struct store *s, struct list *ops)
{
    struct file_store *fs = file_of(s);

    while (!list_empty(ops)) {
        struct store_op *op = take_run(ops);

        switch (op->kind) {
        case STORE_READ:
        case STORE_WRITE:
            start_transfer(fs, op);
            break;
        case STORE_VERIFY:
            to_workers(fs, op, run_verify);
            break;
        case STORE_TRIM:
            to_workers(fs, op, run_trim);
            break;
        case STORE_FLUSH:
            list_append(&fs->flush_waiting, &op->link);
            if (list_empty(&fs->flush_running))
                start_flush(fs);
            break;
        }
    }
}

/* ---- opening --------------------------------------------------------------
 */

static void file_close(struct store *s)
{
    struct file_store *fs = file_of(s);

    if (fs->direct_fd >= 0)
        close(fs->direct_fd);
    close(fs->fd);
    free(fs);
}

static const struct store_ops file_ops = {
    .name = "file", .submit = file_submit, .close = file_close};

/* Opens the same file once more, around the page cache.  The first descriptor
 * stays for what is not aligned. */
static int open_direct(struct file_store *fs, const char *path)
{
#ifdef O_DIRECT
    int mode = (fs->store.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;
    struct stat a, b;
    int fd = open(path, mode | O_DIRECT);

    if (fd < 0 && errno == EINVAL)
        return -EOPNOTSUPP;
    if (fd < 0)
        return -errno;
    if (fstat(fs->fd, &a) || fstat(fd, &b) || a.st_dev != b.st_dev ||
        a.st_ino != b.st_ino) {
        close(fd);
        return -ESTALE;
    }
    fs->direct_fd = fd;
    fs->store.memory_align = fs->device.direct_memory;
    return 0;
#else
    (void)fs;
    (void)path;
    return -EOPNOTSUPP;
#endif
}

/* Which part of the file is served. */
static int set_window(struct file_store *fs, const struct store_file_options *o)
{
    uint64_t size = fs->device.size, left;

    if (o->offset > size || size - o->offset < SECTOR) {
        log_error("%s: has %llu bytes, of which none is left to export%s",
                  o->path, (unsigned long long)size,
                  o->offset ? " after the offset"
                            : "; a disk has at least 512");
        return -EINVAL;
    }
    left = size - o->offset;
    if (o->length > left) {
        log_error("%s: offset and length reach %llu bytes beyond its end",
                  o->path, (unsigned long long)(o->length - left));
        return -EINVAL;
    }
    fs->base = o->offset;
    fs->store.size = (o->length ? o->length : left) / SECTOR * SECTOR;
    if (fs->store.size == 0) {
        log_error("%s: less than 512 bytes to export", o->path);
        return -EINVAL;
    }
    return 0;
}

static void describe(struct file_store *fs)
{
    const struct device *d = &fs->device;

    fs->store.physical_sector = d->physical_sector;
    fs->store.can_trim = d->can_trim;
    fs->store.trim_zeroes = d->trim_zeroes;
    fs->store.solid = d->solid;
    fs->store.identity = d->identity;
    fs->store.memory_align = 1;
}

int store_file_open(struct store **out, int fd,
                    const struct store_file_options *o, struct workers *workers)
{
    struct file_store *fs = calloc(1, sizeof *fs);
    int err =
        fs ? device_probe(&fs->device, fd, o->path, o->read_only) : -ENOMEM;

    if (err) {
        log_error("%s: %s", o->path,
                  err == -ENOTBLK ? "not a regular file or block device"
                                  : strerror(-err));
        close(fd);
        free(fs);
        return err;
    }
    fs->fd = fd;
    fs->direct_fd = -1;
    fs->store.ops = &file_ops;
    fs->store.read_only = o->read_only;
    describe(fs);
    err = set_window(fs, o);
    if (!err && o->direct) {
        err = open_direct(fs, o->path);
        if (err)
            log_error("%s: opening for direct I/O: %s%s", o->path,
                      strerror(-err),
                      err == -EOPNOTSUPP ? "; the page cache is used" : "");
        if (err == -EOPNOTSUPP)
            err = 0;
    }
    if (err) {
        file_close(&fs->store);
        return err;
    }
    work_queue_init(&fs->queue, workers, THREADS);
    list_init(&fs->flush_waiting);
    list_init(&fs->flush_running);
    fs->flush_work = (struct work){.run = run_flush, .done = flush_done};
    *out = &fs->store;
    return 0;
}
