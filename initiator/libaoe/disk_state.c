/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The table that doc/states.md shows.
 */
#include "initiator/libaoe/disk_state.h"

#include <assert.h>
#include <errno.h>

#include "initiator/libaoe/abort.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/trace.h"

enum { NO_EVENT = -1 };

struct transition {
    bool possible; /* else it is a mistake of ours */
    enum disk_state next;
    int status; /* every request ends with it; 0: none does */
    int event;  /* enum aoe_event or NO_EVENT */
};

#define TO(next, status, event)                                                \
    {                                                                          \
        true, next, status, event                                              \
    }
#define STAYS(state)                                                           \
    {                                                                          \
        true, state, 0, NO_EVENT                                               \
    }

static const struct transition table[DISK_STATES][DISK_NEWS] = {
    /* Nobody has requests yet. */
    [DISK_SEARCHING] =
        {
            [DISK_FIRST] = TO(DISK_SETTLING, 0, NO_EVENT),
            [DISK_OTHER_BESIDE] = TO(DISK_CONFLICT, 0, AOE_DISK_CONFLICT),
            [DISK_OTHER_INSTEAD] = TO(DISK_CONFLICT, 0, AOE_DISK_CONFLICT),
            [DISK_OTHER_APART] = TO(DISK_CONFLICT, 0, AOE_DISK_CONFLICT),
        },
    [DISK_SETTLING] =
        {
            [DISK_SAME] = STAYS(DISK_SETTLING),
            [DISK_OTHER_BESIDE] = TO(DISK_CONFLICT, 0, AOE_DISK_CONFLICT),
            [DISK_OTHER_INSTEAD] = TO(DISK_CONFLICT, 0, AOE_DISK_CONFLICT),
            [DISK_OTHER_APART] = TO(DISK_CONFLICT, 0, AOE_DISK_CONFLICT),
            [DISK_UNOPPOSED] = TO(DISK_READY, 0, AOE_DISK_READY),
        },
    [DISK_READY] =
        {
            [DISK_SAME] = STAYS(DISK_READY),
            [DISK_OTHER_BESIDE] = TO(DISK_READY, 0, AOE_DISK_CONFLICT),
            [DISK_OTHER_INSTEAD] = TO(DISK_STALE, -ESTALE, AOE_DISK_CHANGED),
            [DISK_OTHER_APART] = STAYS(DISK_READY),
            [DISK_SILENCE] = TO(DISK_LOST, -EIO, AOE_DISK_LOST),
        },
    [DISK_LOST] =
        {
            [DISK_SAME] = TO(DISK_READY, 0, AOE_DISK_BACK),
            [DISK_OTHER_BESIDE] = TO(DISK_STALE, -ESTALE, AOE_DISK_CHANGED),
            [DISK_OTHER_INSTEAD] = TO(DISK_STALE, -ESTALE, AOE_DISK_CHANGED),
            [DISK_OTHER_APART] = TO(DISK_STALE, -ESTALE, AOE_DISK_CHANGED),
            [DISK_SILENCE] = TO(DISK_LOST, -EIO, AOE_DISK_LOST),
        },
    /* Silence: of requests that have failed and whose users were not told yet.
     */
    [DISK_STALE] =
        {
            [DISK_SAME] = TO(DISK_READY, 0, AOE_DISK_BACK),
            [DISK_OTHER_BESIDE] = STAYS(DISK_STALE),
            [DISK_OTHER_INSTEAD] = STAYS(DISK_STALE),
            [DISK_OTHER_APART] = STAYS(DISK_STALE),
            [DISK_SILENCE] = TO(DISK_LOST, -EIO, AOE_DISK_LOST),
        },
    /* For good: nobody can say which of two disks was meant. */
    [DISK_CONFLICT] =
        {
            [DISK_SAME] = STAYS(DISK_CONFLICT),
            [DISK_OTHER_BESIDE] = STAYS(DISK_CONFLICT),
            [DISK_OTHER_INSTEAD] = STAYS(DISK_CONFLICT),
            [DISK_OTHER_APART] = STAYS(DISK_CONFLICT),
        },
};

static const char *name(enum disk_state state)
{
    static const char *const names[DISK_STATES] = {
        "searching", "settling", "ready", "lost", "stale", "conflict"};

    return names[state];
}

void disk_happens(struct aoe_disk *d, enum disk_news news)
{
    const struct transition *t = &table[d->state][news];

    assert(t->possible);
    if (t->next != d->state)
        trace_disk(d, TRACE_DECISIONS, "disk: %s -> %s", name(d->state),
                   name(t->next));
    d->state = t->next;
    if (t->status)
        disk_fail_all(d, t->status);
    if (t->event != NO_EVENT)
        disk_event(d, (enum aoe_event)t->event);
}
