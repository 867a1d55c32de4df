/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests to an NBD server (NBD protocol): made of operations, asked,
 * answered, and asked again when the server was lost in between.
 *
 * Neighbouring operations become one request: a copy of a kilobyte costs much
 * less than a message each way.  Asking again is safe for writes as well:
 * target/protocol/order.h starts nothing that overlaps one before it has
 * completed, so that the second copy finds what the first one left.
 */
#include "target/store/nbd/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum {
    SECTOR = 512,
    RUN_BYTES = 256 * 1024, /* of operations merged into one request */
    TRIM_BYTES = 1 << 30,
    LOSSES_MOST = 3, /* a request that kills the server has its end */
};

/* How long requests wait for a server that was lost. */
#define PATIENCE (5 * NS_PER_S)

static struct store_op *op_of(struct list *node)
{
    return list_entry(node, struct store_op, link);
}

static struct nbd_request *request_of(struct list *node)
{
    return list_entry(node, struct nbd_request, link);
}

static void move_to(struct list *list, struct nbd_request *r)
{
    list_remove(&r->link);
    list_append(list, &r->link);
}

static bool moves_data(enum store_kind kind)
{
    return kind == STORE_READ || kind == STORE_WRITE;
}

/* ---- from operations to requests ------------------------------------------
 */

static bool follows(const struct nbd_request *r, const struct store_op *op,
                    uint64_t most)
{
    if (op->kind != r->kind || op->durable != r->durable)
        return false;
    if (op->kind == STORE_FLUSH)
        return true;
    return moves_data(op->kind) && r->length + op->length <= most &&
           op->offset + r->store->base == r->offset + r->length;
}

static uint64_t largest_step(const struct nbd_store *ns, enum store_kind kind)
{
    uint64_t most = ns->connection.facts.maximum / SECTOR * SECTOR;

    if (kind == STORE_TRIM)
        return TRIM_BYTES;
    return most < RUN_BYTES ? most : RUN_BYTES;
}

static void take_neighbours(struct nbd_request *r)
{
    struct list *pending = &r->store->pending, *node;

    while ((node = list_first(pending)) && follows(r, op_of(node), r->step)) {
        list_remove(node);
        list_append(&r->ops, node);
        r->length += op_of(node)->length;
    }
}

static bool single(struct nbd_request *r)
{
    return r->ops.next == r->ops.prev;
}

/* All but the first become requests of their own. */
static void split(struct nbd_request *r)
{
    struct list *alone = &r->store->alone;

    while (!single(r)) {
        struct list *last = r->ops.prev;

        list_remove(last);
        list_prepend(alone, last);
    }
    r->length = op_of(list_first(&r->ops))->length;
    free(r->bounce);
    r->bounce = NULL;
}

static bool wants_bounce(struct nbd_request *r)
{
    return r->kind == STORE_VERIFY || (moves_data(r->kind) && !single(r));
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

static void complete(struct nbd_request *r, int result)
{
    struct list ops, *node;
    uint64_t done = r->done;
    bool flush = r->kind == STORE_FLUSH;

    list_init(&ops);
    list_splice(&ops, &r->ops);
    free(r->bounce);
    r->bounce = NULL;
    move_to(&r->store->idle, r);
    while ((node = list_first(&ops))) {
        struct store_op *op = op_of(node);

        list_remove(node);
        op->result = result;
        op->done = result ? done : flush ? 0 : op->length;
        op->complete(op);
    }
}

/* The next operation, with its neighbours, as a request. */
static void take(struct nbd_store *ns, struct nbd_request *r)
{
    bool alone = !list_empty(&ns->alone);
    struct list *node = list_first(alone ? &ns->alone : &ns->pending);
    struct store_op *op = op_of(node);

    list_remove(node);
    list_init(&r->ops);
    list_append(&r->ops, node);
    r->kind = op->kind;
    r->durable = op->durable;
    r->offset = ns->base + op->offset;
    r->length = op->length;
    r->done = 0;
    r->step = largest_step(ns, r->kind);
    r->flushing = r->covers = false;
    r->losses = 0;
    move_to(&ns->again, r);
    if (!alone)
        take_neighbours(r);
    if (!wants_bounce(r))
        return;
    r->bounce = malloc(r->kind == STORE_VERIFY ? RUN_BYTES : (size_t)r->length);
    if (r->bounce && r->kind == STORE_WRITE)
        gather(r);
    if (r->bounce)
        return;
    if (r->kind == STORE_VERIFY)
        complete(r, -ENOMEM);
    else
        split(r);
}

/* ---- asking ---------------------------------------------------------------
 */

/* Runs within libnbd, which must not be called from here. */
static int answered(void *user, int *error)
{
    struct nbd_request *r = user;

    r->error = *error;
    move_to(&r->store->answered, r);
    return 1;
}

static uint64_t step_of(const struct nbd_request *r)
{
    uint64_t left = r->length - r->done;

    return left < r->step ? left : r->step;
}

static uint8_t *memory_of(struct nbd_request *r)
{
    if (r->kind == STORE_VERIFY)
        return r->bounce;
    return (r->bounce ? r->bounce : op_of(list_first(&r->ops))->data) + r->done;
}

static int64_t ask_flush(struct nbd_request *r, nbd_completion_callback back)
{
    struct nbd_store *ns = r->store;

    r->covers = ns->dirty;
    ns->dirty = false;
    return nbd_aio_flush(ns->connection.handle, back, 0);
}

static int64_t ask(struct nbd_request *r)
{
    const struct nbd_connection *c = &r->store->connection;
    nbd_completion_callback back = {.callback = answered, .user_data = r};
    uint32_t fua = r->durable && c->facts.can_fua ? LIBNBD_CMD_FLAG_FUA : 0;
    uint64_t at = r->offset + r->done, n = step_of(r);

    if (r->kind == STORE_FLUSH || r->flushing)
        return ask_flush(r, back);
    switch (r->kind) {
    case STORE_READ:
    case STORE_VERIFY:
        return nbd_aio_pread(c->handle, memory_of(r), (size_t)n, at, back, 0);
    case STORE_WRITE:
        return nbd_aio_pwrite(c->handle, memory_of(r), (size_t)n, at, back,
                              fua);
    default:
        return nbd_aio_trim(c->handle, n, at, back, fua);
    }
}

/* The export may have become smaller when its server came back. */
static bool beyond_end(const struct nbd_request *r)
{
    uint64_t size = r->store->connection.facts.size;

    return r->kind != STORE_FLUSH && r->offset + r->done + step_of(r) > size;
}

static void issue(struct nbd_request *r)
{
    struct nbd_store *ns = r->store;
    bool nothing = r->kind == STORE_FLUSH && !ns->connection.facts.can_flush;

    r->error = 0;
    move_to(&ns->sent, r);
    if (beyond_end(r))
        r->error = ENXIO;
    else if (!nothing && ask(r) < 0)
        r->error = nbd_get_errno() ? nbd_get_errno() : EIO;
    if (nothing || r->error)
        move_to(&ns->answered, r);
}

/* ---- answers --------------------------------------------------------------
 */

static void ask_again(struct nbd_request *r)
{
    list_remove(&r->link);
    list_prepend(&r->store->again, &r->link);
}

static void succeeded(struct nbd_request *r)
{
    if (r->kind == STORE_READ && r->bounce)
        scatter(r);
    complete(r, 0);
}

static void step_done(struct nbd_request *r)
{
    const struct nbd_facts *f = &r->store->connection.facts;
    bool changes = r->kind == STORE_WRITE || r->kind == STORE_TRIM;

    nbd_connection_works(&r->store->connection);
    if (changes && !r->durable && f->can_flush)
        r->store->dirty = true;
    if (r->kind != STORE_FLUSH && !r->flushing)
        r->done += step_of(r);
    if (r->kind != STORE_FLUSH && r->done < r->length) {
        ask_again(r);
    } else if (changes && r->durable && !r->flushing && !f->can_fua &&
               f->can_flush) {
        r->flushing = true;
        ask_again(r);
    } else {
        succeeded(r);
    }
}

/* A client is told which sector it was, and the others of a run must not fail
 * with it. */
static void step_failed(struct nbd_request *r)
{
    bool sectors = moves_data(r->kind) || r->kind == STORE_VERIFY;

    /* The server may have told us of other writes than these. */
    if (r->kind == STORE_FLUSH || r->durable)
        r->store->store.losses++;
    r->covers = false;
    if (!single(r) && r->kind != STORE_FLUSH) {
        split(r);
        r->done = 0;
        r->flushing = false;
        ask_again(r);
    } else if (sectors && !r->flushing && step_of(r) > SECTOR) {
        r->step = SECTOR;
        ask_again(r);
    } else {
        complete(r, -r->error);
    }
}

static void fail_waiting(struct nbd_store *ns)
{
    struct list *node;

    while ((node = list_first(&ns->again)))
        complete(request_of(node), -EIO);
    list_splice(&ns->alone, &ns->pending);
    while ((node = list_first(&ns->alone))) {
        struct store_op *op = op_of(node);

        list_remove(node);
        op->result = -EIO;
        op->done = 0;
        op->complete(op);
    }
}

/* What libnbd says when there is no connection any more, or the server when
 * there soon will not be. */
static bool means_loss(int error)
{
    return error == ENOTCONN || error == ESHUTDOWN;
}

static void handle_answers(struct nbd_store *ns)
{
    struct list *node;

    while ((node = list_first(&ns->answered))) {
        struct nbd_request *r = request_of(node);

        if (r->error == 0)
            step_done(r);
        else if (!means_loss(r->error))
            step_failed(r);
        else
            nbd_connection_drop(&ns->connection, "the server shuts down");
    }
}

static void issue_all(struct nbd_store *ns)
{
    while (ns->connection.up) {
        if (list_empty(&ns->again)) {
            if (list_empty(&ns->idle) ||
                (list_empty(&ns->pending) && list_empty(&ns->alone)))
                break;
            take(ns, request_of(list_first(&ns->idle)));
        }
        if (!list_empty(&ns->again))
            issue(request_of(list_first(&ns->again)));
    }
}

/* Everything that can be done now is, in one place: libnbd completes requests
 * within any call of it. */
void nbd_requests_turn(struct nbd_store *ns)
{
    do {
        handle_answers(ns);
        issue_all(ns);
        nbd_connection_update(&ns->connection);
    } while (!list_empty(&ns->answered));
    if (ns->impatient)
        fail_waiting(ns);
}

/* ---- losing the server ----------------------------------------------------
 */

/* What it answered and did not bring to stable storage may be gone. */
static void forget(struct nbd_store *ns)
{
    list_each(it, &ns->sent)
        ns->dirty |= request_of(it)->covers;
    list_each(it, &ns->answered) {
        if (request_of(it)->error)
            ns->dirty |= request_of(it)->covers;
    }
    ns->store.losses += ns->dirty;
    ns->dirty = false;
}

static void repeat(struct nbd_request *r)
{
    /* From its start: of a durable write all parts may be gone. */
    r->done = 0;
    r->step = largest_step(r->store, r->kind);
    r->flushing = r->covers = false;
    if (++r->losses > LOSSES_MOST)
        complete(r, -EIO);
    else
        move_to(&r->store->again, r);
}

static void on_lost(void *arg)
{
    struct nbd_store *ns = arg;

    forget(ns);
    /* What was about to be asked the rest may have lost its beginning. */
    list_splice(&ns->sent, &ns->again);
    list_each(it, &ns->sent)
        repeat(request_of(it));
    list_each(failed, &ns->answered) {
        if (request_of(failed)->error)
            repeat(request_of(failed));
    }
    ns->waiting = true;
    loop_timer_set(ns->connection.loop, &ns->patience,
                   loop_clock(ns->connection.loop) + PATIENCE);
}

static void on_patience(void *arg)
{
    struct nbd_store *ns = arg;

    ns->impatient = true;
    fail_waiting(ns);
}

static void note_size(const struct nbd_store *ns)
{
    uint64_t size = ns->connection.facts.size;
    uint64_t end = ns->base + ns->store.size;

    if (size < end)
        log_error("%s: has only %llu bytes now; what is beyond them fails",
                  ns->uri, (unsigned long long)size);
}

static void on_progress(void *arg)
{
    struct nbd_store *ns = arg;

    if (ns->connection.up && ns->waiting) {
        ns->waiting = ns->impatient = false;
        loop_timer_cancel(ns->connection.loop, &ns->patience);
        note_size(ns);
    }
    nbd_requests_turn(ns);
}

void nbd_requests_serve(struct nbd_store *ns)
{
    ns->connection.progress = on_progress;
    ns->connection.lost = on_lost;
    ns->connection.arg = ns;
}

void nbd_requests_init(struct nbd_store *ns)
{
    nbd_requests_serve(ns);
    ns->patience = (struct loop_timer){.expired = on_patience, .arg = ns};
    list_init(&ns->pending);
    list_init(&ns->alone);
    list_init(&ns->idle);
    list_init(&ns->again);
    list_init(&ns->sent);
    list_init(&ns->answered);
    for (unsigned i = 0; i < NBD_REQUESTS; i++) {
        ns->requests[i].store = ns;
        list_append(&ns->idle, &ns->requests[i].link);
    }
}
