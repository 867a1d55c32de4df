/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A frame of a request between leaving its path and its end.
 */
#ifndef INITIATOR_LIBAOE_FRAMES_H
#define INITIATOR_LIBAOE_FRAMES_H

#include "initiator/libaoe/disk.h"

/* `f` can no longer be sent as it is: its range is cut anew. */
void disk_recut(struct aoe_disk *d, struct frame *f);
/* `f` leaves its path for another that carries as much, under the same tag: any
 * copy's response will do.  Where there is none, its range is cut anew. */
void disk_hand_over(struct aoe_disk *d, struct frame *f);
/* The ATA registers of a frame whose range is set. */
void disk_registers(const struct aoe_disk *d, struct frame *f, enum aoe_op op);
/* A frame answered or given up: in time-wait while late copies may come, else
 * freed.  It is in no path's list any more. */
void disk_retire(struct aoe_disk *d, struct frame *f);

#endif
