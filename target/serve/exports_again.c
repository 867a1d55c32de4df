/* SPDX-License-Identifier: BSD-2-Clause
 *
 * --take-over: a disk that was refused because the network had another one of
 * its address is looked for again, quietly, and served once that one has gone.
 *
 * One silent look is no proof: a target may be stuck in its disk or starting
 * anew, and its clients would then go on with the frames they have under way,
 * on our disk.  It has to be silent for longer than they keep any
 * (doc/safety.md).
 */
#include "base/log.h"
#include "target/serve/exports_parts.h"

/* Looks within the time that the other one has to be silent. */
enum { LOOKS = 8 };

/* Only what was answered by nobody on interfaces that were up all the time. */
static bool heard_nobody(const struct exports *x, const struct entry *e)
{
    for (unsigned i = 0; i < x->question_count; i++) {
        const struct second_question *q = &x->questions[i];

        if (q->about == e->disk->age && (q->found || !q->asked))
            return false;
    }
    return true;
}

bool exports_again_silent(struct exports *x, struct entry *e)
{
    struct list none;

    if (!heard_nobody(x, e)) {
        e->silent = 0;
        return false;
    }
    /* The first one begins the time. */
    if (e->silent++ < LOOKS)
        return false;
    e->silent = 0;
    list_init(&none);
    if (exports_open_ports(x, &none, e))
        return false;
    log_info("%s: the other disk of this address has gone", e->disk->name);
    return true;
}

static bool refused(const struct entry *e)
{
    return e->state == ENTRY_REFUSED && !e->leaving;
}

static void look(void *arg)
{
    struct exports *x = arg;

    /* Another look is under way: after it. */
    if (x->look || server_stopping(x->options.server)) {
        exports_again(x);
        return;
    }
    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        if (!refused(e))
            continue;
        e->again = true;
        e->state = ENTRY_ASKING;
    }
    exports_go_on(x);
}

void exports_again(struct exports *x)
{
    struct loop *loop = x->options.loop;
    bool any = false;

    list_each(it, &x->serving)
        any |= refused(entry_of(it));
    if (!any || !x->options.take_over_ns || x->again.index)
        return;
    x->again = (struct loop_timer){.expired = look, .arg = x};
    /* Without memory for it, a reload still looks. */
    loop_timer_set(loop, &x->again,
                   loop_now(loop) + x->options.take_over_ns / LOOKS);
}
