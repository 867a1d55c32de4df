/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Each entry counts the earlier ones that it waits for.  A list is enough:
 * clients have a few dozen requests in flight.
 */
#include "target/protocol/order.h"

#include <assert.h>

void order_init(struct order *o)
{
    list_init(&o->entries);
}

/* Whether `later` must wait for `earlier`. */
static bool must_wait(const struct order_entry *later,
                      const struct order_entry *earlier)
{
    if (earlier->kind == ORDER_FLUSH)
        return false;
    if (later->kind == ORDER_FLUSH)
        return earlier->kind == ORDER_WRITE;
    if (earlier->kind == ORDER_READ && later->kind == ORDER_READ)
        return false;
    return earlier->start < later->end && later->start < earlier->end;
}

bool order_enter(struct order *o, struct order_entry *e)
{
    assert(!list_linked(&e->link));
    assert(e->kind < ORDER_KINDS && e->start <= e->end);
    e->blockers = 0;
    list_each(it, &o->entries) {
        if (must_wait(e, list_entry(it, struct order_entry, link)))
            e->blockers++;
    }
    list_append(&o->entries, &e->link);
    return e->blockers == 0;
}

void order_leave(struct order *o, struct order_entry *e,
                 void (*released)(void *arg, struct order_entry *e), void *arg)
{
    struct list *it = e->link.next;

    assert(list_linked(&e->link) && e->blockers == 0);
    list_remove(&e->link);
    for (; it != &o->entries; it = it->next) {
        struct order_entry *later = list_entry(it, struct order_entry, link);

        if (later->blockers == 0 || !must_wait(later, e))
            continue;
        if (--later->blockers == 0)
            released(arg, later);
    }
}
