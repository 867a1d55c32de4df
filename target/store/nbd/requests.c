/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests to an NBD server (NBD protocol): sent, answered, and sent again when
 * the server was lost in between.
 *
 * Sending again is safe for writes as well: target/protocol/order.h starts
 * nothing that overlaps one before it has completed, so that the second copy
 * finds what the first one left.
 */
#include "target/store/nbd/requests.h"

#include <assert.h>
#include <errno.h>

#include "base/log.h"
#include "target/store/nbd/runs.h"

enum { LOSSES_MAX = 3 }; /* then it may be this request that kills the server */

/* How long requests wait for a server that was lost. */
#define PATIENCE (5 * NS_PER_S)

static struct nbd_request *request_of(struct list *node)
{
    return list_entry(node, struct nbd_request, link);
}

static bool changes(const struct nbd_request *r)
{
    return r->kind == STORE_WRITE || r->kind == STORE_TRIM;
}

/* ---- sending --------------------------------------------------------------
 */

/* Runs within libnbd, which must not be called from here. */
static int answered(void *user, int *error)
{
    struct nbd_request *r = user;

    assert(r->state == NBD_SENT);
    r->error = *error;
    nbd_request_enter(r, NBD_ANSWERED);
    return 1;
}

static uint64_t step_of(const struct nbd_request *r)
{
    uint64_t left = r->length - r->done;

    return left < r->step ? left : r->step;
}

static int64_t send_flush(struct nbd_request *r, nbd_completion_callback back)
{
    struct nbd_store *ns = r->store;

    r->covers = ns->dirty;
    ns->dirty = false;
    return nbd_aio_flush(ns->connection.handle, back, 0);
}

static int64_t send_step(struct nbd_request *r)
{
    const struct nbd_connection *c = &r->store->connection;
    nbd_completion_callback back = {.callback = answered, .user_data = r};
    uint32_t fua = r->durable && c->facts.can_fua ? LIBNBD_CMD_FLAG_FUA : 0;
    uint64_t at = r->offset + r->done, n = step_of(r);

    if (r->kind == STORE_FLUSH || r->flushing)
        return send_flush(r, back);
    switch (r->kind) {
    case STORE_READ:
    case STORE_VERIFY:
        return nbd_aio_pread(c->handle, nbd_run_memory(r), (size_t)n, at, back,
                             0);
    case STORE_WRITE:
        return nbd_aio_pwrite(c->handle, nbd_run_memory(r), (size_t)n, at, back,
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

static void send_request(struct nbd_request *r)
{
    struct nbd_store *ns = r->store;
    bool nothing = r->kind == STORE_FLUSH && !ns->connection.facts.can_flush;

    r->error = 0;
    nbd_request_enter(r, NBD_SENT);
    if (beyond_end(r))
        r->error = ENXIO;
    else if (!nothing && send_step(r) < 0)
        r->error = nbd_get_errno() ? nbd_get_errno() : EIO;
    if (nothing || r->error)
        nbd_request_enter(r, NBD_ANSWERED);
}

/* ---- what becomes of a request --------------------------------------------
 */

enum nbd_event {
    STEP_DONE,   /* the server did what it was asked for */
    STEP_FAILED, /* it answered with an error */
    SERVER_LOST, /* it will not answer, or has forgotten what it did */
};

enum nbd_next {
    SEND_NEXT,    /* there is more of it */
    SEND_FLUSH,   /* all is written, and the server knows no FUA */
    SEND_ALONE,   /* one of a run failed, and the others must not with it */
    SEND_SECTORS, /* a client is told which sector it was */
    SEND_AGAIN,   /* from its start: of a durable write all may be gone */
    SUCCEED,
    FAIL,
};

static enum nbd_next after_done(const struct nbd_request *r)
{
    const struct nbd_facts *f = &r->store->connection.facts;

    if (r->kind != STORE_FLUSH && r->done < r->length)
        return SEND_NEXT;
    if (changes(r) && r->durable && !r->flushing && !f->can_fua && f->can_flush)
        return SEND_FLUSH;
    return SUCCEED;
}

static enum nbd_next after_failure(const struct nbd_request *r)
{
    bool sectors = r->kind == STORE_READ || r->kind == STORE_WRITE ||
                   r->kind == STORE_VERIFY;

    if (r->kind != STORE_FLUSH && !nbd_run_single(r))
        return SEND_ALONE;
    if (sectors && !r->flushing && step_of(r) > NBD_SECTOR)
        return SEND_SECTORS;
    return FAIL;
}

static enum nbd_next next_of(const struct nbd_request *r, enum nbd_event event)
{
    switch (event) {
    case STEP_DONE:
        return after_done(r);
    case STEP_FAILED:
        return after_failure(r);
    case SERVER_LOST:
        break;
    }
    return r->losses > LOSSES_MAX ? FAIL : SEND_AGAIN;
}

static void note_done(struct nbd_request *r)
{
    struct nbd_store *ns = r->store;

    nbd_connection_works(&ns->connection);
    ns->dirty |= changes(r) && !r->durable && ns->connection.facts.can_flush;
    if (r->kind != STORE_FLUSH && !r->flushing)
        r->done += step_of(r);
}

static void note_failure(struct nbd_request *r)
{
    /* The server may have told us of other writes than these. */
    if (r->kind == STORE_FLUSH || r->durable)
        r->store->store.losses++;
    r->covers = false;
}

static void note_loss(struct nbd_request *r)
{
    r->losses++;
    r->error = EIO;
    r->done = 0;
    r->step = nbd_run_largest_step(r->store, r->kind);
    r->flushing = r->covers = false;
    nbd_request_enter(r, NBD_READY);
}

static void note(struct nbd_request *r, enum nbd_event event)
{
    switch (event) {
    case STEP_DONE:
        note_done(r);
        break;
    case STEP_FAILED:
        note_failure(r);
        break;
    case SERVER_LOST:
        note_loss(r);
        break;
    }
}

static void request_step(struct nbd_request *r, enum nbd_event event)
{
    assert(r->state != NBD_IDLE);
    note(r, event);
    switch (next_of(r, event)) {
    case SEND_NEXT:
        nbd_request_return(r, NBD_READY);
        break;
    case SEND_FLUSH:
        r->flushing = true;
        nbd_request_return(r, NBD_READY);
        break;
    case SEND_ALONE:
        nbd_run_split(r);
        r->done = 0;
        r->flushing = false;
        nbd_request_return(r, NBD_READY);
        break;
    case SEND_SECTORS:
        r->step = NBD_SECTOR;
        nbd_request_return(r, NBD_READY);
        break;
    case SEND_AGAIN: /* it is ready, behind those that were lost before it */
        break;
    case SUCCEED:
        nbd_run_complete(r, 0);
        break;
    case FAIL:
        nbd_run_complete(r, -r->error);
        break;
    }
}

/* ---- turns ----------------------------------------------------------------
 */

static void fail_waiting(struct nbd_store *ns)
{
    struct list *node;

    while ((node = list_first(&ns->in[NBD_READY])))
        nbd_run_complete(request_of(node), -EIO);
    list_splice(&ns->alone, &ns->pending);
    while ((node = list_first(&ns->alone))) {
        struct store_op *op = list_entry(node, struct store_op, link);

        list_remove(node);
        op->result = -EIO;
        op->done = 0;
        op->complete(op);
    }
}

/* libnbd's error for a lost connection, and the server's for one that it is
 * about to close. */
static bool means_loss(int error)
{
    return error == ENOTCONN || error == ESHUTDOWN;
}

static void handle_answers(struct nbd_store *ns)
{
    struct list *node;

    while ((node = list_first(&ns->in[NBD_ANSWERED]))) {
        struct nbd_request *r = request_of(node);

        if (means_loss(r->error))
            nbd_connection_drop(&ns->connection, "the server shuts down");
        else
            request_step(r, r->error ? STEP_FAILED : STEP_DONE);
    }
}

/* The request to send next, if any. */
static struct nbd_request *next_ready(struct nbd_store *ns)
{
    struct list *ready = &ns->in[NBD_READY], *idle = &ns->in[NBD_IDLE];

    while (list_empty(ready) && !list_empty(idle) &&
           !(list_empty(&ns->pending) && list_empty(&ns->alone)))
        nbd_run_take(request_of(list_first(idle)));
    return list_empty(ready) ? NULL : request_of(list_first(ready));
}

static void send_all(struct nbd_store *ns)
{
    struct nbd_request *r;

    while (ns->connection.up && (r = next_ready(ns)))
        send_request(r);
}

/* The one place that calls libnbd for requests: it may complete others within
 * any call. */
void nbd_requests_turn(struct nbd_store *ns)
{
    do {
        handle_answers(ns);
        send_all(ns);
        nbd_connection_update(&ns->connection);
    } while (!list_empty(&ns->in[NBD_ANSWERED]));
    if (ns->impatient)
        fail_waiting(ns);
}

/* ---- losing the server ----------------------------------------------------
 */

/* What the server answered and did not flush may be gone. */
static void forget(struct nbd_store *ns)
{
    list_each(it, &ns->in[NBD_SENT])
        ns->dirty |= request_of(it)->covers;
    list_each(it, &ns->in[NBD_ANSWERED]) {
        if (request_of(it)->error)
            ns->dirty |= request_of(it)->covers;
    }
    ns->store.losses += ns->dirty;
    ns->dirty = false;
}

/* Those to be sent again, into `lost`: what the server had, what it may have
 * lost the beginning of, and what it answered by its own end. */
static void take_lost(struct nbd_store *ns, struct list *lost)
{
    list_splice(lost, &ns->in[NBD_SENT]);
    list_splice(lost, &ns->in[NBD_READY]);
    list_each(it, &ns->in[NBD_ANSWERED]) {
        if (!request_of(it)->error)
            continue;
        list_remove(it);
        list_append(lost, it);
    }
}

static void on_lost(void *arg)
{
    struct nbd_store *ns = arg;
    struct list lost;

    list_init(&lost);
    forget(ns);
    take_lost(ns, &lost);
    list_each(it, &lost)
        request_step(request_of(it), SERVER_LOST);
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
    for (unsigned i = 0; i < NBD_REQUEST_STATES; i++)
        list_init(&ns->in[i]);
    for (unsigned i = 0; i < NBD_REQUESTS; i++) {
        ns->requests[i].store = ns;
        nbd_request_enter(&ns->requests[i], NBD_IDLE);
    }
}
