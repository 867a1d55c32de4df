/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Noticing that the target may have been restarted, and with it may have lost
 * what it had answered and not flushed.  AoE has no sessions; what tells is an
 * announcement (a Query Config response that nobody asked for, AoEr11 section
 * 3.2), or an answer after so long a silence that a machine could have started
 * in it.  aoekit's target is asked what happened (loss.c); of others the worst
 * is believed.
 */
#include "initiator/libaoe/disk.h"

#include <errno.h>

/* No machine loses its memory and answers again in less.  More than a FLUSH
 * waits for its answer before the target is asked whether it is there. */
#define RESTART_SILENCE (2 * NS_PER_S)
/* With a replay log the target is asked so often while there is something it
 * could lose, so that no silence goes unnoticed. */
#define RESTART_ASK (400 * NS_PER_MS)
/* Anybody can announce a disk, and writing the log again costs much: it is done
 * at once only so often, but for a silence. */
#define RESTART_BELIEF (30 * NS_PER_S)

/* ---- silence --------------------------------------------------------------
 */

void disk_asked(struct aoe_disk *d, const struct path *p, uint64_t now)
{
    /* That a silent path stays so says nothing of the target. */
    if (p->state == PATH_GOOD && d->asked <= d->heard)
        d->asked = now;
}

/* Nothing has come for so long that a machine could have started in it. */
static bool was_silent(const struct aoe_disk *d)
{
    uint64_t since = d->asked > d->heard ? d->asked : d->heard;

    return since && d->aoe->now - since > RESTART_SILENCE;
}

bool disk_heard(struct aoe_disk *d)
{
    bool silent = was_silent(d);

    d->heard = d->aoe->now;
    return silent && disk_restarted(d);
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
    if (list_empty(&d->active) && replay_flush(d->replay))
        return; /* which asks, and ends the matter */
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

void disk_again(struct aoe_disk *d, bool flushes_only)
{
    disk_drop_frames(d, flushes_only);
    list_each(node, &d->active) {
        struct transfer *t = list_entry(node, struct transfer, active);

        if (t->unaligned || t->blockers)
            continue; /* not begun, or its parts are in this list */
        if (flushes_only && t->op != AOE_FLUSH)
            continue;
        if (d->replay && replay_owns(d->replay, t))
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

static bool has_something_to_lose(const struct aoe_disk *d)
{
    return !list_empty(&d->active) || replay_holds_data(d->replay);
}

/* Its page will say what happened.  Without a log nothing has to wait for that,
 * since no FLUSH succeeds that comes too late. */
static bool ask(struct aoe_disk *d)
{
    if (d->replay && has_something_to_lose(d)) {
        disk_doubt(d);
        return true;
    }
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->state == PATH_GOOD)
            path_identify(p);
    }
    return false;
}

/* An orderly restart looks the same, so flushes go on to succeed. */
static void say_restarted(struct aoe_disk *d)
{
    bool unflushed = d->changed > d->flushed &&
                     (d->identity.write_cache || !d->identity.flush);

    d->flushed = d->changed;
    d->stats.losses += unflushed;
    if (unflushed)
        disk_event(d, AOE_DISK_RESTARTED);
}

bool disk_restarted(struct aoe_disk *d)
{
    if (d->vendor.present)
        return ask(d);
    if (!d->replay) {
        say_restarted(d);
        return false;
    }
    if (!has_something_to_lose(d))
        return false;
    disk_verify_paths(d);
    disk_lost_writes(d, AOE_DISK_RESTARTED, true);
    return true;
}

/* One that comes again soon, and without a silence, is not believed at once;
 * but no flush succeeds before everything was written again. */
void disk_announced(struct aoe_disk *d)
{
    uint64_t now = d->aoe->now;

    if (!d->replay || d->vendor.present || was_silent(d) ||
        now >= d->believe_at) {
        d->believe_at = now + RESTART_BELIEF;
        disk_restarted(d);
        return;
    }
    d->restarts++;
    disk_again(d, true);
    replay_lost(d->replay, AOE_DISK_RESTARTED, false);
}
