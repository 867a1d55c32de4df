/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that do not begin or end on a sector.  The whole keeps its place
 * among overlapping changes, which makes the read, merge and write of its
 * partial sectors one step to everybody else; up to three parts do the work:
 *
 *      | head   |      body       | tail   |
 *      |   [====|=================|===]    |
 */
#include "initiator/libaoe/unaligned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initiator/libaoe/transfers.h"

struct partial {
    struct transfer part;
    struct iovec iov; /* of the sector */
    bool used;
    size_t from;   /* the request's bytes in the sector, */
    size_t length; /* and how many */
    uint64_t at;   /* where they lie in the request */
    uint8_t sector[AOE_SECTOR];
};

struct unaligned {
    struct transfer *whole;
    const struct iovec *iov; /* the request's memory */
    struct partial head, tail;
    struct transfer body;
    bool has_body;
    uint64_t body_at; /* where the body lies in the request */
    uint8_t *bounce;  /* the body, when its memory is in odd pieces */
    struct iovec bounce_iov;
    bool merging;     /* the partial sectors are being read, to be written */
    unsigned pending; /* parts on their way */
};

void unaligned_free(struct unaligned *u)
{
    free(u->bounce);
    free(u);
}

/* ---- the request's memory -------------------------------------------------
 */

static void copy_in(const struct unaligned *u, uint64_t at, uint8_t *to,
                    size_t length)
{
    const struct iovec *iov = u->iov;
    size_t skip = 0;

    if (u->whole->op == AOE_ZERO) {
        memset(to, 0, length);
        return;
    }
    iov_advance(&iov, &skip, at);
    iov_gather(iov, skip, to, length);
}

static void copy_out(const struct unaligned *u, uint64_t at,
                     const uint8_t *from, size_t length)
{
    const struct iovec *iov = u->iov;
    size_t skip = 0;

    iov_advance(&iov, &skip, at);
    iov_fill(iov, skip, from, length);
}

/* ---- setting up -----------------------------------------------------------
 */

static void part_finish(struct transfer *t);

static void set_partial(struct unaligned *u, struct partial *partial,
                        uint64_t start, uint64_t end, uint64_t offset)
{
    partial->used = true;
    partial->from = (size_t)(start % AOE_SECTOR);
    partial->length = (size_t)(end - start);
    partial->at = start - offset;
    partial->iov = (struct iovec){partial->sector, AOE_SECTOR};
    partial->part.lba = start / AOE_SECTOR;
    partial->part.sectors = 1;
    partial->part.whole = u->whole;
    partial->part.start = transfer_queue;
    partial->part.finish = part_finish;
}

static int set_body(struct unaligned *u, uint64_t start, uint64_t end, bool odd)
{
    struct transfer *b = &u->body;
    size_t length = (size_t)(end - start);

    u->has_body = true;
    b->lba = start / AOE_SECTOR;
    b->sectors = (end - start) / AOE_SECTOR;
    b->whole = u->whole;
    b->start = transfer_queue;
    b->finish = part_finish;
    if (u->whole->op == AOE_ZERO)
        return 0;
    if (!odd) {
        b->iov = u->iov;
        iov_advance(&b->iov, &b->skip, u->body_at);
        return 0;
    }
    u->bounce = malloc(length);
    if (!u->bounce)
        return -ENOMEM;
    u->bounce_iov = (struct iovec){u->bounce, length};
    b->iov = &u->bounce_iov;
    return 0;
}

/* Whether the body's memory has a piece that is not whole sectors. */
static bool odd_pieces(const struct unaligned *u, uint64_t length)
{
    const struct iovec *iov = u->iov;
    size_t skip = 0;

    if (u->whole->op == AOE_ZERO)
        return false;
    iov_advance(&iov, &skip, u->body_at);
    for (; length > 0; iov++, skip = 0) {
        uint64_t here = iov->iov_len - skip;

        if (here >= length)
            return false;
        if (here % AOE_SECTOR)
            return true;
        length -= here;
    }
    return false;
}

int unaligned_begin(struct transfer *whole, const struct aoe_request *r)
{
    uint64_t offset = r->offset, end = r->offset + r->length;
    uint64_t first = (offset + AOE_SECTOR - 1) / AOE_SECTOR * AOE_SECTOR;
    uint64_t last = end / AOE_SECTOR * AOE_SECTOR;
    struct unaligned *u = calloc(1, sizeof *u);

    if (!u)
        return -ENOMEM;
    u->whole = whole;
    u->iov = r->iov;
    u->body_at = first - offset;
    if (offset % AOE_SECTOR)
        set_partial(u, &u->head, offset, end < first ? end : first, offset);
    if (end % AOE_SECTOR && last >= first)
        set_partial(u, &u->tail, last, end, offset);
    if (last > first && set_body(u, first, last, odd_pieces(u, last - first))) {
        unaligned_free(u);
        return -ENOMEM;
    }
    whole->lba = offset / AOE_SECTOR;
    whole->sectors = (end + AOE_SECTOR - 1) / AOE_SECTOR - whole->lba;
    whole->unaligned = u;
    return 0;
}

/* ---- working --------------------------------------------------------------
 */

static void begin_partial(struct unaligned *u, struct partial *partial,
                          enum aoe_op op)
{
    if (!partial->used)
        return;
    partial->part.op = op;
    partial->part.deadline = u->whole->deadline;
    partial->part.iov = &partial->iov;
    partial->part.skip = 0;
    transfer_begin(u->whole->disk, &partial->part, false);
}

static void begin_body(struct unaligned *u)
{
    if (!u->has_body)
        return;
    u->body.op = u->whole->op;
    u->body.deadline = u->whole->deadline;
    if (u->bounce && u->body.op == AOE_WRITE)
        copy_in(u, u->body_at, u->bounce, u->bounce_iov.iov_len);
    transfer_begin(u->whole->disk, &u->body, false);
}

static unsigned partial_count(const struct unaligned *u)
{
    return (unsigned)u->head.used + (unsigned)u->tail.used;
}

static void begin_partials(struct unaligned *u, enum aoe_op op)
{
    begin_partial(u, &u->head, op);
    begin_partial(u, &u->tail, op);
}

void unaligned_start(struct transfer *whole)
{
    struct unaligned *u = whole->unaligned;

    if (whole->op != AOE_READ && partial_count(u)) {
        u->merging = true;
        u->pending = partial_count(u);
        begin_partials(u, AOE_READ);
        return;
    }
    u->pending = partial_count(u) + u->has_body;
    begin_partials(u, AOE_READ);
    begin_body(u);
}

static void merge(struct unaligned *u, struct partial *partial)
{
    if (partial->used)
        copy_in(u, partial->at, partial->sector + partial->from,
                partial->length);
}

static void write_merged(struct unaligned *u)
{
    u->merging = false;
    merge(u, &u->head);
    merge(u, &u->tail);
    u->pending = partial_count(u) + u->has_body;
    begin_partials(u, AOE_WRITE);
    begin_body(u);
}

static void deliver(struct unaligned *u)
{
    struct partial *both[] = {&u->head, &u->tail};

    for (int i = 0; i < 2; i++)
        if (both[i]->used)
            copy_out(u, both[i]->at, both[i]->sector + both[i]->from,
                     both[i]->length);
    if (u->bounce)
        copy_out(u, u->body_at, u->bounce, u->bounce_iov.iov_len);
}

static void part_finish(struct transfer *t)
{
    struct unaligned *u = t->whole->unaligned;
    struct transfer *whole = u->whole;

    if (t->status)
        transfer_fail(whole, t->status, t->error_lba);
    if (--u->pending > 0)
        return;
    if (whole->status == 0 && u->merging) {
        write_merged(u);
        return;
    }
    if (whole->status == 0 && whole->op == AOE_READ)
        deliver(u);
    whole->cut = whole->sectors;
    transfer_check(whole);
}

bool unaligned_abort(struct transfer *whole, int status)
{
    if (whole->unaligned->pending == 0)
        return false;
    transfer_fail(whole, status, whole->lba);
    return true;
}
