/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on a regular file or block device: opening it, flushing, trimming.
 * Its reading and writing is in target/store_file_transfer.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "target/store_file.h"

enum {
    SECTOR = 512,
    THREADS = 16,        /* of the workers, that one store may occupy */
    VERIFY_ALIGN = 4096, /* enough for direct I/O anywhere */
};

static struct file_store *file_of(struct store *s)
{
    return list_entry(s, struct file_store, store);
}

/* ---- operations in workers ----------------------------------------------- */

static void worker_done(struct work *w)
{
    struct store_op *op = list_entry(w, struct store_op, work);

    op->complete(op);
}

static void to_workers(struct file_store *fs, struct store_op *op,
                       void (*run)(struct work *w))
{
    op->work.run = run;
    op->work.done = worker_done;
    work_submit(&fs->queue, &op->work);
}

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
    file_move(file_of_work(w), op);
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

/* What is not read or written goes one by one. */
static void start_other(struct file_store *fs, struct store_op *op)
{
    list_remove(&op->link);
    switch (op->kind) {
    case STORE_VERIFY:
        to_workers(fs, op, run_verify);
        break;
    case STORE_TRIM:
        to_workers(fs, op, run_trim);
        break;
    default:
        list_append(&fs->flush_waiting, &op->link);
        if (list_empty(&fs->flush_running))
            start_flush(fs);
        break;
    }
}

static void file_submit(struct store *s, struct list *ops)
{
    struct file_store *fs = file_of(s);

    while (!list_empty(ops)) {
        struct store_op *op = op_of(list_first(ops));

        if (op->kind == STORE_READ || op->kind == STORE_WRITE)
            file_transfer(fs, ops);
        else
            start_other(fs, op);
    }
}

/* ---- opening ------------------------------------------------------------ */

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
