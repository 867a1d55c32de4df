/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Moves data between a file and a run of operations, for as long as that takes,
 * and finds out which sector it is that fails.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "target/store/file_store.h"

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

/* What is tried next.  After each piece, and each retry, a durable write begins
 * with MOVE_DURABLE again. */
enum move_state {
    MOVE_PLAIN,     /* a read, or a write that a flush will cover */
    MOVE_DURABLE,   /* a write that the kernel makes durable (RWF_DSYNC) */
    MOVE_THEN_SYNC, /* that was refused: a plain write, and a sync */
    MOVE_ENDED,
};

/* A run that is being moved. */
struct move {
    const struct file_store *fs;
    struct store_op *op; /* the first of the run */
    struct pieces *p;    /* what is left to move */
    enum move_state state;
    int result;       /* once it has ended: 0 or -errno */
    uint64_t done;    /* bytes */
    uint64_t durable; /* of these, on stable storage */
};

static enum move_state first_state(const struct move *m)
{
    return m->op->kind == STORE_WRITE && m->op->durable ? MOVE_DURABLE
                                                        : MOVE_PLAIN;
}

static ssize_t call(const struct move *m, unsigned how)
{
    const struct pieces *p = m->p;
    int fd = p->direct ? m->fs->direct_fd : m->fs->fd;

    return m->op->kind == STORE_WRITE
               ? device_write(fd, p->iov, p->count, p->offset, how)
               : device_read(fd, p->iov, p->count, p->offset, how);
}

static void end(struct move *m, int result)
{
    m->state = MOVE_ENDED;
    m->result = result;
    assert(!m->op->durable || m->op->kind != STORE_WRITE ||
           m->durable == m->done);
}

static void moved(struct move *m, size_t n)
{
    struct pieces *p = m->p;

    skip(p, n);
    m->done += n;
    p->direct = p->direct && n % m->fs->device.direct_offset == 0;
    if (p->length == 0)
        end(m, 0);
}

/* A call returned the bytes that it moved, or -errno. */
static void returned(struct move *m, ssize_t n)
{
    m->state = first_state(m);
    if (n > 0)
        moved(m, (size_t)n);
    else if (n == 0)
        end(m, m->op->kind == STORE_WRITE ? -ENOSPC : -ENXIO);
    else if (n == -EINVAL && m->p->direct)
        m->p->direct = false; /* the kernel knows its alignment better */
    else if (n != -EINTR)
        end(m, (int)n);
}

/* The system may report here, and only here, that other writes failed. */
static void write_durably(struct move *m)
{
    ssize_t n = call(m, DEVICE_DURABLE);

    if (n == -EOPNOTSUPP || n == -EINVAL) {
        m->state = MOVE_THEN_SYNC;
        return;
    }
    file_op(m->op)->failed_syncs += n < 0 && n != -EINTR;
    m->durable += n > 0 ? (uint64_t)n : 0;
    returned(m, n);
}

static void write_then_sync(struct move *m)
{
    ssize_t n = call(m, 0);
    int err = n < 0 ? 0 : file_sync(m->fs, m->op);

    m->durable += n > 0 && !err ? (uint64_t)n : 0;
    returned(m, err ? err : n);
}

static void move_step(struct move *m)
{
    switch (m->state) {
    case MOVE_PLAIN:
        returned(m, call(m, 0));
        break;
    case MOVE_DURABLE:
        write_durably(m);
        break;
    case MOVE_THEN_SYNC:
        write_then_sync(m);
        break;
    case MOVE_ENDED:
        break;
    }
}

/* Moves all of it.  Returns 0 or -errno. */
static int move_all(const struct file_store *fs, struct pieces *p,
                    struct store_op *op)
{
    struct move m = {.fs = fs, .op = op, .p = p};

    m.state = p->length > 0 ? first_state(&m) : MOVE_ENDED;
    while (m.state != MOVE_ENDED)
        move_step(&m);
    return m.result;
}

uint64_t file_writable(const struct file_store *fs, const struct pieces *p)
{
    uint64_t size, left;

    if (fs->device.block)
        return p->length;
    if (device_size(fs->fd, &size) || size <= p->offset)
        return 0;
    left = (size - p->offset) / SECTOR * SECTOR;
    return left < p->length ? left : p->length;
}

/* An operation failed as a whole: does it sector by sector, up to the one that
 * fails. */
static void move_sectors(struct file_store *fs, struct store_op *op)
{
    bool write = op->kind == STORE_WRITE;
    uint64_t step = fs->direct_fd >= 0 ? fs->device.logical_sector : SECTOR;

    op->done = 0;
    op->result = 0;
    while (op->done < op->length && op->result == 0) {
        uint64_t left = op->length - op->done;
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
            op->result = move_all(fs, &p, op);
        if (op->result == 0)
            op->done += step < left ? step : left;
    }
}

/* A device whose number is gone returns ENXIO for sectors that it had. */
static bool within(const struct file_store *fs, const struct store_op *op)
{
    uint64_t size;

    return fs->device.block && device_size(fs->fd, &size) == 0 &&
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

    pieces_begin(&p, fs, first);
    for (const struct store_op *op = first; op;
         op = merged ? file_op(op)->next : NULL)
        pieces_add(&p, fs, op);
    if (write && file_writable(fs, &p) < p.length)
        return -ENXIO;
    return move_all(fs, &p, first);
}

static void write_back(const struct file_store *fs, const struct store_op *op)
{
    if (fs->direct_fd < 0 && !fs->device.in_memory)
        device_write_back(fs->fd, fs->base + op->offset, op->length);
}

/* Each by itself, and before others join it, so that they do not become one
 * request to the device: not every driver reports one that fails in part (loop
 * does not). */
void file_write_back(const struct file_store *fs, struct store_op *first)
{
    for (const struct store_op *op = first; op; op = file_op(op)->next)
        write_back(fs, op);
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

    if (file_op(first)->next && move_run(fs, first, true) == 0) {
        file_mark_succeeded(first);
        if (first->flush_follows)
            file_write_back(fs, first);
        return;
    }
    /* One of them fails, and the others must not fail with it. */
    for (struct store_op *op = first; op; op = file_op(op)->next)
        move_alone(fs, op);
}
