/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on an NBD export, over libnbd's asynchronous calls (NBD protocol).
 *
 * Neighbouring operations become one request: a copy of a kilobyte costs much
 * less than a message each way.  A server that is lost is waited for; then
 * what it had not answered is asked again.  That is safe for writes as well:
 * target/order.h starts nothing that overlaps one before it has completed, so
 * that the second copy finds what the first one left.
 */
#include "target/store_nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "target/nbd_connection.h"

enum {
    SECTOR = 512,
    REQUESTS = 64,          /* that the server has at once */
    RUN_BYTES = 256 * 1024, /* of operations merged into one request */
    TRIM_BYTES = 1 << 30,
    PHYSICAL_MOST = 4096, /* more confuses those who format the disk */
    LOSSES_MOST = 3,      /* a request that kills the server has its end */
};

/* How long requests wait for a server that was lost. */
#define PATIENCE (5 * NS_PER_S)

/* What the server is asked: one operation, or a run of neighbours. */
struct nbd_request {
    struct nbd_store *store;
    struct list ops; /* of store_op.link */
    enum store_kind kind;
    bool durable;
    uint64_t offset; /* in the export */
    uint64_t length;
    uint64_t done;   /* bytes of it */
    uint64_t step;   /* most bytes asked for at once */
    uint8_t *bounce; /* what is moved, where one operation's memory is not it */
    bool flushing;   /* all was written, and now goes to stable storage */
    bool covers;     /* a flush of something */
    unsigned losses; /* connections lost while the server had it */
    int error;       /* errno, of the latest answer */
    struct list link;
};

struct nbd_store {
    struct store store;
    struct nbd_connection connection;
    uint64_t base; /* where in the export the store begins */
    char *uri;

    struct list pending; /* of store_op.link: not yet requests */
    struct list alone;   /* the same, which must not be merged */

    struct nbd_request requests[REQUESTS];
    struct list idle; /* of nbd_request.link, as the next three */
    struct list again, sent, answered;

    struct loop_timer patience;
    bool waiting;   /* the server is lost */
    bool impatient; /* for so long that requests fail at once */
    bool dirty;     /* the server has answered writes that it may forget */
    bool forgot;    /* it may have: the next flush must fail */
};

static struct nbd_store *nbd_of(struct store *s)
{
    return list_entry(s, struct nbd_store, store);
}

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
    struct nbd_store *ns = r->store;
    const struct nbd_facts *f = &ns->connection.facts;
    bool changes = r->kind == STORE_WRITE || r->kind == STORE_TRIM;
    int result = 0;

    if (r->kind == STORE_FLUSH) {
        result = ns->forgot ? -EIO : 0;
        ns->forgot = false;
    } else if (r->kind == STORE_READ && r->bounce) {
        scatter(r);
    } else if (changes && !r->durable && f->can_flush) {
        ns->dirty = true;
    }
    complete(r, result);
}

static void step_done(struct nbd_request *r)
{
    const struct nbd_facts *f = &r->store->connection.facts;
    bool changes = r->kind == STORE_WRITE || r->kind == STORE_TRIM;

    nbd_connection_works(&r->store->connection);
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

    r->store->dirty |= r->covers;
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
static void turn(struct nbd_store *ns)
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
    ns->forgot |= ns->dirty;
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
    list_each(it, &ns->sent)
        repeat(request_of(it));
    list_each(failed, &ns->answered) {
        if (request_of(failed)->error)
            repeat(request_of(failed));
    }
    ns->waiting = true;
    loop_timer_set(ns->connection.loop, &ns->patience, clock_ns() + PATIENCE);
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
    turn(ns);
}

/* ---- the store ------------------------------------------------------------
 */

static void nbd_submit(struct store *s, struct list *ops)
{
    struct nbd_store *ns = nbd_of(s);

    list_splice(&ns->pending, ops);
    turn(ns);
}

static void nbd_store_close(struct store *s)
{
    struct nbd_store *ns = nbd_of(s);

    loop_timer_cancel(ns->connection.loop, &ns->patience);
    nbd_connection_close(&ns->connection);
    free(ns->uri);
    free(ns);
}

static const struct store_ops nbd_ops = {
    .name = "nbd", .submit = nbd_submit, .close = nbd_store_close};

/* Which part of the export is served. */
static int set_window(struct nbd_store *ns, const struct store_file_options *o)
{
    uint64_t size = ns->connection.facts.size;
    uint64_t left = o->offset < size ? size - o->offset : 0;

    if (left < SECTOR || o->length > left) {
        log_error("%s: has %llu bytes; offset and length leave nothing, or "
                  "reach beyond its end",
                  ns->uri, (unsigned long long)size);
        return -EINVAL;
    }
    ns->base = o->offset;
    ns->store.size = (o->length ? o->length : left) / SECTOR * SECTOR;
    return 0;
}

/* AoE's sectors have 512 bytes; parts of larger blocks would have to be merged
 * with what is there, and that is done better beside the server. */
static int check_blocks(const struct nbd_store *ns)
{
    uint64_t minimum = ns->connection.facts.minimum;

    if (minimum <= SECTOR)
        return 0;
    log_error("%s: takes requests only in blocks of %llu bytes, and AoE has "
              "sectors of 512; put nbdkit's blocksize filter before it",
              ns->uri, (unsigned long long)minimum);
    return -EINVAL;
}

/* There is no telling which storage is behind a URI; it is the URI that stays
 * the same. */
static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    while (*text)
        h = (h ^ (uint8_t)*text++) * UINT64_C(0x100000001b3);
    return h;
}

static void describe(struct nbd_store *ns, const struct store_file_options *o)
{
    const struct nbd_facts *f = &ns->connection.facts;
    uint64_t preferred = f->preferred;

    if (preferred < SECTOR || (preferred & (preferred - 1)))
        preferred = SECTOR;
    ns->store.physical_sector =
        (uint32_t)(preferred < PHYSICAL_MOST ? preferred : PHYSICAL_MOST);
    ns->store.read_only = o->read_only || f->read_only;
    ns->store.no_cache = !f->can_flush;
    ns->store.can_trim = f->can_trim && !ns->store.read_only;
    ns->store.memory_align = 1;
    ns->store.identity = hash(ns->uri);
    if (f->read_only && !o->read_only)
        log_info("%s: the server lets nobody write", ns->uri);
}

static void prepare(struct nbd_store *ns, struct loop *loop)
{
    ns->store.ops = &nbd_ops;
    ns->connection = (struct nbd_connection){.loop = loop,
                                             .uri = ns->uri,
                                             .progress = on_progress,
                                             .lost = on_lost,
                                             .arg = ns};
    ns->patience = (struct loop_timer){.expired = on_patience, .arg = ns};
    list_init(&ns->pending);
    list_init(&ns->alone);
    list_init(&ns->idle);
    list_init(&ns->again);
    list_init(&ns->sent);
    list_init(&ns->answered);
    for (unsigned i = 0; i < REQUESTS; i++) {
        ns->requests[i].store = ns;
        list_append(&ns->idle, &ns->requests[i].link);
    }
}

int store_nbd_open(struct store **out, const struct store_file_options *o,
                   struct loop *loop)
{
    struct nbd_store *ns = calloc(1, sizeof *ns);
    int err;

    if (!ns)
        return -ENOMEM;
    ns->uri = strdup(o->path);
    if (!ns->uri) {
        free(ns);
        return -ENOMEM;
    }
    prepare(ns, loop);
    err = nbd_connection_open(&ns->connection);
    if (err) {
        free(ns->uri);
        free(ns);
        return err;
    }
    err = check_blocks(ns);
    if (!err)
        err = set_window(ns, o);
    if (err) {
        nbd_store_close(&ns->store);
        return err;
    }
    describe(ns, o);
    *out = &ns->store;
    return 0;
}
