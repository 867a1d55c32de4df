/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Noticing that the target may have been restarted, and with it may have lost
 * what it had answered and not flushed.  AoE has no sessions; what tells is an
 * announcement (a Query Config response that nobody asked for, AoEr11 section
 * 3.2), or an answer after so long a silence that a machine could have started
 * in it.
 */
#include "initiator/disk.h"

#include <errno.h>

/* No machine loses its memory and answers again in less.  More than a FLUSH
 * waits for its answer before the target is asked whether it is there. */
#define RESTART_SILENCE (2 * NS_PER_S)
/* With a replay log the target is asked so often while there is something it
 * could lose, so that no silence goes unnoticed. */
#define RESTART_ASK (400 * NS_PER_MS)

/* ---- silence --------------------------------------------------------------
 */

void disk_asked(struct aoe_disk *d, const struct path *p, uint64_t now)
{
    /* That a silent path stays so says nothing of the target. */
    if (p->state == PATH_GOOD && d->asked <= d->heard)
        d->asked = now;
}

bool disk_heard(struct aoe_disk *d)
{
    uint64_t now = d->aoe->now;
    uint64_t since = d->asked > d->heard ? d->asked : d->heard;

    d->heard = now;
    return since && now - since > RESTART_SILENCE && disk_restarted(d);
}

static bool watching(const struct aoe_disk *d)
{
    return d->replay && d->state == DISK_READY &&
           (!list_empty(&d->active) || replay_holds_data(d->replay));
}

static uint64_t ask_at(const struct aoe_disk *d)
{
    uint64_t last = d->heard > d->watched ? d->heard : d->watched;

    return watching(d) ? last + RESTART_ASK : UINT64_MAX;
}

void disk_watch(struct aoe_disk *d, uint64_t now)
{
    if (ask_at(d) > now)
        return;
    d->watched = now;
    if (list_empty(&d->active)) {
        replay_flush(d->replay); /* which asks, and ends the matter */
        return;
    }
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->state == PATH_GOOD) {
            path_identify(p);
            return;
        }
    }
}

uint64_t disk_watch_next(const struct aoe_disk *d)
{
    return ask_at(d);
}

/* ---- after a restart ------------------------------------------------------
 */

/* What is on the way begins anew under new tags: an answer from before, or
 * from the target before everything was written again, must not count, and the
 * parts of a write that were answered may be lost like any other write. */
static void again(struct aoe_disk *d)
{
    disk_drop_frames(d);
    list_each(node, &d->active) {
        struct transfer *t = list_entry(node, struct transfer, active);

        if (t->edges || t->blockers)
            continue; /* not begun, or its parts are in this list */
        if (replay_owns(d->replay, t))
            transfer_fail(t, -EAGAIN, t->lba);
        transfer_drop_gaps(t);
        t->cut = 0;
        t->iov = t->first_iov;
        t->skip = t->first_skip;
        if (t->status)
            list_remove(&t->work);
        else if (!list_linked(&t->work))
            list_append(&d->queue, &t->work);
        transfer_check(t);
    }
}

bool disk_restarted(struct aoe_disk *d)
{
    if (!d->replay) {
        bool unflushed = d->changed > d->flushed &&
                         (d->identity.write_cache || !d->identity.flush);

        d->flushed = d->changed;
        if (unflushed)
            disk_event(d, AOE_DISK_RESTARTED);
        return false;
    }
    if (list_empty(&d->active) && !replay_holds_data(d->replay))
        return false;
    d->restarts++;
    disk_verify_paths(d);
    again(d);
    replay_begin(d->replay);
    return true;
}

/* ---- changes and flushes --------------------------------------------------
 */

void disk_ended(struct aoe_disk *d, struct transfer *t)
{
    if (t->edges || (d->replay && replay_owns(d->replay, t)))
        return; /* its parts have been here; was counted when it was new */
    if (transfer_changes(t)) {
        d->changed += t->status == 0;
        if (d->replay)
            replay_keep(d->replay, t);
    } else if (t->op == AOE_FLUSH && t->status == 0 && t->covers > d->flushed) {
        d->flushed = t->covers;
        if (d->replay)
            replay_trim(d->replay);
    }
}
