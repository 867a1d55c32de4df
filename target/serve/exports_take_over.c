/* SPDX-License-Identifier: BSD-2-Clause
 *
 * --take-over: a disk that was refused because the network had another one with
 * its address is checked again, quietly, and served once that one has gone.
 *
 * One silent check proves nothing: the other target may hang in its disk or be
 * restarting, and its clients would then send the frames they have in flight to
 * our disk.  It has to be silent for longer than they keep any (doc/safety.md).
 */
#include <assert.h>

#include "target/serve/exports_parts.h"

/* Checks during the silence that is required. */
enum { CHECKS = 8 };

/* Silent only if nobody answered on interfaces that were up throughout. */
static bool silent(const struct exports *x, const struct entry *e)
{
    for (unsigned i = 0; i < x->query_count; i++) {
        const struct duplicate_query *q = &x->queries[i];

        if (q->about == e->disk->age && (q->conflict || !q->asked))
            return false;
    }
    return true;
}

bool exports_take_over_count(struct exports *x, struct entry *e)
{
    struct list none;

    assert(e->recheck && e->state == ENTRY_CHECKING);
    if (!silent(x, e)) {
        log_debug("%s: the other disk still responds, or its interface is down",
                  e->disk->name);
        e->silent_checks = 0;
        return false;
    }
    /* The first one starts the clock. */
    log_debug("%s: no response in %u of %d checks", e->disk->name,
              e->silent_checks, CHECKS);
    if (e->silent_checks++ < CHECKS)
        return false;
    e->silent_checks = 0;
    list_init(&none);
    if (exports_open_ports(x, &none, e))
        return false;
    log_info("%s: the other disk with this address is gone", e->disk->name);
    return true;
}

void exports_take_over_arm(struct exports *x, void (*due)(void *arg))
{
    struct loop *loop = x->options.loop;
    bool any = false;

    list_each(it, &x->serving)
        any |= entry_of(it)->state == ENTRY_REFUSED && !entry_of(it)->leaving;
    if (!any || !x->options.take_over_ns || x->take_over.index)
        return;
    x->take_over = (struct loop_timer){.expired = due, .arg = x};
    /* Without memory for the timer, a reload still looks. */
    loop_timer_set(loop, &x->take_over,
                   loop_now(loop) + x->options.take_over_ns / CHECKS);
}
