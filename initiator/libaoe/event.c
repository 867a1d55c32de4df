/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a disk, told to its user.
 */
#include "initiator/libaoe/event.h"

#include "initiator/libaoe/trace.h"

static const char *name(enum aoe_event event)
{
    static const char *const names[] = {
        [AOE_DISK_READY] = "ready",
        [AOE_DISK_LOST] = "lost",
        [AOE_DISK_BACK] = "back",
        [AOE_DISK_RESIZED] = "resized",
        [AOE_DISK_CHANGED] = "changed",
        [AOE_DISK_CONFLICT] = "conflict",
        [AOE_DISK_RESTARTED] = "restarted",
        [AOE_DISK_REPLAYED] = "replayed",
        [AOE_DISK_PAYLOAD] = "payload",
        [AOE_DISK_LOST_WRITES] = "lost writes",
        [AOE_DISK_MENDED] = "mended",
        [AOE_DISK_FLUSH_REFUSED] = "flush refused",
        [AOE_DISK_SETTLED] = "settled",
    };

    return names[event];
}

void disk_event(struct aoe_disk *d, enum aoe_event event)
{
    trace_disk(d, TRACE_DECISIONS, "event: %s", name(event));
    if (d->event)
        d->event(d->event_arg, d, event);
}
