/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What was answered as written and is lost, or may be: by a restart of the
 * target or by its disk.  With a replay log it is written again; without one
 * each user's next flush fails.
 *
 * aoekit's target says whether anything was lost (doc/vendor-words.md): as long
 * as it shows the same loss epoch, nothing was, whatever was restarted.  Each
 * FLUSH names the epoch under which what it covers was answered, so that no
 * FLUSH succeeds after a loss that nobody has noticed.
 */
#include "initiator/libaoe/loss.h"

#include <errno.h>
#include <inttypes.h>

#include "initiator/libaoe/abort.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/paths.h"
#include "initiator/libaoe/trace.h"

/* How often a FLUSH is tried again: each time after the log was written again,
 * and from the second time on after a pause, which grows. */
enum { FLUSH_TRIES = 4 };
#define FLUSH_PAUSE (100 * NS_PER_MS)

/* A target that was durable without a flush lost nothing in a restart. */
static bool is_volatile(const struct aoe_disk *d, enum aoe_event cause)
{
    return cause != AOE_DISK_RESTARTED || d->identity.shown.write_cache ||
           !d->identity.shown.flush;
}

/* What is in flight begins anew: its parts that were answered may be lost with
 * the rest, and a response from before must not count.  Returns whether
 * anything is lost that libaoe cannot write again. */
static bool suspect(struct aoe_disk *d, enum aoe_event cause, bool at_once)
{
    bool unflushed = d->loss.changed > d->loss.flushed && is_volatile(d, cause);

    d->loss.restarts++;
    disk_again(d, false);
    if (d->replay) {
        replay_lost(d->replay, cause, at_once);
        return false;
    }
    if (unflushed)
        writers_lost(&d->writers, d->loss.flushed);
    d->loss.flushed = d->loss.changed;
    return unflushed;
}

void disk_lost_writes(struct aoe_disk *d, enum aoe_event cause, bool at_once)
{
    trace_disk(d, TRACE_DECISIONS, "loss: %" PRIu64 " unflushed changes, %s%s",
               d->loss.changed - d->loss.flushed,
               cause == AOE_DISK_RESTARTED ? "the target was restarted"
                                           : "the disk failed to keep them",
               d->replay ? ", they are in the replay log" : "");
    d->stats.losses +=
        d->loss.changed > d->loss.flushed && is_volatile(d, cause);
    if (suspect(d, cause, at_once))
        disk_event(d, cause);
}

/* ---- IDENTIFY -------------------------------------------------------------
 */

/* An orderly restart looks the same, so flushes go on to succeed. */
void disk_guess_lost(struct aoe_disk *d)
{
    bool unflushed =
        d->loss.changed > d->loss.flushed && is_volatile(d, AOE_DISK_RESTARTED);

    d->loss.flushed = d->loss.changed;
    d->stats.losses += unflushed;
    if (unflushed)
        disk_event(d, AOE_DISK_RESTARTED);
}

void disk_lost_pending(struct aoe_disk *d)
{
    d->loss.restarts++;
    disk_again(d, true);
    replay_lost(d->replay, AOE_DISK_RESTARTED, false);
}

void disk_replay_now(struct aoe_disk *d)
{
    d->loss.restarts++; /* for changes that are not kept and not flushed */
    disk_again(d, false);
    replay_begin(d->replay);
}

void disk_believe(struct aoe_disk *d)
{
    d->loss.doubted = false;
}

void disk_doubt(struct aoe_disk *d)
{
    d->loss.doubted = true;
    disk_verify_paths(d);
}

/* ---- flushes that fail ----------------------------------------------------
 */

bool disk_flush_again(struct aoe_disk *d, enum flush_failure how)
{
    bool possible =
        how == FLUSH_MOVED || (how == FLUSH_BROKEN && d->replay != NULL);

    if (!possible || d->loss.flush_tries >= FLUSH_TRIES) {
        d->loss.flush_tries = 0;
        d->loss.flush_at = 0;
        return false;
    }
    d->loss.flush_at = d->loss.flush_tries
                           ? d->aoe->now + (FLUSH_PAUSE << d->loss.flush_tries)
                           : 0;
    d->loss.flush_tries++;
    return true;
}

/* Perhaps the target has no such command after all, perhaps this is how it
 * reports a flush that failed: either way what is not flushed is not safe. */
static void refused(struct aoe_disk *d)
{
    d->stats.flushes_refused++;
    suspect(d, AOE_DISK_LOST_WRITES, false);
    if (d->loss.refusing)
        return;
    d->loss.refusing = true;
    disk_event(d, AOE_DISK_FLUSH_REFUSED);
}

void disk_flush_failed(struct aoe_disk *d, enum flush_failure how, bool again)
{
    static const char *const why[] = {[FLUSH_MOVED] = "the loss epoch moved",
                                      [FLUSH_BROKEN] = "the disk failed",
                                      [FLUSH_REFUSED] =
                                          "the target refused it"};

    trace_disk(d, TRACE_DECISIONS, "flush: %s, %s", why[how],
               again ? "it is tried again" : "it fails");
    d->stats.flushes_failed++;
    if (how == FLUSH_MOVED && again) {
        disk_doubt(d); /* the page tells why, too */
        return;
    }
    if (how == FLUSH_REFUSED)
        refused(d);
    else
        disk_lost_writes(d, AOE_DISK_LOST_WRITES, false);
    if (!again && d->replay)
        replay_give_up(d->replay, how != FLUSH_REFUSED);
}

void disk_loss_tick(struct aoe_disk *d, uint64_t now)
{
    if (d->loss.flush_at <= now)
        d->loss.flush_at = 0;
}

uint64_t disk_loss_next(const struct aoe_disk *d)
{
    return d->loss.flush_at ? d->loss.flush_at : UINT64_MAX;
}

bool disk_flush_waits(const struct aoe_disk *d)
{
    return d->loss.doubted || d->loss.flush_at > d->aoe->now;
}

/* ---- what is flushed ------------------------------------------------------
 */

static void change_ended(struct aoe_disk *d, struct transfer *t)
{
    struct aoe_writer *w = transfer_whole(t)->writer;

    if (t->status == 0)
        d->loss.changed++;
    if (t->status == 0 && w)
        w->last = d->loss.changed;
    if (d->replay)
        replay_keep(d->replay, t);
}

static void settle(struct aoe_disk *d)
{
    if (d->loss.settled == d->identity.shown.epoch ||
        writers_untold(&d->writers))
        return;
    d->loss.settled = d->identity.shown.epoch;
    disk_event(d, AOE_DISK_SETTLED);
}

static void flush_ended(struct aoe_disk *d, const struct transfer *t)
{
    d->loss.flush_tries = 0;
    d->loss.refusing = false;
    if (t->covers > d->loss.flushed)
        d->loss.flushed = t->covers;
    if (d->replay)
        replay_flushed(d->replay);
    settle(d);
}

void disk_ended(struct aoe_disk *d, struct transfer *t)
{
    if (t->unaligned || t->replay)
        return; /* its parts were counted, or it was when it was new */
    if (transfer_changes(t))
        change_ended(d, t);
    else if (t->op == AOE_FLUSH && t->status == 0)
        flush_ended(d, t);
}
