/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: a target's restart is noticed, but nothing is written again.
 */
#include "initiator/libaoe/loss.h"

void __real_disk_lost_writes(struct aoe_disk *d, enum aoe_event cause,
                             bool at_once);
void __wrap_disk_lost_writes(struct aoe_disk *d, enum aoe_event cause,
                             bool at_once);

void __wrap_disk_lost_writes(struct aoe_disk *d, enum aoe_event cause,
                             bool at_once)
{
    if (!d->replay)
        __real_disk_lost_writes(d, cause, at_once);
}
