/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What becomes of a disk, told to its user.
 */
#include "initiator/libaoe/event.h"

#include <assert.h>

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
        [AOE_DISK_PATH_MTU] = "path MTU",
        [AOE_DISK_LOST_WRITES] = "lost writes",
        [AOE_DISK_MENDED] = "mended",
        [AOE_DISK_FLUSH_REFUSED] = "flush refused",
        [AOE_DISK_SETTLED] = "settled",
    };

    return names[event];
}

void disk_events_init(struct aoe_disk *d)
{
    for (int i = 0; i < DISK_EVENTS; i++)
        d->events[i] =
            (struct disk_event){.disk = d, .event = (enum aoe_event)i};
}

void disk_events_drop(struct aoe_disk *d)
{
    for (int i = 0; i < DISK_EVENTS; i++)
        list_remove(&d->events[i].link);
    d->event = NULL;
}

void disk_event(struct aoe_disk *d, enum aoe_event event)
{
    struct disk_event *e = &d->events[event];

    assert((int)event < (int)DISK_EVENTS && e->disk == d);
    trace_disk(d, TRACE_DECISIONS, "event: %s", name(event));
    if (!d->event)
        return;
    list_remove(&e->link);
    list_append(&d->aoe->events, &e->link);
}

bool aoe_tell_event(struct aoe *aoe)
{
    struct list *first = list_first(&aoe->events);
    struct disk_event *e;

    if (!first)
        return false;
    e = list_entry(first, struct disk_event, link);
    list_remove(first);
    e->disk->event(e->disk->event_arg, e->disk, e->event);
    return true; /* `e` may be gone */
}
