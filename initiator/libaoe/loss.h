/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What was lost, or may be: epochs, and flushes that fail.
 */
#ifndef INITIATOR_LIBAOE_LOSS_H
#define INITIATOR_LIBAOE_LOSS_H

#include "initiator/libaoe/disk.h"

/* Until a new IDENTIFY page has come no FLUSH leaves, and with a log no
 * response counts. */
void disk_doubt(struct aoe_disk *d);
/* It has come. */
void disk_believe(struct aoe_disk *d);
/* What was answered and not flushed is lost, or may be.  With a log it is
 * written again, at once or before the next FLUSH. */
void disk_lost_writes(struct aoe_disk *d, enum aoe_event cause, bool at_once);

/* The target seems to have been restarted, perhaps in order, and there is no
 * log: only the event says so, and flushes go on to succeed. */
void disk_guess_lost(struct aoe_disk *d);
/* The same with a log, which is written again before the next FLUSH. */
void disk_lost_pending(struct aoe_disk *d);
/* The log is written again now. */
void disk_replay_now(struct aoe_disk *d);

enum flush_failure {
    FLUSH_MOVED,   /* the loss epoch is another one */
    FLUSH_BROKEN,  /* the disk failed */
    FLUSH_REFUSED, /* though IDENTIFY shows the command */
};
/* Whether a FLUSH that has failed is tried again. */
bool disk_flush_again(struct aoe_disk *d, enum flush_failure how);
/* What follows from the failure; to be called once its frame is gone. */
void disk_flush_failed(struct aoe_disk *d, enum flush_failure how, bool again);
/* When a FLUSH that failed is tried again. */
void disk_loss_tick(struct aoe_disk *d, uint64_t now);
uint64_t disk_loss_next(const struct aoe_disk *d);
/* No FLUSH may leave now. */
bool disk_flush_waits(const struct aoe_disk *d);
/* `t` has ended: counts changes and what flushes cover. */
void disk_ended(struct aoe_disk *d, struct transfer *t);

#endif
