/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Moving data between a file and a run of operations, however long it takes,
 * and finding out which sector fails if one does.
 */
#include <errno.h>
#include <string.h>

#include "target/store/file_store.h"

static void add_piece(const struct file_store *fs, struct pieces *p,
                      const struct store_op *op)
{
    const struct device *d = &fs->device;

    p->iov[p->count].iov_base = op->data;
    p->iov[p->count++].iov_len = (size_t)op->length;
    p->length += op->length;
    /* Small processors cannot divide, so this is asked last. */
    if (p->direct && (op->length % d->direct_offset ||
                      (uintptr_t)op->data % d->direct_memory))
        p->direct = false;
}

void file_collect(struct file_store *fs, const struct store_op *first,
                  bool merged, struct pieces *p)
{
    p->count = 0;
    p->length = 0;
    p->offset = fs->base + first->offset;
    p->direct = fs->direct_fd >= 0 && p->offset % fs->device.direct_offset == 0;
    add_piece(fs, p, first);
    if (!merged)
        return;
    list_each(it, &file_op(first)->run)
        add_piece(fs, p, op_of(it));
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

int file_sync(const struct file_store *fs, struct store_op *op)
{
    int err = device_sync(fs->fd);

    file_op(op)->failed_syncs += err != 0;
    return err;
}

/* The system may report here that other writes failed, which nobody would hear
 * of again. */
static ssize_t write_durably(const struct file_store *fs, int fd,
                             const struct pieces *p, struct store_op *op)
{
    ssize_t n = device_write(fd, p->iov, p->count, p->offset, DEVICE_DURABLE);
    int err;

    if (n != -EOPNOTSUPP && n != -EINVAL) {
        file_op(op)->failed_syncs += n < 0 && n != -EINTR;
        return n;
    }
    n = device_write(fd, p->iov, p->count, p->offset, 0);
    err = n < 0 ? 0 : file_sync(fs, op);
    return err ? err : n;
}

static ssize_t move_some(const struct file_store *fs, const struct pieces *p,
                         struct store_op *op)
{
    int fd = p->direct ? fs->direct_fd : fs->fd;

    if (op->kind != STORE_WRITE)
        return device_read(fd, p->iov, p->count, p->offset, 0);
    if (op->durable)
        return write_durably(fs, fd, p, op);
    return device_write(fd, p->iov, p->count, p->offset, 0);
}

/* Moves all of it.  Returns 0, or -errno with *done bytes moved. */
static int move_all(const struct file_store *fs, struct pieces *p,
                    struct store_op *op, uint64_t *done)
{
    *done = 0;
    while (p->length > 0) {
        ssize_t n = move_some(fs, p, op);

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
            return op->kind == STORE_WRITE ? -ENOSPC : -ENXIO;
        skip(p, (size_t)n);
        *done += (uint64_t)n;
        p->direct = p->direct && n % fs->device.direct_offset == 0;
    }
    return 0;
}

uint64_t file_writable(const struct file_store *fs, const struct pieces *p)
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
        if (write && file_writable(fs, &p) < p.length)
            op->result = -ENXIO;
        else
            op->result = move_all(fs, &p, op, &done);
        if (op->result == 0)
            op->done += step < left ? step : left;
    }
}

/* A device whose number nobody has any more says so for places that it has. */
static bool within(const struct file_store *fs, const struct store_op *op)
{
    uint64_t size;

    return fs->device.block && device_size(fs->fd, true, &size) == 0 &&
           fs->base + op->offset + op->done < size;
}

void file_explain(const struct file_store *fs, struct store_op *op)
{
    if (op->result && device_gone(fs->fd))
        op->result = -ENODEV;
    else if (op->result == -ENXIO && within(fs, op))
        op->result = -EIO;
}

static int move_run(struct file_store *fs, struct store_op *first, bool merged)
{
    bool write = first->kind == STORE_WRITE;
    struct pieces p;
    uint64_t done;

    file_collect(fs, first, merged, &p);
    if (write && file_writable(fs, &p) < p.length)
        return -ENXIO;
    return move_all(fs, &p, first, &done);
}

static void write_back(const struct file_store *fs, const struct store_op *op)
{
    if (fs->direct_fd < 0)
        device_write_back(fs->fd, fs->base + op->offset, op->length);
}

/* Each by itself, and before others join it, so that they do not become one
 * request to the device: of one that fails in part, not every driver says so
 * (loop does not). */
void file_write_back(const struct file_store *fs, struct store_op *first)
{
    write_back(fs, first);
    list_each(it, &file_op(first)->run)
        write_back(fs, op_of(it));
}

static void move_alone(struct file_store *fs, struct store_op *op)
{
    if (move_run(fs, op, false) == 0)
        succeed(op);
    else
        move_sectors(fs, op);
    if (op->flush_follows)
        write_back(fs, op);
    file_explain(fs, op);
}

void file_run_transfer(struct work *w)
{
    struct store_op *first = op_of_work(w);
    struct file_store *fs = file_of_work(w);

    if (!list_empty(&file_op(first)->run) && move_run(fs, first, true) == 0) {
        file_mark_succeeded(first);
        if (first->flush_follows)
            file_write_back(fs, first);
        return;
    }
    /* One of them fails.  The others must not fail with it. */
    move_alone(fs, first);
    list_each(it, &file_op(first)->run)
        move_alone(fs, op_of(it));
}
