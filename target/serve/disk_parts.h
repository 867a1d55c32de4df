/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of a disk share; for target/serve/disk*.c only.
 */
#ifndef TARGET_SERVE_DISK_PARTS_H
#define TARGET_SERVE_DISK_PARTS_H

#include <assert.h>

#include "base/rarely.h"
#include "target/serve/disk.h"

static inline struct request *request_of_op(struct store_op *op)
{
    return list_entry(op, struct request, x.op);
}

static inline void request_move(struct request *r, enum request_state from,
                                enum request_state to)
{
    assert(r->state == from);
    (void)from;
    r->state = to;
}

static inline bool disk_op_changes(const struct store_op *op)
{
    return op->kind == STORE_WRITE || op->kind == STORE_TRIM;
}

static inline void disk_touch(struct disk *d)
{
    if (!list_linked(&d->touched))
        d->host->touch(d->host_arg, d);
}

/* The operation goes to the store with the next disk_submit. */
static inline void disk_make_ready(struct disk *d, struct store_op *op)
{
    list_append(&d->ready, &op->link);
    disk_touch(d);
}

/* ---- target/serve/disk_losses.c ---- */

/* A request starts: the epochs number it, and decide whether its write may stay
 * in the cache. */
void disk_losses_begin(struct request *r);
/* Its operation has completed.  Turns the result into an error if the reply has
 * to report a loss to the client. */
void disk_losses_settle(struct request *r, struct store_op *op);
/* Whether its operation must be repeated, since what it wrote may be lost. */
bool disk_losses_again(struct request *r, struct store_op *op);
/* Whether it is a copy of a FLUSH that succeeded: its client no longer waits
 * for a reply. */
bool disk_late_copy(const struct request *r);

/* The flush of the group commit begins, or has ended with 0 or -errno. */
void disk_flush_begins(void *disk);
void disk_flush_ended(void *disk, int result);
/* The flush of disk_commit has completed. */
void disk_committed(struct disk *d);

/* Lets a new store take over once it can.  False: the old one is still busy,
 * and nothing may be submitted. */
bool disk_store_ready(struct disk *d);

/* ---- target/serve/disk_report.c ---- */

/* Logs an operation that failed. */
void disk_report(struct disk *d, const struct store_op *op) RARELY;
/* For log_verbosity 2: a request waits for others, or has ended. */
void disk_trace_waits(const struct request *r) RARELY;
void disk_trace_end(const struct request *r,
                    enum responder_verdict verdict) RARELY;

#endif
