/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The transfers of a disk: their order, beginning and end.
 */
#ifndef INITIATOR_LIBAOE_TRANSFERS_H
#define INITIATOR_LIBAOE_TRANSFERS_H

#include "initiator/libaoe/disk.h"

/* `ended` is told of each that has ended, before its user is. */
void transfers_init(struct aoe_disk *d,
                    void (*ended)(struct aoe_disk *d, struct transfer *t));
/* Takes a transfer whose op, range, memory, deadline, start and finish are
 * set.  `ordered`: it keeps its place among overlapping changes. */
void transfer_begin(struct aoe_disk *d, struct transfer *t, bool ordered);
/* To be called whenever a frame or a part of it ended. */
void transfer_check(struct transfer *t);
/* A transfer's start: it is ready to be cut into frames. */
void transfer_queue(struct transfer *t);

#endif
