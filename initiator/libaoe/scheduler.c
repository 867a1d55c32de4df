/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Cutting requests into frames, as far as the windows of the paths allow.
 */
#include "initiator/libaoe/scheduler.h"

#include <inttypes.h>

#include "initiator/libaoe/frames.h"
#include "initiator/libaoe/loss.h"
#include "initiator/libaoe/path_choice.h"
#include "initiator/libaoe/silence.h"
#include "initiator/libaoe/trace.h"
#include "wire/link.h"

enum {
    /* Ranges in the one sector of data that a TRIM carries. */
    TRIM_RANGES = AOE_SECTOR / ATA_TRIM_RANGE,
    TRIM_SECTORS = TRIM_RANGES * ATA_TRIM_RANGE_MAX,
    BLOCK_SECTORS = 8, /* a 4 KiB block */
};

/* ---- cutting --------------------------------------------------------------
 */

/* What of a transfer leaves next: the rest of a gap, or of what was never cut.
 * The pointers are where it will go on. */
struct piece {
    struct frame *gap; /* or NULL */
    uint64_t lba, left;
    uint32_t sectors; /* of them, in one frame */
    const struct iovec **iov;
    size_t *skip;
};

/* How much one frame takes. */
static uint32_t share(const struct transfer *t, const struct path *p,
                      const struct piece *c)
{
    uint32_t n = t->op == AOE_TRIM ? TRIM_SECTORS : p->sectors;

    if (c->left <= n)
        n = (uint32_t)c->left;
    else if (n >= BLOCK_SECTORS && t->op != AOE_TRIM)
        n -= (uint32_t)((c->lba + n) % BLOCK_SECTORS); /* end on a block */
    if (t->op == AOE_WRITE)
        n = (uint32_t)(iov_reach(*c->iov, *c->skip, (size_t)n * AOE_SECTOR,
                                 LINK_IOV_MAX - 1) /
                       AOE_SECTOR);
    return n;
}

static struct piece next_piece(struct transfer *t, const struct path *p)
{
    struct list *first = list_first(&t->gaps);
    struct frame *gap = first ? list_entry(first, struct frame, link) : NULL;
    struct piece c = {.gap = gap,
                      .lba = gap ? gap->lba : t->lba + t->cut,
                      .left = gap ? gap->sectors : t->sectors - t->cut,
                      .iov = gap ? &gap->iov : &t->iov,
                      .skip = gap ? &gap->skip : &t->skip};

    c.sectors = share(t, p, &c);
    return c;
}

/* Whether a late copy of something older could land on this piece.  Copies of
 * longer frames of the same request carry the same data: they may. */
static bool in_time_wait(const struct aoe_disk *d, const struct transfer *t,
                         const struct piece *c)
{
    return t->recut ? time_wait_hit_others(&d->time_wait, c->lba, c->sectors, t)
                    : time_wait_hit(&d->time_wait, c->lba, c->sectors);
}

/* Whether a piece of a change may leave now: no late copy can undo it, and it
 * can be written again after a loss. */
static bool may_leave(struct aoe_disk *d, struct transfer *t,
                      const struct piece *c)
{
    if (!transfer_changes(t))
        return true;
    if (in_time_wait(d, t, c)) {
        if (!t->waited)
            trace_disk(d, TRACE_DECISIONS,
                       "time-wait: %u sectors at %" PRIu64
                       " wait until late copies have expired",
                       c->sectors, c->lba);
        d->stats.time_waits += !t->waited;
        t->waited = true;
        return false;
    }
    return !d->replay || t->replay || replay_reserve(d->replay, t);
}

/* The transfer goes on behind the piece, which `f` carries now. */
static void advance(struct transfer *t, const struct piece *c)
{
    if (t->op == AOE_READ || t->op == AOE_WRITE)
        iov_advance(c->iov, c->skip, (uint64_t)c->sectors * AOE_SECTOR);
    if (!c->gap) {
        t->cut += c->sectors;
        return;
    }
    c->gap->lba += c->sectors;
    c->gap->sectors -= c->sectors;
    if (c->gap->sectors == 0)
        flight_put(&t->disk->aoe->flight, c->gap);
}

/* The next piece of `t`; NULL: it has to wait. */
static struct frame *cut(struct aoe_disk *d, struct transfer *t,
                         const struct path *p)
{
    struct piece c = next_piece(t, p);
    struct frame *f =
        may_leave(d, t, &c) ? flight_get(&d->aoe->flight, true) : NULL;

    if (!f)
        return NULL;
    t->covers = d->loss.changed;
    f->disk = d;
    f->transfer = t;
    f->lba = c.lba;
    f->sectors = c.sectors;
    f->iov = t->op == AOE_ZERO ? &iov_zeroes : *c.iov;
    f->skip = t->op == AOE_ZERO ? 0 : *c.skip;
    disk_registers(d, f, t->op);
    advance(t, &c);
    t->outstanding++;
    disk_turn(d, t);
    return f;
}

/* ---- paths ----------------------------------------------------------------
 */

static void queue_frame(struct path *p, struct frame *f)
{
    path_queued(p, f);
    port_queue(p->port, f);
}

/* A path that is silent, refused or being asked again gives its frames to the
 * others. */
static void hand_over(struct aoe_disk *d, struct list *list)
{
    list_each(node, list) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->transfer)
            disk_hand_over(d, f);
    }
}

static void resend(struct aoe_disk *d, struct path *p)
{
    if (p->state != PATH_GOOD && disk_best_path(d, 0, false)) {
        hand_over(d, &p->sent);
        hand_over(d, &p->slow);
        hand_over(d, &p->lost);
    }
    list_each(node, &p->lost) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->transfer && (p->state != PATH_GOOD || !path_window_open(p)))
            continue;
        path_forget(p, f);
        queue_frame(p, f);
    }
}

static bool flush_due(struct aoe_disk *d)
{
    if (disk_flush_waits(d))
        return false;
    if (replay_wanted(d->replay))
        return true;
    list_each(work, &d->transfers.queue)
        if (list_entry(work, struct transfer, work)->op == AOE_FLUSH)
            return true;
    return false;
}

static void schedule_replay(struct aoe_disk *d)
{
    if (replay_pending(d->replay) && flush_due(d)) {
        disk_replay_now(d);
    }
    replay_run(d->replay);
}

static bool waits(const struct aoe_disk *d, const struct transfer *t)
{
    if (t->op == AOE_FLUSH && disk_flush_waits(d))
        return true;
    return d->replay && replay_blocks(d->replay, t);
}

void disk_schedule(struct aoe_disk *d)
{
    list_each(node, &d->paths)
        resend(d, list_entry(node, struct path, link));
    if (d->state != DISK_READY)
        return;
    if (d->replay)
        schedule_replay(d);
    list_each(work, &d->transfers.queue) {
        struct transfer *t = list_entry(work, struct transfer, work);

        if (waits(d, t))
            continue;
        while (transfer_uncut(t)) {
            struct path *p = disk_best_path(d, 0, true);
            struct frame *f;

            if (!p)
                return;
            f = cut(d, t, p);
            if (!f)
                break; /* it has to wait: others may go */
            queue_frame(p, f);
        }
        if (!transfer_uncut(t))
            list_remove(&t->work);
    }
}
