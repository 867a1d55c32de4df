/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The transmit scheduler: cuts transfers into frames as far as the windows of
 * the paths allow.
 */
#ifndef INITIATOR_LIBAOE_SCHEDULER_H
#define INITIATOR_LIBAOE_SCHEDULER_H

#include "initiator/libaoe/disk.h"

/* Queues lost and new frames as far as windows allow. */
void disk_schedule(struct aoe_disk *d);

#endif
