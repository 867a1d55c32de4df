/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that end before their time, or begin anew: their frames are taken
 * off the wire, and late copies enter time-wait.
 */
#include "initiator/libaoe/abort.h"

#include <errno.h>

#include "initiator/libaoe/frames.h"
#include "initiator/libaoe/transfers.h"
#include "initiator/libaoe/unaligned.h"

/* ---- frames ---------------------------------------------------------------
 */

/* Which requests' frames: those of `only`, of flushes, or of all. */
struct selection {
    const struct transfer *only; /* NULL: of any */
    bool flushes_only;
};

static bool selected(const struct selection *s, const struct transfer *t)
{
    return (!s->only || t == s->only) &&
           (!s->flushes_only || t->op == AOE_FLUSH);
}

/* Takes the frames of requests out of `frames`, of a path or of a port. */
static void drop_frames(struct aoe_disk *d, struct list *frames,
                        const struct selection *which)
{
    list_each(node, frames) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->disk != d || !f->transfer || !selected(which, f->transfer))
            continue;
        f->transfer->outstanding--;
        f->recut_of = f->transfer; /* which may begin anew */
        f->transfer->recut = true;
        path_forget(f->path, f);
        disk_retire(d, f);
    }
}

static void drop(struct aoe_disk *d, const struct selection *which)
{
    for (unsigned i = 0; i < d->aoe->port_count; i++)
        drop_frames(d, &d->aoe->ports[i].tx, which);
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        drop_frames(d, &p->sent, which);
        drop_frames(d, &p->slow, which);
        drop_frames(d, &p->lost, which);
    }
}

void disk_drop_frames(struct aoe_disk *d, bool flushes_only)
{
    drop(d, &(struct selection){.flushes_only = flushes_only});
}

/* ---- the end --------------------------------------------------------------
 */

void transfer_abort(struct transfer *t, int status)
{
    drop(t->disk, &(struct selection){.only = t});
    transfer_fail(t, status, t->lba);
    list_remove(&t->work);
    transfer_check(t);
}

void disk_fail_all(struct aoe_disk *d, int status)
{
    disk_drop_frames(d, false);
    list_each(write, &d->transfers.changes) {
        list_entry(write, struct transfer, range)->blockers = 0;
        list_remove(write);
    }
    d->transfers.blocked = 0;
    list_each(node, &d->transfers.active) {
        struct transfer *t = list_entry(node, struct transfer, active);

        if (t->unaligned && unaligned_abort(t, status))
            continue; /* its parts are in this list too, and end it */
        transfer_fail(t, status, t->lba);
        list_remove(&t->work);
        transfer_check(t);
    }
}

void disk_fail_flushes(struct aoe_disk *d)
{
    list_each(node, &d->transfers.active) {
        struct transfer *t = list_entry(node, struct transfer, active);

        if (t->op != AOE_FLUSH || t->outstanding > 0)
            continue;
        transfer_fail(t, -EIO, t->lba);
        list_remove(&t->work);
        transfer_check(t);
    }
}

/* ---- anew -----------------------------------------------------------------
 */

void disk_again(struct aoe_disk *d, bool flushes_only)
{
    disk_drop_frames(d, flushes_only);
    list_each(node, &d->transfers.active) {
        struct transfer *t = list_entry(node, struct transfer, active);

        if (t->unaligned || t->blockers)
            continue; /* not begun, or its parts are in this list */
        if (flushes_only && t->op != AOE_FLUSH)
            continue;
        if (t->replay)
            transfer_fail(t, -EAGAIN, t->lba);
        transfer_drop_gaps(t);
        t->cut = 0;
        t->iov = t->first_iov;
        t->skip = t->first_skip;
        if (t->status)
            list_remove(&t->work);
        else if (!list_linked(&t->work))
            list_append(&d->transfers.queue, &t->work);
        transfer_check(t);
    }
}
