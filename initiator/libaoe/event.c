/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a disk, told to its user.
 */
#include "initiator/libaoe/disk.h"

void disk_event(struct aoe_disk *d, enum aoe_event event)
{
    if (d->event)
        d->event(d->event_arg, d, event);
}
