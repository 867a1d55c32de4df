/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Disks whose storage cannot be opened: it is missing, or somebody else uses
 * it.  They keep no other disk off the network and are tried again for as long
 * as the configuration has them, each time as carefully as at the start.
 */
#include <assert.h>

#include "target/serve/exports_parts.h"

/* Soon at first: what has the storage may just be ending. */
#define RETRY_FIRST (250 * NS_PER_MS)
#define RETRY_MAX   (3 * NS_PER_S)

void exports_absent_add(struct exports *x, struct entry *e)
{
    assert(!e->disk && e->state == ENTRY_NEW);
    e->expected = true;
    /* The others are tried soon, too, which harms nobody. */
    if (!e->tried)
        x->retry_ns = RETRY_FIRST;
    e->tried = true;
    list_append(&x->absent, &e->link);
}

void exports_absent_try(struct exports *x)
{
    list_splice(&x->waiting, &x->absent);
}

void exports_absent_arm(struct exports *x, void (*due)(void *arg))
{
    struct loop *loop = x->options.loop;

    if (list_empty(&x->absent) || x->retry.index ||
        server_stopping(x->options.server))
        return;
    x->retry = (struct loop_timer){.expired = due, .arg = x};
    /* Without memory for the timer, a reload still tries. */
    loop_timer_set(loop, &x->retry, loop_now(loop) + x->retry_ns);
    x->retry_ns *= 2;
    if (x->retry_ns > RETRY_MAX)
        x->retry_ns = RETRY_MAX;
}

struct entry *exports_absent_find(struct exports *x,
                                  const struct export_config *c)
{
    list_each(it, &x->absent)
        if (export_config_equal(&entry_of(it)->config, c))
            return entry_of(it);
    list_each(it, &x->waiting)
        if (entry_of(it)->expected &&
            export_config_equal(&entry_of(it)->config, c))
            return entry_of(it);
    return NULL;
}
