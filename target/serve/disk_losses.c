/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a disk may have lost, and which clients are told (doc/safety.md, "A
 * client whose writes are lost is told, once"): requests and the epochs,
 * commits, a store that replaces another, and how the disk stopped.
 */
#include <errno.h>

#include "base/log.h"
#include "base/random.h"
#include "target/serve/boot.h"
#include "target/serve/disk_parts.h"

/* ---- what is lost ---------------------------------------------------------
 */

static void lose(struct disk *d)
{
    if (!epochs_lose(&d->epochs))
        return;
    export_count(&d->export, COUNT_LOSSES);
    d->export.vendor.epoch = random_nonzero(ATA_EPOCH_MAX);
    log_debug(
        "%s: acknowledged data that was not synced may be lost; the loss epoch "
        "is now %012llx",
        d->name, (unsigned long long)d->export.vendor.epoch);
    d->host->lost(d->host_arg, d);
}

/* Whichever operation caused the sync, the failure may be another's. */
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

/* ---- requests -------------------------------------------------------------
 */

void disk_losses_begin(struct request *r)
{
    struct disk *d = r->disk;

    switch (r->order.kind) {
    case ORDER_FLUSH:
        r->covers = d->epochs.newest;
        break;
    case ORDER_WRITE:
        r->losses = d->epochs.losses;
        /* A write that cannot be remembered is made durable. */
        r->cached =
            !r->x.op.durable && epochs_write(&d->epochs, &r->x.header.src);
        r->x.op.durable = !r->cached;
        break;
    default:
        return;
    }
    if (!r->cached)
        r->asked = epochs_ask(&d->epochs);
}

bool disk_late_copy(const struct request *r)
{
    const struct disk *d = r->disk;
    const struct reply_cache_outcome *before =
        reply_cache_find(d->reply_cache, &r->key, d->host->now(d->host_arg));

    return before && before->result == 0;
}

/* A client that wrote lost data gets one error for it. */
static void settle_durable(struct request *r, struct store_op *op)
{
    struct epochs *e = &r->disk->epochs;
    const struct aoe_mac *client = &r->x.header.src;
    bool lost = disk_late_copy(r) ? epochs_show(e, client, r->asked)
                                  : epochs_tell(e, client, r->asked);

    if (!lost || op->result)
        return;
    op->result = -EIO;
    op->done = 0;
}

/* A client that names an epoch learns of a loss from the epoch. */
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

void disk_losses_settle(struct request *r, struct store_op *op)
{
    note_losses(r->disk);
    switch (r->order.kind) {
    case ORDER_FLUSH:
        /* What it covers is on the medium, or known to be lost. */
        assert(r->covers <= r->disk->epochs.settled);
        settle_flush(r, op);
        break;
    case ORDER_WRITE:
        if (!r->cached)
            settle_durable(r, op);
        break;
    default:
        break;
    }
}

/* A write that was running when data was lost may have reached the cache
 * already, and be lost too.  A client that is told of the loss first would
 * assume that this write came later. */
static bool overtaken(const struct request *r, const struct store_op *op)
{
    return r->cached && op->result == 0 && r->losses != r->disk->epochs.losses;
}

/* For a trim in several operations, the earlier ones would have to be repeated,
 * too; it fails instead. */
bool disk_losses_again(struct request *r, struct store_op *op)
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
    log_debug(
        "%s: tag %08x is written again: the cache that held it may have been "
        "lost",
        r->disk->name, (unsigned)r->x.header.tag);
    return true;
}

/* ---- commits ------------------------------------------------------------ */

void disk_flush_begins(void *arg)
{
    struct disk *d = arg;

    d->flush_covers = epochs_begin(&d->epochs);
}

void disk_flush_ended(void *arg, int result)
{
    struct disk *d = arg;

    note_losses(d);
    if (result)
        log_debug("%s: a flush failed; durable writes that waited for it are "
                  "repeated, one by one",
                  d->name);
    if (result)
        lose(d);
    else
        epochs_settle(&d->epochs, d->flush_covers);
}

void disk_committed(struct disk *d)
{
    assert(d->committing);
    d->committing = false;
    if (d->commit.result)
        disk_report(d, &d->commit);
    d->host->committed(d->host_arg, d);
}

void disk_commit(struct disk *d)
{
    if (!epochs_dirty(&d->epochs) || d->committing)
        return;
    log_trace("%s: syncs the cache", d->name);
    d->committing = true;
    store_op_init(&d->commit, STORE_FLUSH);
    disk_make_ready(d, &d->commit);
}

/* ---- another store --------------------------------------------------------
 */

/* Data written to the old store may never have reached the device. */
static void exchange(struct disk *d)
{
    disk_abandon(d);
    group_commit_lost(&d->durable);
    store_close(d->store);
    d->store = d->next_store;
    d->losses = d->store->losses;
    d->next_store = NULL;
    log_debug("%s: continues on the reopened device", d->name);
}

/* Whether the store has an operation that went there without the group
 * commit. */
static bool at_store(const struct disk *d)
{
    bool any = false;

    list_each(it, &d->order.entries) {
        const struct request *r = list_entry(
            list_entry(it, struct order_entry, link), struct request, order);

        any |=
            r->state == REQUEST_AT_STORE && r->x.op.group_state == GROUP_NONE;
    }
    return any;
}

bool disk_store_ready(struct disk *d)
{
    if (!d->next_store)
        return true;
    if (at_store(d) || d->durable.busy || d->durable.writing > 0)
        return false;
    exchange(d);
    return true;
}

void disk_exchange_store(struct disk *d, struct store *store)
{
    assert(!d->next_store);
    d->next_store = store;
    disk_touch(d);
}

/* ---- the end --------------------------------------------------------------
 */

void disk_end(struct disk *d)
{
    boot_end(d->boot, &d->export, epochs_clean(&d->epochs));
    d->boot = NULL;
}
