/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which part of a range is trimmed, and which is written.
 */
#include "initiator/client/zero.h"

#include <assert.h>

void zero_by_trim(struct aoe_request *request, uint64_t at, uint64_t left,
                  uint32_t sector)
{
    uint32_t into, rest;

    assert(left > 0 && sector > 0);
    into = (uint32_t)(at % sector);
    rest = sector - into; /* of the sector that `at` lies in */
    request->offset = at;
    if (into == 0 && left >= sector) {
        request->op = AOE_TRIM;
        request->length = left - left % sector;
        return;
    }
    request->op = AOE_ZERO;
    request->length = left < rest ? left : rest;
}
