/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The order of overlapping requests on one export.  Two that overlap, of which
 * one writes, run in the order in which they arrived, on whatever interface
 * (doc/safety.md); others may run side by side.  A flush waits for every write
 * that arrived before it, so that it covers everything that was answered.
 *
 * No allocation: an entry belongs to the caller and must not move until it
 * leaves.
 */
#ifndef TARGET_PROTOCOL_ORDER_H
#define TARGET_PROTOCOL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum order_kind { ORDER_READ, ORDER_WRITE, ORDER_FLUSH, ORDER_KINDS };

struct order_entry {
    enum order_kind kind;
    uint64_t start, end; /* bytes touched: start <= x < end; not of a flush */
    unsigned blockers;   /* private: earlier entries it still waits for */
    struct list link;    /* private */
};

struct order {
    struct list entries; /* running and waiting, in order of arrival */
    unsigned changing;   /* entries that write or flush */
    unsigned waiting;    /* entries with blockers */
    uint64_t end;        /* none of the entries reaches beyond it */
};

void order_init(struct order *o);

/* Adds an entry that has just arrived.  True: it may run at once.  False: it
 * waits until order_leave releases it. */
bool order_enter(struct order *o, struct order_entry *e);

/* Removes an entry that has run, and calls `released` for each entry that need
 * not wait any longer, earliest first.  `released` must not enter or leave
 * entries. */
void order_leave(struct order *o, struct order_entry *e,
                 void (*released)(void *arg, struct order_entry *e), void *arg);

#endif
