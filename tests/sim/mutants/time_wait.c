/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: newer writes do not wait for late copies of older ones.
 */
#include "initiator/libaoe/time_wait.h"

bool __wrap_time_wait_hit(const struct time_wait *tw, uint64_t lba, uint64_t sectors);

bool __wrap_time_wait_hit(const struct time_wait *tw, uint64_t lba, uint64_t sectors)
{
    (void)tw;
    (void)lba;
    (void)sectors;
    return false;
}
