/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The transfers of a disk, from submission to completion.  Overlapping changes
 * keep their order (doc/safety.md, "No two overlapping writes are on the
 * wire at once"): a later one waits for those before it.
 */
#include "initiator/libaoe/transfers.h"

#include <assert.h>

/* ---- order ----------------------------------------------------------------
 */

static void block(struct aoe_disk *d, struct transfer *t)
{
    list_each(node, &d->transfers.changes) {
        const struct transfer *w = list_entry(node, struct transfer, range);

        if (transfer_overlaps(w, t))
            t->blockers++;
    }
    list_append(&d->transfers.changes, &t->range);
    if (t->blockers)
        d->transfers.blocked++;
}

/* `t` has ended: whoever waited only for it may start. */
static void unblock(struct aoe_disk *d, struct transfer *t)
{
    struct list *node = t->range.next;

    if (!node)
        return;
    list_remove(&t->range);
    for (; d->transfers.blocked && node != &d->transfers.changes;
         node = node->next) {
        struct transfer *later = list_entry(node, struct transfer, range);

        if (!later->blockers || !transfer_overlaps(t, later))
            continue;
        if (--later->blockers == 0) {
            assert(d->transfers.blocked > 0);
            d->transfers.blocked--;
            later->start(later);
        }
    }
}

/* ---- beginning and ending -------------------------------------------------
 */

void transfers_init(struct aoe_disk *d,
                    void (*ended)(struct aoe_disk *d, struct transfer *t))
{
    list_init(&d->transfers.active);
    list_init(&d->transfers.queue);
    list_init(&d->transfers.changes);
    d->transfers.ended = ended;
}

void transfer_begin(struct aoe_disk *d, struct transfer *t, bool ordered)
{
    assert(t->start && t->finish);
    t->active = t->work = t->range = (struct list){0};
    list_init(&t->gaps);
    t->disk = d;
    t->status = 0;
    t->waited = t->recut = false;
    t->cut = 0;
    t->first_iov = t->iov;
    t->first_skip = t->skip;
    t->covers = d->loss.changed;
    t->outstanding = t->blockers = 0;
    list_append(&d->transfers.active, &t->active);
    if (ordered && transfer_changes(t))
        block(d, t);
    if (!t->blockers)
        t->start(t);
}

void transfer_queue(struct transfer *t)
{
    list_append(&t->disk->transfers.queue, &t->work);
    t->disk->aoe->kicked = true;
    transfer_check(t);
}

void transfer_check(struct transfer *t)
{
    if (!list_linked(&t->active) || !transfer_ended(t))
        return;
    transfer_drop_gaps(t);
    if (t->recut)
        time_wait_disown(&t->disk->time_wait, t);
    list_remove(&t->active);
    t->disk->transfers.ended(t->disk, t);
    unblock(t->disk, t);
    aoe_finish_later(t->disk->aoe, t);
}
