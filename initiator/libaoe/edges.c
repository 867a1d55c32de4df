/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that do not begin or end on a sector.  The whole keeps its place
 * among overlapping changes, which makes the read, merge and write of its
 * partial sectors one step to everybody else; up to three parts do the work:
 *
 *      | head   |      body       | tail   |
 *      |   [====|=================|===]    |
 */
#include "initiator/libaoe/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct edge {
    struct transfer part;
    struct iovec iov; /* of the sector */
    bool used;
    size_t from;   /* the request's bytes in the sector, */
    size_t length; /* and how many */
    uint64_t at;   /* where they lie in the request */
    uint8_t sector[AOE_SECTOR];
};

struct edges {
    struct transfer *whole;
    const struct iovec *iov; /* the request's memory */
    struct edge head, tail;
    struct transfer body;
    bool has_body;
    uint64_t body_at; /* where the body lies in the request */
    uint8_t *bounce;  /* the body, when its memory is in odd pieces */
    struct iovec bounce_iov;
    bool merging;     /* the edges are being read, to be written */
    unsigned pending; /* parts on their way */
};

struct transfer *edges_whole(struct edges *e)
{
    return e->whole;
}

void edges_free(struct edges *e)
{
    free(e->bounce);
    free(e);
}

/* ---- the request's memory -------------------------------------------------
 */

static void copy_in(const struct edges *e, uint64_t at, uint8_t *to,
                    size_t length)
{
    const struct iovec *iov = e->iov;
    size_t skip = 0;

    if (e->whole->op == AOE_ZERO) {
        memset(to, 0, length);
        return;
    }
    iov_advance(&iov, &skip, at);
    iov_gather(iov, skip, to, length);
}

static void copy_out(const struct edges *e, uint64_t at, const uint8_t *from,
                     size_t length)
{
    const struct iovec *iov = e->iov;
    size_t skip = 0;

    iov_advance(&iov, &skip, at);
    iov_fill(iov, skip, from, length);
}

/* ---- setting up -----------------------------------------------------------
 */

static void part_finish(struct transfer *t);

static void set_edge(struct edges *e, struct edge *edge, uint64_t start,
                     uint64_t end, uint64_t offset)
{
    edge->used = true;
    edge->from = (size_t)(start % AOE_SECTOR);
    edge->length = (size_t)(end - start);
    edge->at = start - offset;
    edge->iov = (struct iovec){edge->sector, AOE_SECTOR};
    edge->part.lba = start / AOE_SECTOR;
    edge->part.sectors = 1;
    edge->part.part_of = e;
    edge->part.finish = part_finish;
}

static int set_body(struct edges *e, uint64_t start, uint64_t end, bool odd)
{
    struct transfer *b = &e->body;
    size_t length = (size_t)(end - start);

    e->has_body = true;
    b->lba = start / AOE_SECTOR;
    b->sectors = (end - start) / AOE_SECTOR;
    b->part_of = e;
    b->finish = part_finish;
    if (e->whole->op == AOE_ZERO)
        return 0;
    if (!odd) {
        b->iov = e->iov;
        iov_advance(&b->iov, &b->skip, e->body_at);
        return 0;
    }
    e->bounce = malloc(length);
    if (!e->bounce)
        return -ENOMEM;
    e->bounce_iov = (struct iovec){e->bounce, length};
    b->iov = &e->bounce_iov;
    return 0;
}

/* Whether the body's memory has a piece that is not whole sectors. */
static bool odd_pieces(const struct edges *e, uint64_t length)
{
    const struct iovec *iov = e->iov;
    size_t skip = 0;

    if (e->whole->op == AOE_ZERO)
        return false;
    iov_advance(&iov, &skip, e->body_at);
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

int edges_begin(struct transfer *whole, const struct aoe_request *r)
{
    uint64_t offset = r->offset, end = r->offset + r->length;
    uint64_t first = (offset + AOE_SECTOR - 1) / AOE_SECTOR * AOE_SECTOR;
    uint64_t last = end / AOE_SECTOR * AOE_SECTOR;
    struct edges *e = calloc(1, sizeof *e);

    if (!e)
        return -ENOMEM;
    e->whole = whole;
    e->iov = r->iov;
    e->body_at = first - offset;
    if (offset % AOE_SECTOR)
        set_edge(e, &e->head, offset, end < first ? end : first, offset);
    if (end % AOE_SECTOR && last >= first)
        set_edge(e, &e->tail, last, end, offset);
    if (last > first && set_body(e, first, last, odd_pieces(e, last - first))) {
        edges_free(e);
        return -ENOMEM;
    }
    whole->lba = offset / AOE_SECTOR;
    whole->sectors = (end + AOE_SECTOR - 1) / AOE_SECTOR - whole->lba;
    whole->edges = e;
    return 0;
}

/* ---- working --------------------------------------------------------------
 */

static void begin_edge(struct edges *e, struct edge *edge, enum aoe_op op)
{
    if (!edge->used)
        return;
    edge->part.op = op;
    edge->part.deadline = e->whole->deadline;
    edge->part.iov = &edge->iov;
    edge->part.skip = 0;
    transfer_begin(e->whole->disk, &edge->part, false);
}

static void begin_body(struct edges *e)
{
    if (!e->has_body)
        return;
    e->body.op = e->whole->op;
    e->body.deadline = e->whole->deadline;
    if (e->bounce && e->body.op == AOE_WRITE)
        copy_in(e, e->body_at, e->bounce, e->bounce_iov.iov_len);
    transfer_begin(e->whole->disk, &e->body, false);
}

static unsigned edge_count(const struct edges *e)
{
    return (unsigned)e->head.used + (unsigned)e->tail.used;
}

static void begin_edges(struct edges *e, enum aoe_op op)
{
    begin_edge(e, &e->head, op);
    begin_edge(e, &e->tail, op);
}

void edges_start(struct transfer *whole)
{
    struct edges *e = whole->edges;

    if (whole->op != AOE_READ && edge_count(e)) {
        e->merging = true;
        e->pending = edge_count(e);
        begin_edges(e, AOE_READ);
        return;
    }
    e->pending = edge_count(e) + e->has_body;
    begin_edges(e, AOE_READ);
    begin_body(e);
}

static void merge(struct edges *e, struct edge *edge)
{
    if (edge->used)
        copy_in(e, edge->at, edge->sector + edge->from, edge->length);
}

static void write_merged(struct edges *e)
{
    e->merging = false;
    merge(e, &e->head);
    merge(e, &e->tail);
    e->pending = edge_count(e) + e->has_body;
    begin_edges(e, AOE_WRITE);
    begin_body(e);
}

static void deliver(struct edges *e)
{
    struct edge *both[] = {&e->head, &e->tail};

    for (int i = 0; i < 2; i++)
        if (both[i]->used)
            copy_out(e, both[i]->at, both[i]->sector + both[i]->from,
                     both[i]->length);
    if (e->bounce)
        copy_out(e, e->body_at, e->bounce, e->bounce_iov.iov_len);
}

static void part_finish(struct transfer *t)
{
    struct edges *e = t->part_of;
    struct transfer *whole = e->whole;

    if (t->status)
        transfer_fail(whole, t->status, t->error_lba);
    if (--e->pending > 0)
        return;
    if (whole->status == 0 && e->merging) {
        write_merged(e);
        return;
    }
    if (whole->status == 0 && whole->op == AOE_READ)
        deliver(e);
    whole->cut = whole->sectors;
    transfer_check(whole);
}

bool edges_abort(struct transfer *whole, int status)
{
    if (whole->edges->pending == 0)
        return false;
    transfer_fail(whole, status, whole->lba);
    return true;
}
