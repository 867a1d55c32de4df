/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests on a disk: kept in order, gathered into batches for the store,
 * answered when it is done (doc/safety.md).
 */
#include "target/disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "target/port.h"
#include "target/server.h"

static struct request *request_of_op(struct store_op *op)
{
    return list_entry(op, struct request, x.op);
}

void disk_init(struct disk *d, struct server *server, const struct export *e,
               struct store *store)
{
    *d = (struct disk){.export = *e, .store = store, .server = server};
    aoe_addr_format(d->name, e->addr);
    order_init(&d->order);
    list_init(&d->ready);
    if (!store->read_only)
        d->recent = recent_new();
}

void disk_fini(struct disk *d)
{
    keeper_close(d->keeper);
    recent_free(d->recent);
    store_close(d->store);
}

/* ---- errors ------------------------------------------------------------- */

static const char *kind_text(enum store_kind kind)
{
    switch (kind) {
    case STORE_READ:
        return "read";
    case STORE_WRITE:
        return "write";
    case STORE_FLUSH:
        return "flush";
    case STORE_TRIM:
        return "trim";
    case STORE_VERIFY:
        return "verify";
    }
    return "operation";
}

/* One line for a burst: a disk that dies fails thousands of requests. */
static void report(struct disk *d, const struct store_op *op)
{
    char more[48] = "";
    unsigned held;

    if (!log_allowed(&d->errors, clock_ns(), 1, &held))
        return;
    if (held)
        snprintf(more, sizeof more, " (and %u errors before)", held);
    if (op->kind == STORE_FLUSH)
        log_error("%s: flush to disk: %s; what was written may be lost%s",
                  d->name, strerror(-op->result), more);
    else
        log_error("%s: %s at sector %llu: %s%s", d->name, kind_text(op->kind),
                  (unsigned long long)((op->offset + op->done) / AOE_SECTOR),
                  op->result == -ENXIO ? "it is not there any more"
                                       : strerror(-op->result),
                  more);
}

/* ---- the way of a request ----------------------------------------------- */

static void make_ready(struct disk *d, struct store_op *op)
{
    list_append(&d->ready, &op->link);
    server_touch_disk(d->server, d);
}

static void released(void *arg, struct order_entry *e)
{
    make_ready(arg, &list_entry(e, struct request, order)->x.op);
}

/* The kernel tells a failed writeback only once.  If it told a commit of ours,
 * a client's flush must not hear that all is well. */
static void settle_flush(struct disk *d, struct store_op *op)
{
    if (op->result == 0 && d->lost)
        op->result = -EIO;
    d->lost = false;
}

static void measure(struct disk *d, const struct request *r)
{
    if (d->submitting && r->started_ns == d->started_ns)
        d->at_once[r->order.kind]++;
    else
        latency_add(&d->latency[r->order.kind], clock_ns() - r->started_ns, 1);
}

static bool changes(const struct store_op *op)
{
    return op->kind == STORE_WRITE || op->kind == STORE_TRIM;
}

/* The request is over, with or without a reply. */
static void finish(struct request *r, enum responder_verdict verdict)
{
    struct disk *d = r->disk;

    measure(d, r);
    order_leave(&d->order, &r->order, released, d);
    d->in_flight--;
    if (verdict == RESPONDER_REPLY)
        port_answer(r);
    else
        port_release(r);
}

static void completed(struct store_op *op)
{
    struct request *r = request_of_op(op);
    struct disk *d = r->disk;
    struct recent_outcome outcome = {op->result, op->done};
    enum responder_verdict verdict;
    bool changed = changes(op);

    if (op->result)
        report(d, op);
    if (op->kind == STORE_FLUSH)
        settle_flush(d, op);
    if (changed && !op->durable)
        d->dirty = true;
    verdict = responder_complete(&r->x);
    if (verdict == RESPONDER_STORE) {
        op->complete = completed;
        make_ready(d, op);
        return;
    }
    if (changed)
        recent_add(d->recent, &r->key, outcome,
                   loop_now(server_loop(d->server)));
    finish(r, verdict);
}

/* ---- copies ---------------------------------------------------------------
 */

/* Ends a request as the one of which it is a copy, if it is one. */
static void answer_copy(struct disk *d, struct store_op *op)
{
    struct request *r = request_of_op(op);
    const struct recent_outcome *before =
        recent_find(d->recent, &r->key, loop_now(server_loop(d->server)));
    enum responder_verdict verdict;

    if (!before)
        return;
    list_remove(&op->link);
    export_count(&d->export, COUNT_COPIES);
    /* A trim has one operation for each stretch. */
    do {
        op->result = before->result;
        op->done = before->done;
        verdict = responder_complete(&r->x);
    } while (verdict == RESPONDER_STORE);
    finish(r, verdict);
}

/* Looked for when its turn has come: then the first one is over, even if both
 * had waited. */
static void answer_copies(struct disk *d, struct list *batch)
{
    list_each(it, batch) {
        struct store_op *op = list_entry(it, struct store_op, link);

        if (changes(op))
            answer_copy(d, op);
    }
}

/* ---- the store ------------------------------------------------------------
 */

static enum order_kind order_kind(enum store_kind kind)
{
    switch (kind) {
    case STORE_WRITE:
    case STORE_TRIM:
        return ORDER_WRITE;
    case STORE_FLUSH:
        return ORDER_FLUSH;
    default:
        return ORDER_READ;
    }
}

void disk_start(struct disk *d, struct request *r)
{
    r->x.op.complete = completed;
    r->order.kind = order_kind(r->x.op.kind);
    r->order.start = r->x.span_start;
    r->order.end = r->x.span_end;
    if (changes(&r->x.op))
        r->key = recent_key_of(&r->x);
    d->in_flight++;
    if (!d->started_ns)
        d->started_ns = clock_ns();
    r->started_ns = d->started_ns;
    if (order_enter(&d->order, &r->order))
        make_ready(d, &r->x.op);
    else if (list_empty(&d->ready))
        d->started_ns = 0;
}

static void measure_batch(struct disk *d)
{
    uint64_t took = clock_ns() - d->started_ns;

    for (unsigned i = 0; i < ORDER_KINDS; i++) {
        if (d->at_once[i])
            latency_add(&d->latency[i], took, d->at_once[i]);
        d->at_once[i] = 0;
    }
    d->started_ns = 0;
}

void disk_submit(struct disk *d)
{
    /* A flush that is about to start covers all that is dirty now. */
    list_each(it, &d->ready) {
        if (list_entry(it, struct store_op, link)->kind == STORE_FLUSH)
            d->dirty = false;
    }
    d->submitting = true;
    while (!list_empty(&d->ready)) {
        struct list batch;

        list_init(&batch);
        list_splice(&batch, &d->ready);
        answer_copies(d, &batch);
        if (!list_empty(&batch))
            store_submit(d->store, &batch);
    }
    d->submitting = false;
    measure_batch(d);
}

/* ---- what clients set -----------------------------------------------------
 */

bool disk_must_save(const struct disk *d, const struct request *r)
{
    return d->keeper && r->x.sets && keeper_behind(d->keeper, &d->export);
}

static void saved(struct keeper_wait *w, int result)
{
    struct request *r = list_entry(w, struct request, keep);
    struct disk *d = r->disk;

    d->in_flight--;
    if (result == 0) {
        port_answer(r);
        return;
    }
    export_count(&d->export, COUNT_DROP_UNSAVED);
    port_release(r);
}

void disk_save(struct disk *d, struct request *r)
{
    r->keep.done = saved;
    d->in_flight++;
    keeper_save(d->keeper, &d->export, &r->keep);
}

/* ---- commits ------------------------------------------------------------ */

static void committed(struct store_op *op)
{
    struct disk *d = list_entry(op, struct disk, commit);

    d->committing = false;
    if (op->result) {
        d->lost = true;
        report(d, op);
    }
    server_commit_done(d->server);
}

void disk_commit(struct disk *d)
{
    struct list one;

    if (!d->dirty || d->committing)
        return;
    d->dirty = false;
    d->committing = true;
    d->commit = (struct store_op){.kind = STORE_FLUSH, .complete = committed};
    list_init(&one);
    list_append(&one, &d->commit.link);
    store_submit(d->store, &one);
}
