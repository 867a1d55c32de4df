/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: the target executes overlapping requests in any order, not in the
 * order in which they arrived.
 */
#include "target/protocol/order.h"

bool __wrap_order_enter(struct order *o, struct order_entry *e);

bool __wrap_order_enter(struct order *o, struct order_entry *e)
{
    e->blockers = 0;
    list_append(&o->entries, &e->link);
    return true;
}
