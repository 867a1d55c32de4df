/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From an ATA command that names sectors to an operation on the store, and from
 * that operation's result to the reply.  Every address is checked here.
 */
#include "target/protocol/ata_transfer.h"

#include <assert.h>
#include <errno.h>

#include "target/protocol/ata_reply.h"
#include "wire/ata.h"

enum {
    RANGES_PER_SECTOR = AOE_SECTOR / ATA_TRIM_RANGE,
    LBA28_BITS = 28,
};

/* ---- addresses ---------------------------------------------------------- */

/* The opcode decides how long the address is.  If the E flag disagrees and bits
 * would be cut off, the wrong sectors would be read or written: refused. */
static bool first_sector(const struct exchange *x, bool extended, uint64_t *lba)
{
    bool flag = x->ata.aflags & AOE_AFLAG_EXTENDED;

    *lba = x->ata.lba;
    if (extended)
        return flag || *lba >> LBA28_BITS == 0;
    if (!flag)
        *lba &= ATA_LBA28_MAX;
    return *lba <= ATA_LBA28_MAX;
}

static void set_span(struct exchange *x, uint64_t lba, uint64_t sectors)
{
    x->span_start = lba * AOE_SECTOR;
    x->span_end = x->span_start + sectors * AOE_SECTOR;
}

static bool in_range(const struct export *e, uint64_t lba, uint64_t sectors)
{
    return sectors <= e->sectors && lba <= e->sectors - sectors;
}

/* ---- reading and writing ------------------------------------------------ */

struct ata_transfer {
    enum store_kind kind;
    bool extended; /* 48-bit address */
    bool durable;
};

static inline enum responder_verdict start(struct exchange *x,
                                           struct ata_transfer t)
{
    const struct export *e = x->export;
    unsigned count = x->ata.count;
    uint64_t lba;

    if (count == 0 || !first_sector(x, t.extended, &lba))
        return ata_reply_aborted(x);
    if (!in_range(e, lba, count))
        return ata_reply_not_found(x, count,
                                   lba < e->sectors ? e->sectors : lba);
    set_span(x, lba, count);
    store_op_init(&x->op, t.kind);
    x->op.durable = t.durable;
    x->op.offset = x->span_start;
    x->op.length = count * AOE_SECTOR;
    x->op.data = x->frame + AOE_ATA_HEADER;
    return RESPONDER_STORE;
}

/* Data in the request is ignored: Linux probes paths with a READ that is as
 * long as a write. */
inline enum responder_verdict ata_transfer_read(struct exchange *x,
                                                bool extended)
{
    size_t len = AOE_ATA_HEADER + (size_t)x->ata.count * AOE_SECTOR;

    export_count(x->export, COUNT_READ);
    /* A client that does not know of the smaller MTU yet did nothing wrong.  It
     * will ask again, for less. */
    if (x->mtu_fell && x->ata.count > exchange_sectors(x))
        return exchange_drop(x, COUNT_DROP_SIZE);
    if (x->ata.count > exchange_sectors(x) || len > exchange_limit(x))
        return ata_reply_aborted(x);
    return start(x, (struct ata_transfer){STORE_READ, extended, false});
}

enum responder_verdict ata_transfer_verify(struct exchange *x, bool extended)
{
    export_count(x->export, COUNT_READ);
    return start(x, (struct ata_transfer){STORE_VERIFY, extended, false});
}

/* A change needs a single addressee, the W flag, a writable disk, and all of
 * its data. */
static inline bool may_change(const struct exchange *x)
{
    return !x->export->read_only && !exchange_wide(x) &&
           x->ata.aflags & AOE_AFLAG_WRITE &&
           x->ata.data_len >= (size_t)x->ata.count * AOE_SECTOR;
}

/* Of any size: the data has arrived, whatever the MTU is now. */
inline enum responder_verdict ata_transfer_write(struct exchange *x,
                                                 bool extended, bool durable)
{
    export_count(x->export, COUNT_WRITE);
    if (!may_change(x))
        return ata_reply_aborted(x);
    if (!x->export->write_cache)
        durable = true;
    return start(x, (struct ata_transfer){STORE_WRITE, extended, durable});
}

/* ---- DATA SET MANAGEMENT ------------------------------------------------ */

static void get_range(const struct exchange *x, unsigned i, uint64_t *lba,
                      uint16_t *count)
{
    ata_trim_get(x->ata.data + (size_t)i * ATA_TRIM_RANGE, lba, count);
}

static unsigned range_count(const struct exchange *x)
{
    return (unsigned)x->ata.count * RANGES_PER_SECTOR;
}

/* Prepares the operation for the next range and those adjacent to it.  False:
 * there are no more. */
static bool next_trim(struct exchange *x)
{
    uint64_t start = 0, sectors = 0, lba;
    uint16_t count;

    for (; x->next_range < range_count(x); x->next_range++) {
        get_range(x, x->next_range, &lba, &count);
        if (count == 0)
            continue;
        if (sectors > 0 && lba != start + sectors)
            break;
        if (sectors == 0)
            start = lba;
        sectors += count;
    }
    store_op_init(&x->op, STORE_TRIM);
    x->op.durable = !x->export->write_cache;
    x->op.offset = start * AOE_SECTOR;
    x->op.length = sectors * AOE_SECTOR;
    return sectors > 0;
}

enum responder_verdict ata_transfer_trim(struct exchange *x)
{
    uint64_t lowest = UINT64_MAX, highest = 0;

    export_count(x->export, COUNT_TRIM);
    if (!x->export->can_trim || !may_change(x) ||
        x->ata.feature != ATA_FEATURE_TRIM)
        return ata_reply_aborted(x);
    /* Every range is checked before the first is trimmed. */
    for (unsigned i = 0; i < range_count(x); i++) {
        uint64_t lba;
        uint16_t count;

        get_range(x, i, &lba, &count);
        if (count == 0)
            continue;
        if (!in_range(x->export, lba, count))
            return ata_reply_not_found(x, x->ata.count, lba);
        if (lba < lowest)
            lowest = lba;
        if (lba + count > highest)
            highest = lba + count;
    }
    x->next_range = 0;
    if (!next_trim(x))
        return ata_reply_success(x, 0, 0);
    set_span(x, lowest, highest - lowest);
    return RESPONDER_STORE;
}

/* ---- after the store ---------------------------------------------------- */

RARELY static enum responder_verdict transfer_failed(struct exchange *x)
{
    unsigned done = (unsigned)(x->op.done / AOE_SECTOR);
    unsigned remaining = x->ata.count - done;
    uint64_t lba = x->op.offset / AOE_SECTOR + done;

    assert(done <= x->ata.count);
    switch (x->op.result) {
    case -ENXIO:
        return ata_reply_not_found(x, remaining, lba);
    case -ENODEV:
        return ata_reply_fault(x, remaining, lba);
    case -EROFS:
    case -EPERM:
        return ata_reply_refused(x, remaining, lba);
    default:
        return x->op.kind == STORE_WRITE
                   ? ata_reply_fault(x, remaining, lba)
                   : ata_reply_uncorrectable(x, remaining, lba);
    }
}

enum responder_verdict ata_transfer_read_done(struct exchange *x)
{
    if (x->op.result)
        return transfer_failed(x);
    x->export->counts[COUNT_READ_BYTES] += x->op.length;
    return ata_reply_success(x, 0, (size_t)x->op.length);
}

enum responder_verdict ata_transfer_verify_done(struct exchange *x)
{
    return x->op.result ? transfer_failed(x) : ata_reply_success(x, 0, 0);
}

enum responder_verdict ata_transfer_write_done(struct exchange *x)
{
    x->export->counts[COUNT_WRITTEN_BYTES] += x->op.done;
    return x->op.result ? transfer_failed(x) : ata_reply_success(x, 0, 0);
}

enum responder_verdict ata_transfer_trim_done(struct exchange *x)
{
    switch (x->op.result) {
    case 0:
        return next_trim(x) ? RESPONDER_STORE : ata_reply_success(x, 0, 0);
    case -EOPNOTSUPP:
        return ata_reply_aborted(x);
    default:
        return ata_reply_fault(x, x->ata.count, x->op.offset / AOE_SECTOR);
    }
}
