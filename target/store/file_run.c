/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs: adjacent operations of a batch, moved by one vectored call from or into
 * the frames they came in.
 */
#include "target/store/file_store.h"

#include <errno.h>

static bool moves_data(const struct store_op *op)
{
    return op->kind == STORE_READ || op->kind == STORE_WRITE;
}

/* Whether it joins the run of `first`, which ends at `end`. */
static bool joins(const struct store_op *first, uint64_t end,
                  const struct store_op *op)
{
    return op->offset == end && op->kind == first->kind &&
           op->durable == first->durable && moves_data(op);
}

struct store_op *file_take_run(const struct file_store *fs, struct list *ops,
                               struct pieces *p)
{
    struct store_op *first = op_of(ops->next), *op = first;
    uint64_t end = first->offset;

    pieces_begin(p, fs, first);
    for (;;) {
        struct list *next = op->link.next;

        file_op(op)->failed_syncs = 0;
        pieces_add(p, fs, op);
        end += op->length;
        if (p->count == RUN_MAX || next == ops ||
            !joins(first, end, op_of(next)))
            break;
        op = file_op(op)->next = op_of(next);
    }
    file_op(op)->next = NULL;
    list_cut(ops, &op->link);
    file_op(first)->run_count = (unsigned)p->count;
    file_op(first)->run_end = end;
    return first;
}

void file_complete_run(struct file_store *fs, struct store_op *first)
{
    struct store_op *next;

    for (struct store_op *op = first; op; op = next) {
        /* Once it has completed, its memory is its owner's. */
        next = file_op(op)->next;
        if (file_op(op)->failed_syncs)
            fs->store.losses += file_op(op)->failed_syncs;
        if (op->result == -ENODEV)
            fs->store.gone = true;
        op->complete(op);
    }
}

void file_mark_succeeded(struct store_op *first)
{
    for (struct store_op *op = first; op; op = file_op(op)->next)
        succeed(op);
}

void file_succeed_run(struct file_store *fs, struct store_op *first)
{
    file_mark_succeeded(first);
    file_complete_run(fs, first);
}

bool file_ring_start(struct file_store *fs, struct store_op *first,
                     const struct pieces *p,
                     void (*done)(struct ring_transfer *t, int result))
{
    file_op(first)->transfer = (struct ring_transfer){
        .fd = p->direct ? fs->direct_fd : fs->fd,
        .write = first->kind == STORE_WRITE,
        .durable = first->durable,
        .offset = p->offset,
        .done = done,
        .arg = fs,
    };
    return ring_add(fs->ring, &file_op(first)->transfer, p->iov, p->count);
}

bool file_all_moved(const struct store_op *first, int result)
{
    return result >= 0 &&
           (uint64_t)result == file_op(first)->run_end - first->offset;
}
