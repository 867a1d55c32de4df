/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests on a disk: kept in order, gathered into batches for the store,
 * answered when it is done (doc/safety.md).
 */
#include "target/serve/disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "target/serve/boot.h"

static struct request *request_of_op(struct store_op *op)
{
    return list_entry(op, struct request, x.op);
}

static void store_done(struct store_op *op);
static void finished(struct store_op *op);
static void touch(void *arg);
static void flush_begins(void *arg);
static void flush_ended(void *arg, int result);

void disk_init(struct disk *d, const struct disk_host *host, void *host_arg,
               const struct export *e, struct store *store)
{
    *d = (struct disk){.export = *e,
                       .store = store,
                       .host = host,
                       .host_arg = host_arg,
                       .losses = store->losses,
                       .durable = {.finished = finished,
                                   .ready = touch,
                                   .begins = flush_begins,
                                   .ended = flush_ended,
                                   .arg = d}};
    aoe_addr_format(d->name, e->addr);
    order_init(&d->order);
    list_init(&d->ready);
    epochs_init(&d->epochs);
    group_commit_init(&d->durable);
    if (!store->read_only)
        d->reply_cache = reply_cache_new();
}

void disk_end(struct disk *d)
{
    boot_end(d->boot, &d->export, epochs_clean(&d->epochs));
    d->boot = NULL;
}

void disk_fini(struct disk *d)
{
    disk_end(d);
    epochs_fini(&d->epochs);
    keeper_close(d->keeper);
    reply_cache_free(d->reply_cache);
    store_close(d->store);
    store_close(d->next_store);
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

static const char *result_text(int result)
{
    switch (result) {
    case -ENXIO:
        return "it is not there any more";
    case -ENODEV:
        return "the device is gone";
    default:
        return strerror(-result);
    }
}

/* One line a minute: a disk that dies fails thousands of requests. */
static void report(struct disk *d, const struct store_op *op)
{
    char more[48] = "";
    unsigned held;

    if (!log_minutely(&d->errors, clock_ns(), &held))
        return;
    if (held)
        snprintf(more, sizeof more, " (and %u errors before)", held);
    if (op->kind == STORE_FLUSH)
        log_error("%s: flush to disk: %s; what was written may be lost%s",
                  d->name, result_text(op->result), more);
    else
        log_error("%s: %s at sector %llu: %s%s", d->name, kind_text(op->kind),
                  (unsigned long long)((op->offset + op->done) / AOE_SECTOR),
                  result_text(op->result), more);
}

/* ---- what is lost ---------------------------------------------------------
 */

static void lose(struct disk *d)
{
    if (!epochs_lose(&d->epochs))
        return;
    export_count(&d->export, COUNT_LOSSES);
    d->export.vendor.epoch = random_nonzero(ATA_EPOCH_MAX);
    d->host->lost(d->host_arg, d);
}

/* The store may have met a failure on behalf of any operation. */
static void note_losses(struct disk *d)
{
    if (d->losses == d->store->losses)
        return;
    d->losses = d->store->losses;
    group_commit_lost(&d->durable);
    lose(d);
}

void disk_abandon(struct disk *d)
{
    lose(d);
}

/* ---- the way of a request ----------------------------------------------- */

static void touch(void *arg)
{
    struct disk *d = arg;

    d->host->touch(d->host_arg, d);
}

static void make_ready(struct disk *d, struct store_op *op)
{
    list_append(&d->ready, &op->link);
    touch(d);
}

static void released(void *arg, struct order_entry *e)
{
    make_ready(arg, &list_entry(e, struct request, order)->x.op);
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

/* A copy of a FLUSH that was answered well: its client waits for no answer any
 * more. */
static bool late_copy(const struct request *r)
{
    const struct disk *d = r->disk;
    const struct reply_cache_outcome *before =
        reply_cache_find(d->reply_cache, &r->key, d->host->now(d->host_arg));

    return before && before->result == 0;
}

/* What a client that wrote lost data is told is an error; it is told once. */
static void settle_durable(struct request *r, struct store_op *op)
{
    struct epochs *e = &r->disk->epochs;
    const struct aoe_mac *client = &r->x.header.src;
    bool lost = late_copy(r) ? epochs_show(e, client, r->asked)
                             : epochs_tell(e, client, r->asked);

    if (!lost || op->result)
        return;
    op->result = -EIO;
    op->done = 0;
}

/* Who names an epoch knows from it whether something is lost. */
static void settle_flush(struct request *r, struct store_op *op)
{
    if (!r->x.flush_epoch) {
        settle_durable(r, op);
        return;
    }
    epochs_tell(&r->disk->epochs, &r->x.header.src, r->asked);
    if (op->result == 0 && r->x.flush_epoch != r->x.export->vendor.epoch)
        op->result = -EIO;
}

static void settle(struct request *r, struct store_op *op)
{
    note_losses(r->disk);
    if (op->kind == STORE_FLUSH)
        settle_flush(r, op);
    else if (changes(op) && !r->cached)
        settle_durable(r, op);
}

/* A write that was under way when something was lost may have been in the cache
 * already, and lost with it.  Whoever hears of the loss before the answer would
 * take it for newer. */
static bool overtaken(const struct request *r, const struct store_op *op)
{
    return r->cached && changes(op) && op->result == 0 &&
           r->losses != r->disk->epochs.losses;
}

/* True: it is not over, but done again.  Of a trim of several stretches the
 * first ones would have to be, too; that fails. */
static bool done_again(struct request *r, struct store_op *op)
{
    if (!overtaken(r, op))
        return false;
    if (op->offset != r->x.span_start ||
        op->offset + op->length != r->x.span_end) {
        op->result = -EIO;
        op->done = 0;
        return false;
    }
    r->losses = r->disk->epochs.losses;
    make_ready(r->disk, op);
    return true;
}

/* The request is over, with or without a reply. */
static void finish(struct request *r, enum responder_verdict verdict)
{
    struct disk *d = r->disk;

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

static void completed(struct store_op *op)
{
    struct request *r = request_of_op(op);
    struct disk *d = r->disk;
    struct reply_cache_outcome outcome;
    enum responder_verdict verdict;
    bool kept = changes(op) || (op->kind == STORE_FLUSH && !late_copy(r));

    if (op->result)
        report(d, op);
    settle(r, op);
    if (done_again(r, op))
        return;
    outcome = (struct reply_cache_outcome){op->result, op->done};
    verdict = responder_complete(&r->x);
    if (verdict == RESPONDER_STORE) {
        op->complete = store_done;
        op->durable = !r->cached;
        make_ready(d, op);
        return;
    }
    if (kept)
        reply_cache_add(d->reply_cache, &r->key, outcome,
                        d->host->now(d->host_arg));
    finish(r, verdict);
}

/* What the store had directly is done. */
static void store_done(struct store_op *op)
{
    struct disk *d = request_of_op(op)->disk;

    d->at_store--;
    if (d->next_store)
        touch(d);
    completed(op);
}

/* ---- copies ---------------------------------------------------------------
 */

/* A FLUSH that succeeded is worth nothing to the next one; one that failed may
 * have been the one that told of a loss, and its answer may not have arrived.
 */
static bool repeats(const struct store_op *op,
                    const struct reply_cache_outcome *before)
{
    return before && (op->kind != STORE_FLUSH || before->result);
}

/* Ends a request as the one of which it is a copy, if it is one. */
static void answer_copy(struct disk *d, struct store_op *op)
{
    struct request *r = request_of_op(op);
    const struct reply_cache_outcome *before =
        reply_cache_find(d->reply_cache, &r->key, d->host->now(d->host_arg));
    enum responder_verdict verdict;

    if (!repeats(op, before))
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

        if (op != &d->commit && (changes(op) || op->kind == STORE_FLUSH))
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
    r->x.op.complete = store_done;
    r->order.kind = order_kind(r->x.op.kind);
    r->order.start = r->x.span_start;
    r->order.end = r->x.span_end;
    r->asked = epochs_ask(&d->epochs);
    r->losses = d->epochs.losses;
    if (changes(&r->x.op) || r->x.op.kind == STORE_FLUSH)
        r->key = reply_cache_key_of(&r->x);
    if (changes(&r->x.op)) {
        /* Whom there is no room to remember writes durably. */
        r->cached =
            !r->x.op.durable && epochs_write(&d->epochs, &r->x.header.src);
        r->x.op.durable = !r->cached;
    }
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

static bool syncs(const struct store_op *op)
{
    return op->kind == STORE_FLUSH || (changes(op) && op->durable);
}

/* What goes to the store together: what is ready, but of what has to be
 * durable only as much as may be under way at a time. */
static void gather(struct disk *d, struct list *batch)
{
    struct list ready;
    unsigned durable = 0;

    list_init(&ready);
    list_splice(&ready, &d->ready);
    answer_copies(d, &ready);
    list_each(it, &ready)
        durable += syncs(list_entry(it, struct store_op, link));
    list_each(it, &ready) {
        struct store_op *op = list_entry(it, struct store_op, link);

        list_remove(it);
        if (syncs(op)) {
            group_commit_add(&d->durable, op, durable > 1, batch);
        } else {
            d->at_store++;
            list_append(batch, it);
        }
    }
    group_commit_next(&d->durable, batch);
}

/* What was written into the old one may never have reached the device. */
static void exchange(struct disk *d)
{
    disk_abandon(d);
    group_commit_lost(&d->durable);
    store_close(d->store);
    d->store = d->next_store;
    d->losses = d->store->losses;
    d->next_store = NULL;
}

/* False: the old store is still at work, and the new one must wait. */
static bool store_ready(struct disk *d)
{
    if (!d->next_store)
        return true;
    if (d->at_store > 0 || d->durable.busy || d->durable.writing > 0)
        return false;
    exchange(d);
    return true;
}

void disk_exchange_store(struct disk *d, struct store *store)
{
    d->next_store = store;
    touch(d);
}

void disk_submit(struct disk *d)
{
    struct list batch;

    if (!store_ready(d))
        return;
    list_init(&batch);
    d->submitting = true;
    for (gather(d, &batch); !list_empty(&batch) || !list_empty(&d->ready);
         gather(d, &batch))
        if (!list_empty(&batch))
            store_submit(d->store, &batch);
    d->submitting = false;
    if (d->started_ns)
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
        d->host->answer(d->host_arg, r);
        return;
    }
    export_count(&d->export, COUNT_DROP_UNSAVED);
    d->host->release(d->host_arg, r);
}

void disk_save(struct disk *d, struct request *r)
{
    r->keep.done = saved;
    d->in_flight++;
    keeper_save(d->keeper, &d->export, &r->keep);
}

/* ---- commits ------------------------------------------------------------ */

static void flush_begins(void *arg)
{
    struct disk *d = arg;

    d->flush_covers = epochs_begin(&d->epochs);
}

static void flush_ended(void *arg, int result)
{
    struct disk *d = arg;

    note_losses(d);
    if (result)
        lose(d);
    else
        epochs_settle(&d->epochs, d->flush_covers);
}

static void committed(struct disk *d)
{
    d->committing = false;
    if (d->commit.result)
        report(d, &d->commit);
    d->host->committed(d->host_arg, d);
}

/* Of what syncs: a request's operation, or our own. */
static void finished(struct store_op *op)
{
    struct disk *d = op->group->arg;

    if (op == &d->commit)
        committed(d);
    else
        completed(op);
}

void disk_commit(struct disk *d)
{
    if (!epochs_dirty(&d->epochs) || d->committing)
        return;
    d->committing = true;
    d->commit = (struct store_op){.kind = STORE_FLUSH};
    make_ready(d, &d->commit);
}
