/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that do not begin or end on a sector: read, merge and write as one
 * step.
 */
#ifndef INITIATOR_LIBAOE_UNALIGNED_H
#define INITIATOR_LIBAOE_UNALIGNED_H

#include "initiator/libaoe/disk.h"

/* Begins a request with partial sectors.  0 or -ENOMEM. */
int unaligned_begin(struct transfer *whole, const struct aoe_request *r);
/* The range is free of earlier changes: go. */
void unaligned_start(struct transfer *whole);
/* The whole fails with `status`; true if parts are still on their way and
 * will end it. */
bool unaligned_abort(struct transfer *whole, int status);
void unaligned_free(struct unaligned *u);

#endif
