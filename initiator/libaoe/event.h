/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a disk, told to its user.
 */
#ifndef INITIATOR_LIBAOE_EVENT_H
#define INITIATOR_LIBAOE_EVENT_H

#include "initiator/libaoe/disk.h"

/* Tells the user. */
void disk_event(struct aoe_disk *d, enum aoe_event event);

#endif
