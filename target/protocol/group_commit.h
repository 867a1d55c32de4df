/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Durable operations of one store: never more than one sync at a time.
 *
 * The system reports a failed write-back once, to whichever sync asks first,
 * even if the data was another's.  Syncs side by side would therefore hide each
 * other's failures.  So durable operations are written like any other, and then
 * one flush serves all that wait for it; if that fails, each of them is done
 * again alone, which shows whose failure it was.  An operation that has no
 * company is written durably at once.
 *
 * No I/O here: it decides what a store gets next.
 */
#ifndef TARGET_PROTOCOL_GROUP_COMMIT_H
#define TARGET_PROTOCOL_GROUP_COMMIT_H

#include <stdbool.h>

#include "target/protocol/operation.h"

struct group_commit {
    struct list written; /* of store_op.link: done, but for being durable */
    struct list flushes; /* of store_op.link: FLUSHes that wait */
    struct list alone;   /* of store_op.link: to be done again, one by one */
    unsigned writing;    /* durable operations that are being written */

    uint64_t losses;     /* so often completed writes may have been lost */
    bool busy;           /* the store has an operation that syncs */
    struct store_op op;  /* the flush it has, if it is one */
    struct list covered; /* of store_op.link: what that flush is for */

    /* An operation is over: as store_op.complete. */
    void (*finished)(struct store_op *op);
    /* There is something for group_commit_next. */
    void (*ready)(void *arg);
    /* A flush is about to begin; it ended, with 0 or -errno. */
    void (*begins)(void *arg);
    void (*ended)(void *arg, int result);
    void *arg;
};

/* Of one whose callbacks are set. */
void group_commit_init(struct group_commit *g);

/* Takes a FLUSH, or a durable operation, in place of the store.  `company`: it
 * is not the only one now.  What the store is to get goes into `batch`. */
void group_commit_add(struct group_commit *g, struct store_op *op, bool company,
                      struct list *batch);
/* What was written may be lost, whatever the next flush says: it is done
 * again. */
void group_commit_lost(struct group_commit *g);
/* What else the store should get now. */
void group_commit_next(struct group_commit *g, struct list *batch);
bool group_commit_idle(const struct group_commit *g);

#endif
