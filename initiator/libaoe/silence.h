/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Deadlines, which are about silence: of the disk, or about one request while
 * others are answered.
 */
#ifndef INITIATOR_LIBAOE_SILENCE_H
#define INITIATOR_LIBAOE_SILENCE_H

#include "initiator/libaoe/disk.h"

/* The user has submitted a request. */
void disk_wanted(struct aoe_disk *d);
/* It is the turn of `t`: a frame of it gets a place in a window. */
void disk_turn(struct aoe_disk *d, struct transfer *t);
/* A response to `f` came; nobody has looked yet at what it says. */
void disk_answered(struct frame *f);
/* The lifetime of a late copy is over: it is still in time-wait. */
void disk_time_wait_ends(struct aoe_disk *d);
/* Loses the disk, or gives requests up, whose time has come. */
void disk_silence_tick(struct aoe_disk *d);
uint64_t disk_silence_next(const struct aoe_disk *d);

#endif
