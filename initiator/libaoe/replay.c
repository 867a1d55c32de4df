/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What feeds the replay log and runs it: changes that ended go into it, flushes
 * take them out, and after a loss all of it is written again.
 */
#include "initiator/libaoe/replay.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "initiator/libaoe/abort.h"
#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/replay_log.h"
#include "initiator/libaoe/trace.h"
#include "initiator/libaoe/transfers.h"

enum {
    WRITES = 32, /* of the replay, that are submitted together */
    TRIES = 4,   /* for each */
};

/* How soon a flush of our own is tried again after it failed, since the whole
 * log is written again for it.  A user's is tried at once. */
#define QUIET (10 * NS_PER_S)

/* A write of the replay. */
struct replay_write {
    struct transfer t;
    struct iovec iov;
    struct replay *replay;
    unsigned tries;
    bool busy;
};

struct replay {
    struct aoe_disk *disk;
    struct replay_log log;

    struct transfer flush; /* our own */
    bool flushing;
    bool stuck; /* it failed: nothing waits for memory any more */
    uint64_t quiet_until;

    uint32_t written; /* what was lost while disk->loss.restarts grew to this
                         value is at the target again */
    enum aoe_event cause; /* of the latest loss */
    bool mending;         /* it is written again; a flush proves it */
    bool said;            /* the user knows that it could not be */
    bool wanted;          /* a change that is not kept waits for that */

    bool running;  /* the log is being written again */
    uint32_t pass; /* disk->loss.restarts when that began */
    bool lost;     /* some of it could not be */
    unsigned busy; /* writes */
    struct replay_write writes[WRITES];
};

struct replay *replay_new(struct aoe_disk *d, uint64_t bytes)
{
    struct replay *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->disk = d;
    if (!replay_log_init(&r->log, bytes)) {
        free(r);
        return NULL;
    }
    return r;
}

void replay_free(struct replay *r)
{
    if (!r)
        return;
    replay_log_fini(&r->log);
    free(r);
}

bool replay_holds_data(const struct replay *r)
{
    return r->log.count > 0;
}

/* All of it has to be written again, and that has not succeeded yet. */
static bool stale(const struct replay *r)
{
    return r->written != r->disk->loss.restarts;
}

/* ---- flushing -------------------------------------------------------------
 */

static void flush_finish(struct transfer *t)
{
    struct replay *r = t->disk->replay;

    assert(r->flushing);
    r->flushing = false;
    r->stuck = t->status != 0 && t->disk->state == DISK_READY;
    if (r->stuck)
        r->quiet_until = t->disk->aoe->now + QUIET;
    t->disk->aoe->kicked = true;
}

bool replay_flush(struct replay *r)
{
    struct aoe_disk *d = r->disk;

    if (r->flushing || d->state != DISK_READY || r->quiet_until > d->aoe->now)
        return false;
    r->flushing = true;
    r->flush = (struct transfer){.op = AOE_FLUSH,
                                 .sectors = d->identity.flush_opcode ? 1 : 0,
                                 .deadline = UINT64_MAX,
                                 .start = transfer_queue,
                                 .finish = flush_finish};
    transfer_begin(d, &r->flush, false);
    return true;
}

void replay_flushed(struct replay *r)
{
    bool mended = r->mending;

    r->stuck = r->mending = r->said = false;
    r->quiet_until = 0;
    replay_log_trim(&r->log, r->disk->loss.flushed);
    r->disk->aoe->kicked = true; /* for those who wait for memory */
    if (mended)
        disk_event(r->disk, AOE_DISK_MENDED);
}

/* ---- keeping --------------------------------------------------------------
 */

/* Trimmed sectors may read as anything, where the disk does not promise
 * zeroes. */
static bool forgotten(const struct replay *r, const struct transfer *t)
{
    return t->op == AOE_TRIM && !r->disk->identity.shown.trim_zeroes;
}

/* An unkept change waits while the log is stale: what is written again would
 * land on top of it.  Where that has failed it goes, and its own flush fails.
 */
static bool go_unkept(struct replay *r)
{
    r->wanted = stale(r) && !r->lost;
    return !r->wanted;
}

bool replay_reserve(struct replay *r, struct transfer *t)
{
    if (t->reserved || forgotten(r, t))
        return true;
    if (replay_log_too_large(&r->log, t))
        return go_unkept(r);
    if (replay_log_reserve(&r->log, t))
        return true;
    replay_flush(r);
    return r->stuck && go_unkept(r);
}

/* Nobody will write it again: it must not be reported before a flush. */
static void mark_unkept(const struct replay *r, struct transfer *t)
{
    struct transfer *whole = transfer_whole(t);

    whole->unkept = true;
    whole->restarts = r->disk->loss.restarts;
}

void replay_keep(struct replay *r, struct transfer *t)
{
    bool reserved = replay_log_release(&r->log, t);

    if (t->status != 0)
        return;
    if (forgotten(r, t))
        replay_log_forget(&r->log, t);
    else if (!reserved || !replay_log_store(&r->log, t, r->disk->loss.changed))
        mark_unkept(r, t);
    if (replay_log_half_full(&r->log))
        replay_flush(r);
}

/* ---- after a loss ---------------------------------------------------------
 */

bool replay_pending(const struct replay *r)
{
    return !r->running && stale(r);
}

bool replay_wanted(const struct replay *r)
{
    return r->wanted;
}

bool replay_blocks(const struct replay *r, const struct transfer *t)
{
    if (t->replay)
        return false;
    return r->running || (t->op == AOE_FLUSH && stale(r));
}

void replay_begin(struct replay *r)
{
    trace_disk(r->disk, TRACE_DECISIONS, "replay: begins, %" PRIu64 " blocks",
               r->log.count);
    r->running = replay_holds_data(r);
    r->pass = r->disk->loss.restarts;
    if (!r->running)
        r->written = r->pass;
    r->lost = r->wanted = false;
    replay_log_rewind(&r->log);
}

void replay_lost(struct replay *r, enum aoe_event cause, bool at_once)
{
    r->cause = cause;
    r->mending = false;
    if (at_once)
        replay_begin(r);
}

void replay_give_up(struct replay *r, bool say)
{
    struct aoe_disk *d = r->disk;

    disk_fail_flushes(d);
    if (say && !r->said && replay_holds_data(r)) {
        r->said = true;
        disk_event(d, r->cause);
    }
}

/* ---- writing it again -----------------------------------------------------
 */

static void submit(struct replay_write *w)
{
    assert(!w->busy);
    w->busy = true;
    w->replay->busy++;
    w->t.iov = &w->iov;
    w->t.skip = 0;
    transfer_begin(w->replay->disk, &w->t, false);
}

/* What a failing disk took is there again only after a flush. */
static void end(struct replay *r)
{
    assert(r->running && r->busy == 0);
    trace_disk(r->disk, TRACE_DECISIONS, "replay: ends, %s",
               r->lost ? "some could not be written" : "all is written again");
    r->running = false;
    r->disk->aoe->kicked = true;
    if (r->lost) {
        replay_give_up(r, true);
        return;
    }
    r->written = r->pass;
    r->mending = r->said || r->cause == AOE_DISK_LOST_WRITES;
    if (!r->mending)
        disk_event(r->disk, AOE_DISK_REPLAYED);
}

/* Whether a write that has ended is tried again.  -EAGAIN: the log is read from
 * the beginning again, and that comes to this write by itself. */
static bool goes_again(struct replay_write *w)
{
    if (w->t.status == 0 || w->t.status == -EAGAIN)
        return false;
    return ++w->tries < TRIES;
}

static void write_finish(struct transfer *t)
{
    struct replay_write *w = (struct replay_write *)(void *)t; /* its first */
    struct replay *r = w->replay;

    assert(w->busy && r->busy > 0);
    w->busy = false;
    r->busy--;
    if (t->disk->state != DISK_READY) {
        replay_begin(r); /* as soon as it is back */
        return;
    }
    if (goes_again(w)) {
        submit(w);
        return;
    }
    if (t->status == 0)
        t->disk->stats.replayed += t->sectors * AOE_SECTOR;
    else if (t->status != -EAGAIN)
        r->lost = true;
    if (r->running && r->busy == 0 && replay_log_at_end(&r->log))
        end(r);
}

static bool prepare(struct replay *r, struct replay_write *w)
{
    struct replay_run run;

    if (!replay_log_next(&r->log, r->disk->loss.flushed, &run))
        return false;
    w->replay = r;
    w->tries = 0;
    w->iov = (struct iovec){run.data, (size_t)run.sectors * AOE_SECTOR};
    w->t = (struct transfer){.op = AOE_WRITE,
                             .lba = run.lba,
                             .sectors = run.sectors,
                             .replay = true,
                             .deadline = UINT64_MAX,
                             .start = transfer_queue,
                             .finish = write_finish};
    return true;
}

void replay_run(struct replay *r)
{
    if (!r->running)
        return;
    for (int i = 0; i < WRITES; i++) {
        struct replay_write *w = &r->writes[i];

        if (w->busy)
            continue;
        if (!prepare(r, w))
            break;
        submit(w);
    }
    if (r->busy == 0)
        end(r); /* all of it was flushed or trimmed */
}
