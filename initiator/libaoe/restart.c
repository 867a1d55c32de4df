/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Noticing that the target may have been restarted, and with it may have lost
 * what it had answered and not flushed.  AoE has no sessions; what tells is an
 * announcement (a Query Config response that nobody asked for, AoEr11 section
 * 3.2), or a response after so long a silence that a machine could have started
 * in it.  aoekit's target is asked what happened (loss.c); of others the worst
 * is believed.
 */
#include "initiator/libaoe/restart.h"

#include <errno.h>

#include "initiator/libaoe/abort.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/loss.h"
#include "initiator/libaoe/paths.h"
#include "initiator/libaoe/trace.h"

/* No machine loses its memory and responds again sooner.  Longer than a FLUSH
 * waits before the target is asked whether it is there. */
#define RESTART_SILENCE (2 * NS_PER_S)
/* With a replay log the target is asked so often while there is something it
 * could lose, so that no silence goes unnoticed. */
#define RESTART_ASK (400 * NS_PER_MS)
/* Anybody can announce a disk, and writing the log again costs much.  Without a
 * silence an announcement causes it at once only so often. */
#define RESTART_BELIEF (30 * NS_PER_S)

/* ---- silence --------------------------------------------------------------
 */

void disk_asked(struct aoe_disk *d, const struct path *p, uint64_t now)
{
    /* A path that stays silent says nothing about the target. */
    if (p->state == PATH_GOOD && d->restart.asked <= d->restart.heard)
        d->restart.asked = now;
}

/* Since when a response is due and none has come. */
static uint64_t silent_since(const struct aoe_disk *d)
{
    return d->restart.asked > d->restart.heard ? d->restart.asked
                                               : d->restart.heard;
}

/* Nothing has come for so long that a machine could have started in it. */
static bool was_silent(const struct aoe_disk *d)
{
    uint64_t since = silent_since(d);

    return since && d->aoe->now - since > RESTART_SILENCE;
}

bool disk_heard(struct aoe_disk *d)
{
    uint64_t silence = d->aoe->now - silent_since(d);
    bool silent = was_silent(d);

    d->restart.heard = d->aoe->now;
    if (!silent)
        return false;
    trace_disk(d, TRACE_DECISIONS, "restart: first response after %s",
               trace_time(TRACE_BUFFER(TRACE_TIME), silence));
    return disk_restarted(d);
}

static bool watching(const struct aoe_disk *d)
{
    return d->replay && d->state == DISK_READY &&
           (!list_empty(&d->transfers.active) || replay_holds_data(d->replay));
}

static uint64_t ask_at(const struct aoe_disk *d)
{
    uint64_t last = d->restart.heard > d->restart.watched ? d->restart.heard
                                                          : d->restart.watched;

    return watching(d) ? last + RESTART_ASK : UINT64_MAX;
}

void disk_watch(struct aoe_disk *d, uint64_t now)
{
    if (ask_at(d) > now)
        return;
    d->restart.watched = now;
    if (list_empty(&d->transfers.active) && replay_flush(d->replay))
        return; /* a FLUSH asks, too, and leaves nothing to lose */
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

/* ---- what a restart means -------------------------------------------------
 *
 * A target that shows vendor words says in its next page whether anything was
 * lost; of others the worst is believed.
 */

static bool has_something_to_lose(const struct aoe_disk *d)
{
    return !list_empty(&d->transfers.active) || replay_holds_data(d->replay);
}

/* Nothing has to wait for the page: a FLUSH names its epoch, and fails if that
 * is over. */
static bool ask(struct aoe_disk *d)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->state == PATH_GOOD)
            path_identify(p);
    }
    return false;
}

/* Responses from before a restart must not be mixed with what the log has to
 * write again. */
static bool ask_and_wait(struct aoe_disk *d)
{
    disk_doubt(d);
    return true;
}

static bool say_restarted(struct aoe_disk *d)
{
    disk_guess_lost(d);
    return false;
}

static bool nothing(struct aoe_disk *d)
{
    (void)d;
    return false;
}

static bool write_again(struct aoe_disk *d)
{
    disk_verify_paths(d);
    disk_lost_writes(d, AOE_DISK_RESTARTED, true);
    return true;
}

bool disk_restarted(struct aoe_disk *d)
{
    /* [it shows vendor words][there is a log][with something to lose] */
    static bool (*const table[2][2][2])(struct aoe_disk *) = {
        {{say_restarted, say_restarted}, {nothing, write_again}},
        {{ask, ask}, {ask, ask_and_wait}}};
    bool log = d->replay != NULL;

    trace_disk(d, TRACE_DECISIONS,
               "restart: the target may have been restarted"
               "%s",
               d->restart.vendor.present ? ", it is asked" : "");
    return table[d->restart.vendor.present][log]
                [log && has_something_to_lose(d)](d);
}

/* ---- its page -------------------------------------------------------------
 */

static void publish(struct aoe_disk *d, const struct ata_vendor *v)
{
    d->restart.vendor = *v;
    d->identity.shown.read_only = v->present && v->read_only;
    d->identity.shown.orderly = v->present && v->orderly;
    d->identity.shown.boot = v->present ? v->boot : 0;
    d->identity.shown.epoch = v->present ? v->epoch : 0;
}

/* One of the pages had no words: what can be guessed is guessed. */
static void guess(struct aoe_disk *d, bool other_target)
{
    d->restart.vendor.present = false;
    if (d->state == DISK_STALE || other_target)
        disk_restarted(d);
    else
        disk_heard(d);
}

void disk_vendor(struct aoe_disk *d, const struct ata_vendor *v)
{
    struct ata_vendor before = d->restart.vendor;

    disk_believe(d);
    if (!v->present || !before.present) {
        guess(d, before.present);
        publish(d, v);
        return;
    }
    d->restart.heard = d->aoe->now;
    publish(d, v);
    if (v->epoch != before.epoch)
        disk_lost_writes(d,
                         v->boot != before.boot ? AOE_DISK_RESTARTED
                                                : AOE_DISK_LOST_WRITES,
                         true);
}

/* ---- its announcement -----------------------------------------------------
 */

/* One that comes again soon, and without a silence, is not believed at once;
 * but no flush succeeds before everything was written again. */
void disk_announced(struct aoe_disk *d)
{
    uint64_t now = d->aoe->now;

    trace_disk(d, TRACE_DECISIONS, "restart: the target announced itself");
    if (!d->replay || d->restart.vendor.present || was_silent(d) ||
        now >= d->restart.believe_at) {
        d->restart.believe_at = now + RESTART_BELIEF;
        disk_restarted(d);
        return;
    }
    disk_lost_pending(d);
}
