/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An operation on storage: the responder makes it of a request, a store runs
 * and completes it (target/store/store.h).  Data only; no I/O.
 */
#ifndef TARGET_PROTOCOL_OPERATION_H
#define TARGET_PROTOCOL_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum {
    STORE_OP_PRIVATE = 128
}; /* bytes; each store asserts that its own fit */

enum store_kind {
    STORE_READ,
    STORE_WRITE,
    STORE_FLUSH,  /* whatever has completed before is on stable storage after */
    STORE_TRIM,   /* the contents are no longer needed */
    STORE_VERIFY, /* read, and discard */
};

/* Where the group commit has an operation (target/protocol/group_commit.c). */
enum group_commit_state {
    GROUP_NONE,     /* it has not */
    GROUP_WAITS,    /* a FLUSH: for the flush of the group */
    GROUP_WRITING,  /* at the store, which need not make it durable */
    GROUP_WRITTEN,  /* waits for the flush of the group */
    GROUP_FLUSHING, /* the flush of the group is for this one, too */
    GROUP_QUEUED,   /* to be done again, alone */
    GROUP_ALONE,    /* at the store, durably */
};

struct store_op {
    enum store_kind kind;
    /* WRITE, TRIM: on stable storage when it completes.  A store has one such
     * operation or FLUSH at a time (target/protocol/group_commit.h). */
    bool durable;
    bool flush_follows; /* WRITE: a flush comes soon, for its sake */
    uint64_t offset;    /* bytes; multiples of 512, within the store's size */
    uint64_t length;    /* bytes; 0 for FLUSH */
    uint8_t *data;      /* READ, WRITE: the caller's until completion */

    /* Set at completion.  0: all of it was done.  -errno: `done` bytes from the
     * start were, a multiple of 512, and the next sector failed.  -ENXIO: the
     * storage ends before it (a file was truncated); -ENODEV: the storage
     * itself is gone. */
    int result;
    uint64_t done;
    void (*complete)(struct store_op *op);

    struct list link; /* the caller's list, then the store's while it runs */

    /* Private to target/protocol/group_commit.h. */
    struct group_commit *group;
    enum group_commit_state group_state;
    uint64_t group_losses; /* of the group, when its write began */

    /* Private to the store while the operation runs.  Last, and not cleared
     * before: it is more than half of an operation. */
    union {
        unsigned char bytes[STORE_OP_PRIVATE];
        max_align_t align;
    } private;
};

/* An operation of this kind, of nothing yet.  Member by member, because a call
 * of memset for each request is not free on a small processor; the results and
 * what is private are set before they are read. */
static inline void store_op_init(struct store_op *op, enum store_kind kind)
{
    op->kind = kind;
    op->durable = op->flush_follows = false;
    op->offset = op->length = 0;
    op->data = NULL;
    op->complete = NULL;
    op->group_state = GROUP_NONE;
}

#endif
