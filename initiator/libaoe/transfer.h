/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A transfer is a request in whole sectors, while it is cut into frames and
 * until all of them were answered.  It lives inside its struct aoe_request, or
 * inside a struct unaligned where a request has partial sectors.
 */
#ifndef INITIATOR_LIBAOE_TRANSFER_H
#define INITIATOR_LIBAOE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "initiator/libaoe/aoe.h"
#include "initiator/libaoe/flight.h"
#include "initiator/libaoe/iov.h"

struct unaligned;

struct transfer {
    struct list active; /* in disk->active from submission to completion */
    struct list work;   /* in disk->queue while there is something to cut, or
                           in aoe->done once it has ended */
    struct list range;  /* in disk->writes: a change whose order matters */
    struct list gaps;   /* FRAME_GAP: ranges to cut anew */
    struct aoe_disk *disk;
    enum aoe_op op;
    bool waited; /* it had to wait for the end of a time-wait */
    bool recut;  /* frames of it are in time-wait and were cut anew */
    bool replay; /* of the replay log: written again */
    bool unkept; /* a change that the replay log could not take */
    int status;  /* of the whole: 0 or -errno, the first that came */
    uint64_t lba, sectors;
    uint64_t cut;         /* sectors already made into frames */
    unsigned outstanding; /* frames that are not answered */
    unsigned blockers;    /* earlier overlapping changes that have not ended */
    const struct iovec *iov; /* READ, WRITE: where cut goes on */
    size_t skip;
    const struct iovec *first_iov; /* where it began */
    size_t first_skip;
    uint64_t covers;    /* FLUSH: disk->loss.changed when it left */
    uint64_t reserved;  /* blocks of the replay log */
    uint32_t restarts;  /* unkept: disk->loss.restarts when it had ended */
    uint32_t told;      /* of its writer, when it was made */
    uint64_t deadline;  /* by aoe_awake, when it is given up though others
                           are answered; 0: it waits for its turn;
                           UINT64_MAX: never */
    uint64_t error_lba; /* with status -EIO */
    struct unaligned *unaligned; /* set: the parts of this one do the work */
    struct transfer *whole;      /* set: this is a part of it */
    struct aoe_writer *writer;   /* who is told of losses; NULL: it is ours */
    /* Called when no earlier change is in its way: transfer_queue, or what has
     * to be done before. */
    void (*start)(struct transfer *t);
    /* Called when it has ended, from aoe_service. */
    void (*finish)(struct transfer *t);
};

static inline bool transfer_changes(const struct transfer *t)
{
    return t->op == AOE_WRITE || t->op == AOE_TRIM || t->op == AOE_ZERO;
}

/* The user's request, where `t` is a part of it. */
static inline struct transfer *transfer_whole(struct transfer *t)
{
    return t->whole ? t->whole : t;
}

/* Whether two requests have a sector in common. */
bool transfer_overlaps(const struct transfer *a, const struct transfer *b);

/* A failure at `lba`: the first status stays, the lowest LBA. */
void transfer_fail(struct transfer *t, int status, uint64_t lba);
/* Frees its ranges that were to be cut anew. */
void transfer_drop_gaps(struct transfer *t);

/* Whether something is left to be made into frames. */
static inline bool transfer_uncut(const struct transfer *t)
{
    return t->status == 0 && (t->cut < t->sectors || !list_empty(&t->gaps));
}

static inline bool transfer_ended(const struct transfer *t)
{
    return t->outstanding == 0 && !transfer_uncut(t);
}

#endif
