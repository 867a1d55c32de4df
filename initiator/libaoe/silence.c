/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Deadlines, which are about silence: of the disk, or about one request while
 * others are answered.  What waits in our own queue does not age, nor does
 * anything while the process does not run (base/awake.h).
 */
#include "initiator/libaoe/silence.h"

#include <errno.h>
#include <inttypes.h>

#include "initiator/libaoe/abort.h"
#include "initiator/libaoe/disk_state.h"
#include "initiator/libaoe/trace.h"

/* ---- a disk that answers nothing ------------------------------------------
 *
 * Only responses to requests count.  IDENTIFY and Query Config tell that a
 * target lives, and it may while its disk hangs.
 */

void disk_wanted(struct aoe_disk *d)
{
    aoe_now(d->aoe);
    if (d->stats.queued++ == 0)
        d->silence.since = d->silence.served = aoe_awake(d->aoe);
}

static uint64_t silence_ends(const struct aoe_disk *d)
{
    return d->stats.queued && d->options.timeout
               ? d->silence.since + d->options.timeout
               : UINT64_MAX;
}

/* Whether all that requests wait for is the lifetime of late copies: that is
 * nobody's silence. */
static bool only_time_wait(const struct aoe_disk *d)
{
    bool way = false;

    if (!d->time_wait.count)
        return false;
    list_each(node, &d->transfers.active)
        if (list_entry(node, struct transfer, active)->outstanding)
            return false;
    list_each(path, &d->paths)
        way = way || list_entry(path, struct path, link)->state == PATH_GOOD;
    return way;
}

static void lose(struct aoe_disk *d)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->state == PATH_GOOD)
            path_set_state(p, PATH_SILENT, "the disk is lost");
    }
    disk_happens(d, DISK_SILENCE);
}

static void silence_tick(struct aoe_disk *d)
{
    uint64_t now = aoe_awake(d->aoe);

    if (silence_ends(d) > now)
        return;
    if (only_time_wait(d))
        d->silence.since = now;
    else
        lose(d);
}

void disk_time_wait_ends(struct aoe_disk *d)
{
    if (only_time_wait(d))
        d->silence.since = aoe_awake(d->aoe);
}

/* ---- requests that are left out -------------------------------------------
 *
 * A disk may answer all requests but one: a sector that it tries to read for
 * ever, a bug.  That one ends alone, later than all would if the disk were
 * silent, since a wire that is slow or full must not be taken for such a disk.
 */

enum { LEFT_OUT = 4 }; /* times the timeout */

static uint64_t patience(const struct aoe_disk *d)
{
    return aoe_awake(d->aoe) + LEFT_OUT * d->options.timeout;
}

/* Not anew when frames of it are cut anew: whoever makes the target seem
 * restarted again and again must not keep it for ever. */
void disk_turn(struct aoe_disk *d, struct transfer *t)
{
    if (t->deadline == 0)
        t->deadline = patience(d);
}

void disk_answered(struct frame *f)
{
    struct transfer *t = f->transfer;
    struct aoe_disk *d = f->disk;

    if (!t)
        return;
    if (t->deadline != UINT64_MAX) {
        d->silence.served = aoe_awake(d->aoe);
        t->deadline = patience(d);
    } else if (patience(d) >
               d->silence.served + 2 * LEFT_OUT * d->options.timeout) {
        return; /* of the replay log, which has kept the user's long enough */
    }
    d->silence.since = aoe_awake(d->aoe);
}

/* One whose time is up, or NULL and *next: when to look again.  A request that
 * has its turn only now has until then, too. */
static struct transfer *left_out(struct aoe_disk *d, uint64_t *next)
{
    *next = patience(d);
    list_each(node, &d->transfers.active) {
        struct transfer *t = list_entry(node, struct transfer, active);

        if (t->deadline == 0)
            continue;
        if (t->deadline <= aoe_awake(d->aoe))
            return t;
        if (t->deadline < *next)
            *next = t->deadline;
    }
    return NULL;
}

static uint64_t look_at(const struct aoe_disk *d)
{
    return d->options.timeout && !list_empty(&d->transfers.active)
               ? d->silence.look_at
               : UINT64_MAX;
}

static void give_up(struct transfer *t)
{
    trace_disk(t->disk, TRACE_DECISIONS,
               "deadline: a request of %" PRIu64 " sectors at %" PRIu64
               " is given up",
               t->sectors, t->lba);
    transfer_abort(t, -EIO);
}

static void left_out_tick(struct aoe_disk *d)
{
    struct transfer *t;

    if (look_at(d) > aoe_awake(d->aoe))
        return;
    while ((t = left_out(d, &d->silence.look_at)))
        give_up(t);
}

/* ---- both ------------------------------------------------------------------
 */

void disk_silence_tick(struct aoe_disk *d)
{
    silence_tick(d);
    left_out_tick(d);
}

uint64_t disk_silence_next(const struct aoe_disk *d)
{
    uint64_t next = silence_ends(d);

    if (look_at(d) < next)
        next = look_at(d);
    return awake_real(&d->aoe->awake, next);
}
