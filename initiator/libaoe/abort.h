/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that end before their time, or begin anew.
 */
#ifndef INITIATOR_LIBAOE_ABORT_H
#define INITIATOR_LIBAOE_ABORT_H

#include "initiator/libaoe/disk.h"

/* Ends every request with `status`. */
void disk_fail_all(struct aoe_disk *d, int status);
/* FLUSHes that wait end with -EIO. */
void disk_fail_flushes(struct aoe_disk *d);
/* Takes the frames of all requests, or of all FLUSHes, off the wire; late
 * copies are in time-wait. */
void disk_drop_frames(struct aoe_disk *d, bool flushes_only);

/* Fails it now: its frames enter time-wait or are freed. */
void transfer_abort(struct transfer *t, int status);
/* What is on the way begins anew under new tags, or only FLUSHes do. */
void disk_again(struct aoe_disk *d, bool flushes_only);

#endif
