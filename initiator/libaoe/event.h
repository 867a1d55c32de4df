/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a disk, told to its user.
 */
#ifndef INITIATOR_LIBAOE_EVENT_H
#define INITIATOR_LIBAOE_EVENT_H

#include "initiator/libaoe/disk.h"

/* Before any of the others. */
void disk_events_init(struct aoe_disk *d);
/* No event is told from now on: the disk is closed. */
void disk_events_drop(struct aoe_disk *d);
/* The service loop will tell the user.  One that still waits to be told is told
 * once, as the latest. */
void disk_event(struct aoe_disk *d, enum aoe_event event);
/* Tells the oldest that waits, whose user may close the disk or others.  False:
 * none does. */
bool aoe_tell_event(struct aoe *aoe);

#endif
