/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Each entry counts the earlier ones that it waits for.  A list is enough:
 * clients have a few dozen requests in flight.
 */
#include "target/protocol/order.h"

#include <assert.h>

void order_init(struct order *o)
{
    *o = (struct order){.end = 0};
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

/* Whether nothing can make it wait, without a look at each entry: reads among
 * reads, and a stream of writes. */
static bool alone(const struct order *o, const struct order_entry *e)
{
    if (e->kind == ORDER_FLUSH)
        return o->changing == 0;
    return (e->kind == ORDER_READ && o->changing == 0) || e->start >= o->end;
}

static void count_blockers(const struct order *o, struct order_entry *e)
{
    list_each(it, &o->entries) {
        if (must_wait(e, list_entry(it, struct order_entry, link)))
            e->blockers++;
    }
}

bool order_enter(struct order *o, struct order_entry *e)
{
    assert(!list_linked(&e->link));
    assert(e->kind < ORDER_KINDS && e->start <= e->end);
    e->blockers = 0;
    if (list_empty(&o->entries))
        o->end = 0;
    if (!alone(o, e))
        count_blockers(o, e);
    if (e->end > o->end)
        o->end = e->end;
    o->changing += e->kind != ORDER_READ;
    o->waiting += e->blockers > 0;
    list_append(&o->entries, &e->link);
    return e->blockers == 0;
}

void order_leave(struct order *o, struct order_entry *e,
                 void (*released)(void *arg, struct order_entry *e), void *arg)
{
    struct list *it = e->link.next;

    assert(list_linked(&e->link) && e->blockers == 0);
    list_remove(&e->link);
    o->changing -= e->kind != ORDER_READ;
    for (; o->waiting > 0 && it != &o->entries; it = it->next) {
        struct order_entry *later = list_entry(it, struct order_entry, link);

        if (later->blockers == 0 || !must_wait(later, e))
            continue;
        if (--later->blockers > 0)
            continue;
        o->waiting--;
        released(arg, later);
    }
}
