/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests on a disk: put in order, submitted to the store in batches, and
 * answered when they complete (doc/safety.md).
 */
#include "target/serve/disk.h"

#include <string.h>

#include "base/clock.h"
#include "target/serve/disk_parts.h"

static void completed(struct store_op *op);
static void finished(struct store_op *op);
static void touch(void *arg);

void disk_init(struct disk *d, const struct disk_host *host, void *host_arg,
               const struct export *e, struct store *store)
{
    /* Not from one initializer, which a compiler builds on the stack first. */
    memset(d, 0, sizeof *d);
    d->export = *e;
    d->store = store;
    d->host = host;
    d->host_arg = host_arg;
    d->losses = store->losses;
    d->durable = (struct group_commit){.finished = finished,
                                       .ready = touch,
                                       .begins = disk_flush_begins,
                                       .ended = disk_flush_ended,
                                       .arg = d};
    aoe_addr_format(d->name, e->addr);
    order_init(&d->order);
    list_init(&d->ready);
    epochs_init(&d->epochs);
    group_commit_init(&d->durable);
    if (!store->read_only)
        d->reply_cache = reply_cache_new();
}

void disk_fini(struct disk *d)
{
    assert(!d->submitting);
    disk_end(d);
    epochs_fini(&d->epochs);
    state_store_close(d->state);
    reply_cache_free(d->reply_cache);
    store_close(d->store);
    store_close(d->next_store);
}

/* ---- the way of a request ----------------------------------------------- */

static void touch(void *arg)
{
    disk_touch(arg);
}

static void released(void *arg, struct order_entry *e)
{
    struct request *r = list_entry(e, struct request, order);

    request_move(r, REQUEST_WAITS, REQUEST_READY);
    disk_make_ready(arg, &r->x.op);
}

static void measure(struct disk *d, const struct request *r)
{
    if (r->started_ns == d->started_ns)
        d->at_once[r->order.kind]++;
    else
        latency_add(&d->latency[r->order.kind], clock_ns() - r->started_ns, 1);
}

/* The request has ended, with or without a reply. */
static void finish(struct request *r, enum responder_verdict verdict)
{
    struct disk *d = r->disk;

    assert(r->state == REQUEST_ENDED && d->in_flight > 0);
    if (log_verbosity >= 2)
        disk_trace_end(r, verdict);
    measure(d, r);
    if (r->cached)
        epochs_wrote(&d->epochs, &r->x.header.src);
    order_leave(&d->order, &r->order, released, d);
    d->in_flight--;
    if (verdict == RESPONDER_REPLY)
        d->host->answer(d->host_arg, r);
    else
        d->host->release(d->host_arg, r);
}

/* The store, or the group commit, has run a request's operation. */
static void completed(struct store_op *op)
{
    struct request *r = request_of_op(op);
    struct disk *d = r->disk;
    struct reply_cache_outcome outcome;
    enum responder_verdict verdict;

    assert(op->result <= 0 && op->done <= op->length);
    if (d->next_store)
        disk_touch(d);
    if (op->result)
        disk_report(d, op);
    disk_losses_settle(r, op);
    if (disk_losses_again(r, op)) {
        request_move(r, REQUEST_AT_STORE, REQUEST_READY);
        disk_make_ready(d, op);
        return;
    }
    outcome = (struct reply_cache_outcome){op->result, op->done};
    verdict = responder_complete(&r->x);
    if (verdict == RESPONDER_STORE) {
        op->complete = completed;
        op->durable = !r->cached;
        request_move(r, REQUEST_AT_STORE, REQUEST_READY);
        disk_make_ready(d, op);
        return;
    }
    request_move(r, REQUEST_AT_STORE, REQUEST_ENDED);
    if (r->order.kind == ORDER_WRITE ||
        (r->order.kind == ORDER_FLUSH && !disk_late_copy(r)))
        reply_cache_add(d->reply_cache, &r->key, outcome,
                        d->host->now(d->host_arg));
    finish(r, verdict);
}

/* One has ended that went through the group commit: a request's, or our own. */
static void finished(struct store_op *op)
{
    struct disk *d = op->group->arg;

    if (op == &d->commit)
        disk_committed(d);
    else
        completed(op);
}

/* ---- copies ---------------------------------------------------------------
 */

/* A copy of a successful FLUSH must run again: it may cover more writes.  A
 * copy of one that failed gets its reply: that may have reported a loss, and
 * may not have arrived. */
static bool repeats(const struct store_op *op,
                    const struct reply_cache_outcome *before)
{
    return before && (op->kind != STORE_FLUSH || before->result);
}

/* Copies are recognized when their turn comes: by then the original has ended,
 * even if both had waited.  Ends a copy as its original ended, and returns
 * true. */
static bool answer_copy(struct disk *d, struct store_op *op)
{
    struct request *r = request_of_op(op);
    const struct reply_cache_outcome *before =
        reply_cache_find(d->reply_cache, &r->key, d->host->now(d->host_arg));
    enum responder_verdict verdict;

    if (!repeats(op, before))
        return false;
    list_remove(&op->link);
    request_move(r, REQUEST_READY, REQUEST_ENDED);
    export_count(&d->export, COUNT_COPIES);
    log_trace(
        "%s: tag %08x is a copy of an earlier request, and gets its reply",
        d->name, (unsigned)r->x.header.tag);
    /* A trim has one operation for each run of adjacent ranges. */
    do {
        op->result = before->result;
        op->done = before->done;
        verdict = responder_complete(&r->x);
    } while (verdict == RESPONDER_STORE);
    finish(r, verdict);
    return true;
}

/* ---- the store ------------------------------------------------------------
 */

static const enum order_kind order_kinds[] = {
    [STORE_READ] = ORDER_READ,   [STORE_WRITE] = ORDER_WRITE,
    [STORE_FLUSH] = ORDER_FLUSH, [STORE_TRIM] = ORDER_WRITE,
    [STORE_VERIFY] = ORDER_READ,
};

void disk_start(struct disk *d, struct request *r)
{
    assert(r->disk == d && r->x.export == &d->export);
    r->x.op.complete = completed;
    r->order.kind = order_kinds[r->x.op.kind];
    r->order.start = r->x.span_start;
    r->order.end = r->x.span_end;
    if (r->order.kind != ORDER_READ)
        reply_cache_key_of(&r->key, d->reply_cache, &r->x);
    disk_losses_begin(r);
    d->in_flight++;
    if (!d->started_ns)
        d->started_ns = clock_ns();
    r->started_ns = d->started_ns;
    if (order_enter(&d->order, &r->order)) {
        request_move(r, REQUEST_NEW, REQUEST_READY);
        disk_make_ready(d, &r->x.op);
        return;
    }
    request_move(r, REQUEST_NEW, REQUEST_WAITS);
    if (log_verbosity >= 2)
        disk_trace_waits(r);
    if (list_empty(&d->ready))
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

static bool syncs(const struct store_op *op)
{
    return op->kind == STORE_FLUSH || (disk_op_changes(op) && op->durable);
}

/* The next batch: everything that is ready but for copies, and of the durable
 * operations only what the group commit lets through. */
static void gather(struct disk *d, struct list *batch)
{
    struct list durable, *node, *stays = &d->ready;
    unsigned count = 0;

    list_init(&durable);
    /* The end of a copy may add to the list. */
    while ((node = stays->next) != &d->ready) {
        struct store_op *op = list_entry(node, struct store_op, link);
        struct request *r = request_of_op(op);

        if (op != &d->commit) {
            if (r->order.kind != ORDER_READ && answer_copy(d, op))
                continue;
            request_move(r, REQUEST_READY, REQUEST_AT_STORE);
        }
        if (syncs(op)) {
            list_remove(node);
            list_append(&durable, node);
            count++;
        } else {
            stays = node;
        }
    }
    list_splice(batch, &d->ready);
    while ((node = list_pop(&durable)))
        group_commit_add(&d->durable, list_entry(node, struct store_op, link),
                         count > 1, batch);
    group_commit_next(&d->durable, batch);
}

void disk_submit(struct disk *d)
{
    struct list batch;

    assert(!d->submitting);
    if (!disk_store_ready(d))
        return;
    list_init(&batch);
    d->submitting = true;
    for (gather(d, &batch); !list_empty(&batch); gather(d, &batch))
        store_submit(d->store, &batch);
    d->submitting = false;
    if (d->started_ns)
        measure_batch(d);
}

/* ---- what clients set -----------------------------------------------------
 */

bool disk_must_save(const struct disk *d, const struct request *r)
{
    return d->state && r->x.sets && state_store_behind(d->state, &d->export);
}

static void saved(struct state_save *w, int result)
{
    struct request *r = list_entry(w, struct request, keep);
    struct disk *d = r->disk;

    assert(d->in_flight > 0);
    d->in_flight--;
    if (result == 0) {
        d->host->answer(d->host_arg, r);
        return;
    }
    export_count(&d->export, COUNT_DROP_UNSAVED);
    d->host->release(d->host_arg, r);
}

void disk_save(struct disk *d, struct request *r)
{
    r->keep = (struct state_save){.done = saved};
    d->in_flight++;
    state_store_save(d->state, &d->export, &r->keep);
}
