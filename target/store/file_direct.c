/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Direct I/O: reading and writing around the page cache.
 *
 * A disk takes about as long for one sector as for many.  So a run that
 * continues one at the disk waits and grows, until that one is done, or until
 * it is long enough to keep the disk busy beside it.  Runs elsewhere go side by
 * side.
 */
#include "target/store/file_store.h"

/* Operations that are long enough: half of an ordinary client's window is then
 * at the disk while the other half is answered. */
enum { LONG_RUN = 8 };

/* The run at the disk that this one continues; NULL: none. */
static struct store_op *continued_by(const struct file_store *fs,
                                     const struct store_op *first)
{
    list_each(it, &fs->direct_running) {
        struct store_op *running = op_of(it);

        if (first->kind == running->kind &&
            first->offset == file_op(running)->run_end)
            return running;
    }
    return NULL;
}

static void ended(struct file_store *fs, struct store_op *first)
{
    list_remove(&first->link);
    list_each(it, &fs->direct_running) {
        if (file_op(op_of(it))->behind == first)
            file_op(op_of(it))->behind = NULL;
    }
    file_direct_start(fs);
    file_complete_run(fs, first);
}

static void work_done(struct work *w)
{
    struct file_store *fs = file_of_work(w);

    ended(fs, op_of_work(w));
    if (fs->ring)
        ring_run(fs->ring);
}

static void to_workers(struct file_store *fs, struct store_op *first)
{
    file_op(first)->work.run = file_run_transfer;
    file_op(first)->work.done = work_done;
    work_submit(&fs->queue, &file_op(first)->work);
}

static void ring_done(struct ring_transfer *t, int result)
{
    struct store_op *first = op_of_transfer(t);
    struct file_store *fs = t->arg;

    /* A worker repeats it, and finds out what is wrong. */
    if (!file_all_moved(first, result)) {
        file_op(first)->failed_syncs += first->durable && result < 0;
        to_workers(fs, first);
        return;
    }
    file_mark_succeeded(first);
    ended(fs, first);
}

static void start_run(struct file_store *fs, struct store_op *first,
                      const struct pieces *p)
{
    list_append(&fs->direct_running, &first->link);
    if (!fs->ring || !p->direct ||
        (first->kind == STORE_WRITE && file_writable(fs, p) < p->length) ||
        !file_ring_start(fs, first, p, ring_done))
        to_workers(fs, first);
}

void file_direct_add(struct file_store *fs, struct store_op *op)
{
    list_append(&fs->direct_waiting, &op->link);
}

void file_direct_start(struct file_store *fs)
{
    struct pieces p;
    struct list held;

    list_init(&held);
    while (!list_empty(&fs->direct_waiting)) {
        struct store_op *first = file_take_run(fs, &fs->direct_waiting, &p);
        struct file_op *f = file_op(first);

        f->behind = continued_by(fs, first);
        if (f->behind &&
            (f->run_count < LONG_RUN || file_op(f->behind)->behind)) {
            for (struct store_op *op = first; op; op = file_op(op)->next)
                list_append(&held, &op->link);
        } else {
            start_run(fs, first, &p);
        }
    }
    list_splice(&fs->direct_waiting, &held);
}
