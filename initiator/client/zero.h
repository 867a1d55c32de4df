/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Zeroes by trimming, on a disk whose trimmed sectors read as zeroes: one frame
 * trims what takes thousands to write.
 */
#ifndef INITIATOR_CLIENT_ZERO_H
#define INITIATOR_CLIENT_ZERO_H

#include <stdint.h>

#include "initiator/libaoe/aoe.h"

/* The next of the requests, one after the other, that zero `left` bytes (at
 * least 1) from `at` on: sets op, offset and length of `request`.  The sectors
 * of `sector` bytes that lie wholly inside are trimmed; zeroes are written to
 * what is left of the first and the last one. */
void zero_by_trim(struct aoe_request *request, uint64_t at, uint64_t left,
                  uint32_t sector);

#endif
