/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who has to be told of writes that were lost: everybody, once, as Linux tells
 * each open file of a writeback error.  Whoever flushes need not be who wrote
 * (NBD clients with several connections, sync(1) of a file that another wrote),
 * so everybody who is there is told.  One that ended with something unflushed
 * may come back as somebody new: then the new ones are told for it.
 *
 * Changes are numbered in the order in which they completed
 * (disk->loss.changed); a loss takes those above disk->loss.flushed.
 */
#ifndef INITIATOR_LIBAOE_WRITER_H
#define INITIATOR_LIBAOE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "initiator/libaoe/aoe.h"

struct aoe_writer {
    struct list link;      /* in writers.all */
    struct aoe_disk *disk; /* NULL: it was closed first */
    uint64_t last;         /* number of its newest change; 0: none */
    uint32_t losses;       /* how often something was lost */
    uint32_t told;         /* how many of these it has heard of */
    bool touched;          /* changes of its own were among what was lost */
    bool closed;           /* its last request frees it */
    unsigned requests;     /* that have not ended */
    uint32_t heir_of;      /* writers.ended when it came */
};

struct writers {
    struct list all;
    struct aoe_writer own; /* of the requests that name none */
    /* Those who ended without a flush or with a loss untold. */
    uint32_t ended;
    uint64_t ended_last; /* number of their newest change */
    bool ended_lost;     /* nobody was told of a loss that was theirs */
};

void writers_init(struct writers *ws);
/* The disk is closed, and no request is left. */
void writers_fini(struct writers *ws);

/* NULL without memory. */
struct aoe_writer *writer_new(struct writers *ws, struct aoe_disk *disk);
/* It will make no more requests. */
void writer_close(struct writers *ws, struct aoe_writer *w, uint64_t flushed);
/* One of its requests has ended; `w` may be gone afterwards. */
void writer_ended(struct writers *ws, struct aoe_writer *w, uint64_t flushed);

/* Somebody has not heard yet of something that was lost. */
bool writers_untold(const struct writers *ws);

/* What had completed above `flushed` is lost. */
void writers_lost(struct writers *ws, uint64_t flushed);

/* A flush or durable request of `w` is about to end with `status`.  Returns
 * what it ends with: -EIO if there is a loss to tell, but for an error of its
 * own, which stays.  `told`: what w->told was when the request was made.  Each
 * request that was under way tells of it, since each may have covered what is
 * lost. */
int writer_told(struct writers *ws, struct aoe_writer *w, uint32_t told,
                int status);

#endif
