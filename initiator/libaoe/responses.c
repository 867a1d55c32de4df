/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a response means (AoEr11 section 3.1, ATA8-ACS).  A response to any copy
 * of a frame completes it; those that follow only say that it was late.
 */
#include "initiator/libaoe/responses.h"

#include <assert.h>
#include <errno.h>

#include "initiator/libaoe/error.h"
#include "initiator/libaoe/frames.h"
#include "initiator/libaoe/identity.h"
#include "initiator/libaoe/loss.h"
#include "initiator/libaoe/paths.h"
#include "initiator/libaoe/restart.h"
#include "initiator/libaoe/transfers.h"

/* A response that lacks data may have been cut short on its way; after so many
 * it is the target that does it. */
enum { SHORT_RESPONSES_MAX = 3 };

bool disk_admits(struct aoe_disk *d, struct path *from, const struct frame *f)
{
    from->heard = d->aoe->now;
    if (!f->transfer && f->state != FRAME_TIME_WAIT && !f->probe)
        return f == from->identify;
    if (f->probe && f->path != from)
        return false; /* it came by another way than it went */
    if (d->loss.doubted && d->replay)
        return false; /* it may be older than the loss */
    /* One that is being asked who it is may be another disk by now. */
    return (from->state == PATH_GOOD || from->state == PATH_SILENT) &&
           !disk_heard(d);
}

/* A write that was sent once is over with its response.  After several copies a
 * response proves nothing: it does not tell which copy it belongs to, and a
 * network may duplicate it. */
static void late(struct aoe_disk *d, struct path *from, struct frame *f)
{
    disk_late(d, from);
    if (f->copies == 1) {
        time_wait_remove(&d->time_wait, f);
        flight_put(&d->aoe->flight, f);
    }
}

static void identified(struct aoe_disk *d, struct frame *f, const uint8_t *page)
{
    struct path *p = f->path;

    path_answered(p, f, d->aoe->now);
    p->identify = NULL;
    p->asked = f->copies == 1 ? f->tag : 0;
    flight_put(&d->aoe->flight, f);
    disk_identified(d, p, page);
}

/* Where a failed command failed.  Targets say it in the LBA registers; those
 * that do not leave the request's there. */
static uint64_t failed_lba(const struct frame *f, const struct aoe_ata *a)
{
    uint64_t lba = a->lba;

    if (!(f->aflags & AOE_AFLAG_EXTENDED))
        lba &= ATA_LBA28_MAX;
    return lba >= f->lba && lba < f->lba + f->sectors ? lba : f->lba;
}

static void complete(struct aoe_disk *d, struct frame *f, int status,
                     uint64_t lba)
{
    struct transfer *t = f->transfer;

    assert(t->outstanding > 0);
    path_answered(f->path, f, d->aoe->now);
    t->outstanding--;
    if (status)
        transfer_fail(t, status, lba);
    disk_retire(d, f);
    transfer_check(t);
}

/* A device fault is a failure, not a refusal.  Epoch 0 is none: such a response
 * says nothing about epochs. */
static enum flush_failure why_not_flushed(const struct frame *f,
                                          const struct aoe_ata *a)
{
    if (a->feature & ATA_ERROR_ABRT && !(a->command & ATA_STATUS_DF))
        return FLUSH_REFUSED;
    return f->feature == ATA_FEATURE_FLUSH_EPOCH && a->lba && a->lba != f->lba
               ? FLUSH_MOVED
               : FLUSH_BROKEN;
}

static void flush_failed(struct aoe_disk *d, struct frame *f,
                         enum flush_failure how)
{
    struct transfer *t = f->transfer;
    bool again = disk_flush_again(d, how);

    if (again) {
        t->cut = 0;
        if (!list_linked(&t->work))
            list_append(&d->transfers.queue, &t->work);
    }
    complete(d, f, again ? 0 : -EIO, 0);
    disk_flush_failed(d, how, again);
}

static void answered(struct aoe_disk *d, struct frame *f,
                     const struct aoe_ata *a)
{
    size_t want = (size_t)f->sectors * AOE_SECTOR;
    bool failed = a->command & ATA_STATUS_FAILED;

    if (failed && f->transfer->op == AOE_FLUSH) {
        flush_failed(d, f, why_not_flushed(f, a));
        return;
    }
    /* A device fault does not refuse a long frame. */
    if (failed && a->feature & ATA_ERROR_ABRT &&
        !(a->command & ATA_STATUS_DF) && path_mtu_refused(f))
        return;
    if (failed) {
        complete(d, f, -EIO, failed_lba(f, a));
        return;
    }
    if (frame_reads(f)) {
        if (a->data_len < want) {
            if (++f->short_responses >= SHORT_RESPONSES_MAX)
                complete(d, f, -EIO, f->lba);
            return;
        }
        iov_fill(f->iov, f->skip, a->data, want);
    }
    complete(d, f, 0, 0);
}

void disk_ata(struct aoe_disk *d, struct path *from, struct frame *f,
              const struct aoe_ata *a)
{
    f->answered = true;
    if (f->state == FRAME_TIME_WAIT)
        late(d, from, f);
    else if (f->transfer)
        answered(d, f, a);
    else if (f->probe)
        path_mtu_probed(f, a);
    else if (a->command & ATA_STATUS_FAILED || a->data_len < AOE_SECTOR)
        identified(d, f, NULL);
    else
        identified(d, f, a->data);
}

void disk_error(struct aoe_disk *d, struct path *from, struct frame *f,
                uint8_t error)
{
    f->answered = true;
    if (f->state == FRAME_TIME_WAIT)
        late(d, from, f);
    else if (error == AOE_ERR_ARGUMENT && path_mtu_refused(f))
        return;
    else if (f->transfer && f->transfer->op == AOE_FLUSH &&
             (error == AOE_ERR_COMMAND || error == AOE_ERR_ARGUMENT))
        flush_failed(d, f, FLUSH_REFUSED);
    else if (f->transfer)
        complete(d, f, error_status(error), f->lba);
    else if (f->probe)
        path_mtu_probed(f, NULL);
    else
        identified(d, f, NULL);
}
