/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Group commit: the durable operations of one store share syncs, of which never
 * more than one runs.
 *
 * Syncs side by side would hide each other's failures: the system reports a
 * failed write-back once, to whichever sync asks first, whoever wrote the data.
 * So durable operations are written like any other, and one flush serves all
 * that wait for it.  If it fails, each of them is done again alone, which shows
 * whose failure it was.  An operation that is alone is written durably at once.
 *
 * No I/O here: it decides what the store gets next.
 */
#ifndef TARGET_PROTOCOL_GROUP_COMMIT_H
#define TARGET_PROTOCOL_GROUP_COMMIT_H

#include <stdbool.h>

#include "target/protocol/operation.h"

struct group_commit {
    struct list written; /* of store_op.link: written, not durable yet */
    struct list flushes; /* of store_op.link: FLUSHes that wait */
    struct list alone;   /* of store_op.link: to be done again, one by one */
    unsigned writing;    /* durable operations at the store, not syncing */

    uint64_t losses;     /* how often completed writes may have been lost */
    bool busy;           /* the store has an operation that syncs */
    struct store_op op;  /* that operation, if it is the group's flush */
    struct list covered; /* of store_op.link: what that flush is for */

    /* Set by the owner.  An operation has ended: as store_op.complete. */
    void (*finished)(struct store_op *op);
    /* group_commit_next has something to give. */
    void (*ready)(void *arg);
    /* A flush is about to begin; it has ended, with 0 or -errno. */
    void (*begins)(void *arg);
    void (*ended)(void *arg, int result);
    void *arg;
};

/* The callbacks are set already. */
void group_commit_init(struct group_commit *g);

/* Takes a FLUSH or a durable operation in place of the store.  `company`:
 * others of the kind come with it.  What the store is to get is appended to
 * `batch`. */
void group_commit_add(struct group_commit *g, struct store_op *op, bool company,
                      struct list *batch);
/* What was written may be lost, whatever the next flush says, and is to be done
 * again. */
void group_commit_lost(struct group_commit *g);
/* Appends what else the store can get now. */
void group_commit_next(struct group_commit *g, struct list *batch);
bool group_commit_idle(const struct group_commit *g);

#endif
