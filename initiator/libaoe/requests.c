/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a user asks for: it is checked here, becomes a transfer, and ends here.
 */
#include "base/errors.h"
#include "initiator/libaoe/disk.h"

#include <assert.h>
#include <string.h>

#include "initiator/libaoe/silence.h"
#include "initiator/libaoe/transfers.h"
#include "initiator/libaoe/unaligned.h"

_Static_assert(sizeof(struct transfer) <= sizeof(struct aoe_request_state),
               "a transfer lives in its request");

static struct transfer *transfer_of(struct aoe_request *r)
{
    return (struct transfer *)(void *)&r->state;
}

static struct aoe_request *request_of(struct transfer *t)
{
    return (struct aoe_request *)(void *)((char *)t -
                                          offsetof(struct aoe_request, state));
}

static struct aoe_writer *writer_of(struct aoe_disk *d, struct aoe_request *r)
{
    return r->writer ? r->writer : &d->writers.own;
}

/* ---- the public request ---------------------------------------------------
 */

static void count(struct aoe_disk *d, const struct aoe_request *r, int status)
{
    struct aoe_stats *s = &d->stats;

    switch (r->op) {
    case AOE_READ:
        s->reads++;
        s->read_bytes += status ? 0 : r->length;
        break;
    case AOE_WRITE:
    case AOE_ZERO:
        s->writes++;
        s->written_bytes += status ? 0 : r->length;
        break;
    case AOE_FLUSH:
        s->flushes++;
        break;
    case AOE_TRIM:
        s->trims++;
        break;
    }
    s->errors += status != 0;
    s->queued--;
}

/* Durable requests tell what was lost before, too; one that failed for a reason
 * of its own tells only that. */
static void tell(struct aoe_disk *d, struct aoe_request *r, struct transfer *t)
{
    struct aoe_writer *w = t->writer;

    if (r->op == AOE_FLUSH || (r->fua && (!t->status || t->op == AOE_FLUSH)))
        t->status = writer_told(&d->writers, w, t->told, t->status);
    writer_ended(&d->writers, w, d->loss.flushed);
}

/* Whether a flush comes between the change and its completion: it was to be
 * durable, or the replay log could not take it.  Also where no write cache is
 * admitted to: vblade says nothing of its own. */
static bool flush_follows(const struct transfer *t, const struct aoe_request *r)
{
    return t->status == 0 && transfer_changes(t) && (r->fua || t->unkept) &&
           t->disk->identity.flush_opcode;
}

/* The transfer of the change goes on as its flush. */
static void flush_change(struct transfer *t)
{
    t->op = AOE_FLUSH;
    t->lba = 0;
    t->sectors = 1;
    t->deadline = t->disk->options.timeout ? 0 : UINT64_MAX;
    t->start = transfer_queue;
    transfer_begin(t->disk, t, false);
}

/* What the replay log could not take is not written again: a loss since it was
 * answered has taken it. */
static void check_unkept(struct transfer *t)
{
    if (t->unkept && t->status == 0 && t->restarts != t->disk->loss.restarts)
        transfer_fail(t, -EIO, t->lba);
}

/* `r` is the caller's again, who may submit it anew from `done`. */
static void complete(struct transfer *t, struct aoe_request *r)
{
    tell(t->disk, r, t);
    if (t->status == -EIO)
        r->error_offset = t->error_lba * AOE_SECTOR > r->offset
                              ? t->error_lba * AOE_SECTOR
                              : r->offset;
    count(t->disk, r, t->status);
    r->done(r, t->status);
}

static void drop_unaligned(struct transfer *t)
{
    if (t->unaligned)
        unaligned_free(t->unaligned);
    t->unaligned = NULL;
}

/* Called when its frames have all ended; again when those of the flush have
 * that followed. */
static void request_finish(struct transfer *t)
{
    struct aoe_request *r = request_of(t);

    drop_unaligned(t);
    check_unkept(t);
    if (flush_follows(t, r))
        flush_change(t);
    else
        complete(t, r);
}

static int check_range(const struct aoe_disk *d, const struct aoe_request *r)
{
    uint64_t size = d->identity.shown.size;
    bool reads = r->op == AOE_READ;

    if (r->offset > INT64_MAX || r->length > INT64_MAX)
        return -EINVAL;
    if (!reads && (d->options.read_only || d->identity.shown.read_only))
        return -EROFS;
    if (r->op == AOE_TRIM && !d->identity.shown.trim)
        return -EOPNOTSUPP;
    if (r->length > size || r->offset > size - r->length)
        return reads ? -ENXIO : -ENOSPC;
    return 0;
}

static int check_state(const struct aoe_disk *d)
{
    switch (d->state) {
    case DISK_READY:
        return 0;
    case DISK_LOST:
        return -EIO;
    case DISK_STALE:
        return -ESTALE;
    case DISK_CONFLICT:
        return -ENOTUNIQ;
    default:
        return -ENOTCONN;
    }
}

/* Whether the buffers suffice, and whether every piece is whole sectors. */
static int check_memory(const struct aoe_request *r, bool *whole)
{
    uint64_t left = r->length;

    if (r->op != AOE_READ && r->op != AOE_WRITE)
        return 0;
    for (int i = 0; i < r->iovcnt && left > 0; i++) {
        uint64_t here = r->iov[i].iov_len;

        if (here > left)
            here = left;
        left -= here;
        if (here % AOE_SECTOR)
            *whole = false;
    }
    return left ? -EINVAL : 0;
}

/* A TRIM is advice: the sectors that are wholly inside take it. */
static void trim_inwards(struct transfer *t, const struct aoe_request *r)
{
    uint64_t first = (r->offset + AOE_SECTOR - 1) / AOE_SECTOR;
    uint64_t end = (r->offset + r->length) / AOE_SECTOR;

    t->lba = first;
    t->sectors = end > first ? end - first : 0;
}

int aoe_submit(struct aoe_disk *d, struct aoe_request *r)
{
    struct transfer *t = transfer_of(r);
    bool whole = r->offset % AOE_SECTOR == 0 && r->length % AOE_SECTOR == 0;
    int err = check_state(d);

    assert(r->op <= AOE_ZERO);

    if (!err && r->op != AOE_FLUSH)
        err = check_range(d, r);
    if (!err)
        err = check_memory(r, &whole);
    if (err)
        return err;

    assert(r->done);
    t->op = r->op;
    t->start = transfer_queue;
    t->finish = request_finish;
    t->whole = NULL;
    t->writer = writer_of(d, r);
    t->replay = false;
    t->unaligned = NULL;
    t->unkept = false;
    t->reserved = 0;
    t->deadline = d->options.timeout ? 0 : UINT64_MAX;
    t->iov = r->iov;
    t->skip = 0;
    t->lba = r->offset / AOE_SECTOR;
    t->sectors = r->length / AOE_SECTOR;
    if (r->op == AOE_FLUSH) {
        t->lba = 0;
        t->sectors = d->identity.flush_opcode ? 1 : 0;
    } else if (r->op == AOE_TRIM) {
        trim_inwards(t, r);
    } else if (!whole && r->length > 0) {
        t->start = unaligned_start;
        err = unaligned_begin(t, r);
        if (err)
            return err;
    }
    t->told = t->writer->told;
    t->writer->requests++;
    disk_wanted(d);
    transfer_begin(d, t, true);
    return 0;
}
