/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What was lost, or may be: epochs, and flushes that fail.
 */
#ifndef INITIATOR_LIBAOE_LOSS_H
#define INITIATOR_LIBAOE_LOSS_H

#include "initiator/libaoe/disk.h"

/* Nothing counts before a new page has come. */
void disk_doubt(struct aoe_disk *d);
/* What was answered and not flushed is lost, or may be.  With a log it is
 * written again, at once or before the next FLUSH. */
void disk_lost_writes(struct aoe_disk *d, enum aoe_event cause, bool at_once);

enum flush_failure {
    FLUSH_MOVED,   /* the loss epoch is another one */
    FLUSH_BROKEN,  /* the disk failed */
    FLUSH_REFUSED, /* though IDENTIFY shows the command */
};
/* A FLUSH has failed: whether it is tried again; */
bool disk_flush_again(struct aoe_disk *d, enum flush_failure how);
/* and then what follows from that, once its frame is gone. */
void disk_flush_failed(struct aoe_disk *d, enum flush_failure how, bool again);
/* No FLUSH may leave now. */
bool disk_flush_waits(const struct aoe_disk *d);
/* `t` has ended: counts changes and what flushes cover. */
void disk_ended(struct aoe_disk *d, struct transfer *t);

#endif
