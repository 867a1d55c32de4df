/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs: adjacent operations of a batch, moved by one vectored call from or into
 * the frames they came in.
 */
#include "target/store/file_store.h"

#include <errno.h>

static bool follows(const struct store_op *last, const struct store_op *op)
{
    return op->kind == last->kind && op->durable == last->durable &&
           op->offset == last->offset + last->length;
}

struct store_op *file_take_run(struct list *ops)
{
    struct store_op *first = op_of(list_first(ops)), *last = first;

    list_remove(&first->link);
    file_op(first)->failed_syncs = 0;
    list_init(&file_op(first)->run);
    file_op(first)->run_count = 1;
    file_op(first)->run_end = first->offset + first->length;
    if (first->kind != STORE_READ && first->kind != STORE_WRITE)
        return first;
    while (!list_empty(ops) && file_op(first)->run_count < RUN_MAX) {
        struct store_op *op = op_of(list_first(ops));

        if (!follows(last, op))
            break;
        list_remove(&op->link);
        file_op(op)->failed_syncs = 0;
        list_append(&file_op(first)->run, &op->link);
        file_op(first)->run_count++;
        file_op(first)->run_end += op->length;
        last = op;
    }
    return first;
}

void file_complete_run(struct file_store *fs, struct store_op *first)
{
    struct list all;

    /* Once an operation has completed, its memory is its owner's. */
    list_init(&all);
    list_append(&all, &first->link);
    list_splice(&all, &file_op(first)->run);
    for (struct list *node; (node = list_first(&all));) {
        list_remove(node);
        fs->store.losses += file_op(op_of(node))->failed_syncs;
        fs->store.gone |= op_of(node)->result == -ENODEV;
        op_of(node)->complete(op_of(node));
    }
}

void file_mark_succeeded(struct store_op *first)
{
    succeed(first);
    list_each(it, &file_op(first)->run)
        succeed(op_of(it));
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
