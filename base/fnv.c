/* SPDX-License-Identifier: BSD-2-Clause
 *
 * FNV-1a: exclusive-or with a byte, then a multiplication by the prime of the
 * size (draft-eastlake-fnv, section 2).
 */
#include "base/fnv.h"

uint64_t fnv64(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len-- > 0)
        h = (h ^ *p++) * UINT64_C(0x100000001b3);
    return h;
}

uint32_t fnv32(uint32_t h, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len-- > 0)
        h = (h ^ *p++) * UINT32_C(0x01000193);
    return h;
}
