/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on a regular file or block device.
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
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/store/file_store.h"

enum {
    THREADS = 16,        /* workers that one store may occupy */
    VERIFY_ALIGN = 4096, /* enough for direct I/O anywhere */
};

/* A write into the page cache that took so long had to wait for the disk: for a
 * while, writes go to the workers. */
#define SLOW_WRITE (5 * NS_PER_MS)
#define SLOW_PAUSE (100 * NS_PER_MS)

static struct file_store *file_of(struct store *s)
{
    return list_entry(s, struct file_store, store);
}

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

/* ---- moving data at once --------------------------------------------------
 */

/* True: all of it was in the page cache.  Otherwise a worker repeats it from
 * the start, and finds out what is wrong, if anything is. */
static bool read_at_once(struct file_store *fs, const struct store_op *first)
{
    struct pieces p;
    ssize_t n;

    if (fs->no_nowait_read && !fs->device.in_memory)
        return false;
    file_collect(fs, first, true, &p);
    n = device_read(fs->fd, p.iov, p.count, p.offset,
                    fs->no_nowait_read ? 0 : DEVICE_NOWAIT);
    if (n == -EOPNOTSUPP) {
        fs->no_nowait_read = true;
        return read_at_once(fs, first);
    }
    return n >= 0 && (uint64_t)n == p.length;
}

/* Few file systems can write with RWF_NOWAIT.  On the others a write waits only
 * when memory is full of dirty pages or a page must be read first; then the
 * workers get the next ones. */
static bool write_at_once(struct file_store *fs, const struct store_op *first)
{
    struct pieces p;
    uint64_t before;
    ssize_t n;

    if (first->durable)
        return false;
    before = clock_ns();
    if (before < fs->slow_until)
        return false;
    file_collect(fs, first, true, &p);
    if (file_writable(fs, &p) < p.length)
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

    if (done && first->flush_follows)
        file_write_back(fs, first);
    if (done)
        file_succeed_run(fs, first);
    else
        to_workers(fs, first, file_run_transfer);
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

/* Scattered reads through the page cache, with one call for all of a batch. */
static bool ring_read(struct file_store *fs, struct store_op *first)
{
    struct pieces p;

    if (!fs->ring_reads)
        return false;
    file_collect(fs, first, true, &p);
    return file_ring_start(fs, first, &p, ring_read_done);
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
    op->result = device_size(fs->fd, fs->device.block, &size);
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

static void file_submit(struct store *s, struct list *ops)
{
    struct file_store *fs = file_of(s);
    bool added = false; /* to the ring */

    while (!list_empty(ops)) {
        struct store_op *op = op_of(list_first(ops));

        if (fs->direct_fd >= 0 &&
            (op->kind == STORE_READ || op->kind == STORE_WRITE)) {
            list_remove(&op->link);
            file_direct_add(fs, op);
            continue;
        }
        op = file_take_run(ops);
        switch (op->kind) {
        case STORE_READ:
            /* A single run is cheaper without the ring. */
            if ((added || !list_empty(ops)) && ring_read(fs, op))
                added = true;
            else
                start_transfer(fs, op);
            break;
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
            to_workers(fs, op, run_flush);
            break;
        }
    }
    file_direct_start(fs);
    if (fs->ring)
        ring_run(fs->ring);
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

/* Opens the same file once more, for direct I/O.  The first descriptor remains
 * for what is not aligned. */
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
    fs->store.naming = d->naming;
    fs->store.memory_align = 1;
}

/* Where a read cannot be told not to wait (RWF_NOWAIT gives -EOPNOTSUPP), the
 * kernel would give each to one of its threads, which costs more than ours.
 * Files in memory never wait. */
static void use_ring(struct file_store *fs, const struct store_file_options *o)
{
    uint8_t sector[SECTOR];
    struct iovec iov = {.iov_base = sector, .iov_len = sizeof sector};

    if (o->no_ring || fs->device.in_memory)
        return;
    fs->ring = workers_ring(fs->queue.workers);
    fs->ring_reads = fs->ring && device_read(fs->fd, &iov, 1, fs->base,
                                             DEVICE_NOWAIT) != -EOPNOTSUPP;
}

static void say_opened(const struct file_store *fs, const char *path)
{
    bool direct = fs->direct_fd >= 0;
    char how[80] = "through the page cache";

    if (direct)
        snprintf(how, sizeof how,
                 "direct I/O (memory aligned to %u bytes, offsets to %u)",
                 fs->device.direct_memory, fs->device.direct_offset);
    log_debug(
        "%s: opened: %llu bytes from %llu on, %s, %s, sectors of %u bytes, "
        "%s",
        path, (unsigned long long)fs->store.size, (unsigned long long)fs->base,
        how,
        fs->ring && (direct || fs->ring_reads) ? "io_uring" : "worker threads",
        fs->store.physical_sector, fs->store.can_trim ? "trim" : "no trim");
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
    fs->fd = fs->store.fd = fd;
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
    list_init(&fs->direct_waiting);
    list_init(&fs->direct_running);
    use_ring(fs, o);
    if (log_verbosity >= 1)
        say_opened(fs, o->path);
    *out = &fs->store;
    return 0;
}
