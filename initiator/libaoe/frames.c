/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A frame of a request between leaving its path and its end: it goes by another
 * path, is cut anew, or is over and enters time-wait.
 */
#include "initiator/libaoe/frames.h"

#include <assert.h>
#include <errno.h>

#include "initiator/libaoe/path_choice.h"
#include "initiator/libaoe/transfers.h"

void disk_retire(struct aoe_disk *d, struct frame *f)
{
    f->transfer = NULL;
    if (frame_changes(f) && (f->copies > 1 || (f->copies == 1 && !f->answered)))
        time_wait_add(&d->time_wait, f, d->aoe->now);
    else
        flight_put(&d->aoe->flight, f);
}

void disk_recut(struct aoe_disk *d, struct frame *f)
{
    struct transfer *t = f->transfer;
    struct frame *gap = flight_get(&d->aoe->flight, false);

    assert(t && t->outstanding > 0);
    path_forget(f->path, f);
    f->recut_of = t;
    t->recut = true;
    t->outstanding--;
    if (gap) {
        gap->lba = f->lba;
        gap->sectors = f->sectors;
        gap->iov = f->iov;
        gap->skip = f->skip;
        list_append(&t->gaps, &gap->link);
        if (!list_linked(&t->work))
            list_prepend(&d->transfers.queue, &t->work);
    } else {
        transfer_fail(t, -ENOMEM, f->lba);
    }
    disk_retire(d, f);
    transfer_check(t);
}

void disk_registers(const struct aoe_disk *d, struct frame *f, enum aoe_op op)
{
    f->count = (uint8_t)f->sectors;
    f->aflags = d->identity.lba48 ? AOE_AFLAG_EXTENDED : 0;
    f->device = d->identity.lba48 ? 0 : 0xe0; /* LBA mode, as Linux sends it */
    switch (op) {
    case AOE_READ:
        f->opcode = d->identity.lba48 ? ATA_READ_SECTORS_EXT : ATA_READ_SECTORS;
        break;
    case AOE_WRITE:
    case AOE_ZERO:
        f->opcode =
            d->identity.lba48 ? ATA_WRITE_SECTORS_EXT : ATA_WRITE_SECTORS;
        f->aflags |= AOE_AFLAG_WRITE;
        break;
    case AOE_TRIM:
        f->opcode = ATA_DATA_SET_MANAGEMENT;
        f->feature = ATA_FEATURE_TRIM;
        f->count = 1;
        f->aflags = AOE_AFLAG_EXTENDED | AOE_AFLAG_WRITE;
        f->device = 0;
        break;
    case AOE_FLUSH:
        f->opcode = d->identity.flush_opcode;
        f->count = 0;
        f->aflags = f->opcode == ATA_FLUSH_CACHE_EXT ? AOE_AFLAG_EXTENDED : 0;
        f->device = 0;
        if (d->restart.vendor.present && f->opcode == ATA_FLUSH_CACHE_EXT) {
            f->feature = ATA_FEATURE_FLUSH_EPOCH;
            f->lba = d->restart.vendor.epoch;
        }
        break;
    }
}

void disk_hand_over(struct aoe_disk *d, struct frame *f)
{
    struct path *to = disk_best_path(d, frame_timed(f) ? f->sectors : 0, false);

    if (!to) {
        disk_recut(d, f);
        return;
    }
    path_forget(f->path, f);
    f->state = FRAME_LOST;
    f->why = LOST_HANDED_OVER;
    f->path = to;
    list_append(&to->lost, &f->link);
}
