/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which requests on one export may run side by side: those that overlap, where
 * one writes, run in the order in which they arrived, whatever interface they
 * came by (doc/safety.md).  A flush runs once every write that
 * arrived before it is done, so that it covers all that was answered.
 *
 * Holds no memory of its own; an entry is the caller's and stays where it is
 * until it leaves.
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
};

void order_init(struct order *o);

/* Adds an entry that arrived now.  True: it may run at once.  False: it waits
 * until order_leave releases it. */
bool order_enter(struct order *o, struct order_entry *e);

/* Takes out an entry that is done and calls `released` for each waiting entry
 * that nothing holds back any longer, the earliest first.  `released` must not
 * enter or leave anything. */
void order_leave(struct order *o, struct order_entry *e,
                 void (*released)(void *arg, struct order_entry *e), void *arg);

#endif
