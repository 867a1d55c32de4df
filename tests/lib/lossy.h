/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests' in-memory disks have in common: libaoe's own record of what
 * is not flushed and who has to be told when it is lost.
 */
#ifndef TESTS_LIB_LOSSY_H
#define TESTS_LIB_LOSSY_H

#include "initiator/libaoe/writer.h"

struct lossy {
    struct writers writers;
    uint64_t changed, flushed, losses;
};

static inline struct aoe_writer *lossy_writer(struct lossy *l,
                                              const struct aoe_request *r)
{
    return r->writer ? r->writer : &l->writers.own;
}

static inline void lossy_begin(struct lossy *l, const struct aoe_request *r)
{
    lossy_writer(l, r)->requests++;
}

/* Acknowledged data is lost. */
static inline void lossy_lose(struct lossy *l)
{
    l->losses += l->changed > l->flushed;
    writers_lost(&l->writers, l->flushed);
    l->flushed = l->changed;
}

/* A request ends with this status: what to tell its user. */
static inline int lossy_end(struct lossy *l, const struct aoe_request *r,
                            int status)
{
    struct aoe_writer *w = lossy_writer(l, r);
    bool durable = r->op == AOE_FLUSH || (r->fua && !status);

    if (r->op == AOE_FLUSH && status)
        lossy_lose(l);
    else if (r->op != AOE_FLUSH && r->op != AOE_READ && !status)
        w->last = ++l->changed;
    if (durable && !status)
        l->flushed = l->changed;
    if (durable)
        status = writer_told(&l->writers, w, w->told, status);
    writer_ended(&l->writers, w, l->flushed);
    return status;
}

#endif
