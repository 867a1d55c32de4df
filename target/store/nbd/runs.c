/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs of neighbouring operations, and the memory they are gathered in.
 */
#include "target/store/nbd/runs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUN_BYTES = 256 * 1024, /* of operations merged into one request */
    TRIM_BYTES = 1 << 30,
};

static struct store_op *op_of(struct list *node)
{
    return list_entry(node, struct store_op, link);
}

static bool moves_data(enum store_kind kind)
{
    return kind == STORE_READ || kind == STORE_WRITE;
}

/* ---- states ---------------------------------------------------------------
 */

static void leave(struct nbd_request *r, enum nbd_request_state state)
{
    /* libnbd still writes into its memory. */
    assert(r->state != NBD_SENT || state != NBD_IDLE);
    assert(state != NBD_SENT || r->state == NBD_READY);
    list_remove(&r->link);
    r->state = state;
}

void nbd_request_enter(struct nbd_request *r, enum nbd_request_state state)
{
    leave(r, state);
    list_append(&r->store->in[state], &r->link);
}

void nbd_request_return(struct nbd_request *r, enum nbd_request_state state)
{
    leave(r, state);
    list_prepend(&r->store->in[state], &r->link);
}

/* ---- from operations to requests ------------------------------------------
 */

static bool follows(const struct nbd_request *r, const struct store_op *op)
{
    if (op->kind != r->kind || op->durable != r->durable)
        return false;
    if (op->kind == STORE_FLUSH)
        return true;
    return moves_data(op->kind) && r->length + op->length <= r->step &&
           op->offset + r->store->base == r->offset + r->length;
}

uint64_t nbd_run_largest_step(const struct nbd_store *ns, enum store_kind kind)
{
    uint64_t most = ns->connection.facts.maximum / NBD_SECTOR * NBD_SECTOR;

    if (kind == STORE_TRIM)
        return TRIM_BYTES;
    return most < RUN_BYTES ? most : RUN_BYTES;
}

static void take_neighbours(struct nbd_request *r)
{
    struct list *pending = &r->store->pending, *node;

    while ((node = list_first(pending)) && follows(r, op_of(node))) {
        list_remove(node);
        list_append(&r->ops, node);
        r->length += op_of(node)->length;
    }
}

bool nbd_run_single(const struct nbd_request *r)
{
    return r->ops.next == r->ops.prev;
}

void nbd_run_split(struct nbd_request *r)
{
    struct list *alone = &r->store->alone;

    while (!nbd_run_single(r)) {
        struct list *last = r->ops.prev;

        list_remove(last);
        list_prepend(alone, last);
    }
    r->length = op_of(list_first(&r->ops))->length;
    free(r->bounce);
    r->bounce = NULL;
}

static bool wants_bounce(const struct nbd_request *r)
{
    return r->kind == STORE_VERIFY ||
           (moves_data(r->kind) && !nbd_run_single(r));
}

static void gather(struct nbd_request *r)
{
    uint8_t *to = r->bounce;

    list_each(it, &r->ops) {
        memcpy(to, op_of(it)->data, (size_t)op_of(it)->length);
        to += op_of(it)->length;
    }
}

static void scatter(struct nbd_request *r)
{
    const uint8_t *from = r->bounce;

    list_each(it, &r->ops) {
        memcpy(op_of(it)->data, from, (size_t)op_of(it)->length);
        from += op_of(it)->length;
    }
}

uint8_t *nbd_run_memory(struct nbd_request *r)
{
    if (r->kind == STORE_VERIFY)
        return r->bounce;
    return (r->bounce ? r->bounce : op_of(list_first(&r->ops))->data) + r->done;
}

/* False: there is no memory.  A run can still go piece by piece. */
static bool get_bounce(struct nbd_request *r)
{
    if (!wants_bounce(r))
        return true;
    r->bounce = malloc(r->kind == STORE_VERIFY ? RUN_BYTES : (size_t)r->length);
    if (r->bounce && r->kind == STORE_WRITE)
        gather(r);
    return r->bounce != NULL;
}

void nbd_run_take(struct nbd_request *r)
{
    struct nbd_store *ns = r->store;
    bool alone = !list_empty(&ns->alone);
    struct list *node = list_first(alone ? &ns->alone : &ns->pending);
    struct store_op *op = op_of(node);

    assert(r->state == NBD_IDLE && !r->bounce);
    list_remove(node);
    list_init(&r->ops);
    list_append(&r->ops, node);
    r->kind = op->kind;
    r->durable = op->durable;
    r->offset = ns->base + op->offset;
    r->length = op->length;
    r->done = 0;
    r->step = nbd_run_largest_step(ns, r->kind);
    r->flushing = r->covers = false;
    r->losses = 0;
    nbd_request_enter(r, NBD_READY);
    if (!alone)
        take_neighbours(r);
    if (get_bounce(r))
        return;
    if (r->kind == STORE_VERIFY)
        nbd_run_complete(r, -ENOMEM);
    else
        nbd_run_split(r);
}

/* ---- and back -------------------------------------------------------------
 */

void nbd_run_complete(struct nbd_request *r, int result)
{
    struct list ops, *node;
    /* Of several operations nobody knows which one failed. */
    uint64_t done = nbd_run_single(r) ? r->done : 0;
    bool flush = r->kind == STORE_FLUSH;

    if (result == 0 && r->kind == STORE_READ && r->bounce)
        scatter(r);
    list_init(&ops);
    list_splice(&ops, &r->ops);
    free(r->bounce);
    r->bounce = NULL;
    nbd_request_enter(r, NBD_IDLE);
    while ((node = list_first(&ops))) {
        struct store_op *op = op_of(node);

        list_remove(node);
        op->result = result;
        op->done = result ? done : flush ? 0 : op->length;
        op->complete(op);
    }
}
