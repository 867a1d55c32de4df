/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Issue ATA Command (AoEr11 section 3.1).  Whatever a mounted client can bring
 * about is answered with ATA status, not with an AoE error, which Linux would
 * retry for three minutes (doc/safety.md).
 */
#include <errno.h>
#include <string.h>

#include "target/protocol/responder_parts.h"
#include "wire/ata.h"

enum {
    RANGES_PER_SECTOR = AOE_SECTOR / ATA_TRIM_RANGE,
    LBA28_BITS = 28,
};

/* The byte that ends a 28-bit address has the device register in its upper
 * half, which goes back as it came. */
#define LBA28_DEVICE UINT64_C(0xf0000000)

/* ---- replies ------------------------------------------------------------ */

static enum responder_verdict ata_reply(struct exchange *x, uint8_t status,
                                        uint8_t error, uint8_t count,
                                        uint64_t lba, size_t data_len)
{
    struct aoe_ata reply = {
        .aflags = x->ata.aflags,
        .feature = error,
        .count = count,
        .command = status,
        .lba = lba,
    };

    responder_header(x, 0);
    return responder_reply(x, aoe_ata_build(x->frame, &reply) + data_len);
}

static enum responder_verdict success(struct exchange *x, uint8_t count,
                                      size_t data_len)
{
    return ata_reply(x, ATA_STATUS_DRDY, 0, count, x->ata.lba, data_len);
}

/* Refused before anything was done. */
static enum responder_verdict aborted(struct exchange *x)
{
    export_count(x->export, COUNT_ABORTED);
    return ata_reply(x, ATA_STATUS_DRDY | ATA_STATUS_ERR, ATA_ERROR_ABRT,
                     x->ata.count, x->ata.lba, 0);
}

/* `remaining` sectors were not transferred, beginning with `lba`. */
static enum responder_verdict failed(struct exchange *x, uint8_t status,
                                     uint8_t error, unsigned remaining,
                                     uint64_t lba)
{
    if (!(x->ata.aflags & AOE_AFLAG_EXTENDED))
        lba = (lba & ATA_LBA28_MAX) | (x->ata.lba & LBA28_DEVICE);
    return ata_reply(x, ATA_STATUS_DRDY | ATA_STATUS_ERR | status, error,
                     (uint8_t)remaining, lba, 0);
}

static enum responder_verdict not_found(struct exchange *x, unsigned remaining,
                                        uint64_t lba)
{
    export_count(x->export, COUNT_NOT_FOUND);
    return failed(x, 0, ATA_ERROR_IDNF, remaining, lba);
}

/* ---- addresses ---------------------------------------------------------- */

/* The opcode decides how long the address is.  Where the E flag disagrees and
 * it matters, cutting bits off would read or write a wrong place. */
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
    x->span_end = (lba + sectors) * AOE_SECTOR;
}

static bool in_range(const struct export *e, uint64_t lba, uint64_t sectors)
{
    return sectors <= e->sectors && lba <= e->sectors - sectors;
}

/* ---- reading and writing ------------------------------------------------ */

struct transfer {
    enum store_kind kind;
    bool extended; /* 48-bit address */
    bool durable;
};

static enum responder_verdict transfer(struct exchange *x, struct transfer t)
{
    const struct export *e = x->export;
    unsigned count = x->ata.count;

    if (count == 0 || !first_sector(x, t.extended, &x->lba))
        return aborted(x);
    if (!in_range(e, x->lba, count))
        return not_found(x, count, x->lba < e->sectors ? e->sectors : x->lba);
    set_span(x, x->lba, count);
    x->op = (struct store_op){
        .kind = t.kind,
        .durable = t.durable,
        .offset = x->span_start,
        .length = x->span_end - x->span_start,
        .data = x->frame + AOE_ATA_HEADER,
    };
    return RESPONDER_STORE;
}

/* What came with the request is ignored: Linux probes paths with a READ that
 * carries as much as a write would. */
static enum responder_verdict read_sectors(struct exchange *x, bool extended)
{
    size_t len = AOE_ATA_HEADER + (size_t)x->ata.count * AOE_SECTOR;

    export_count(x->export, COUNT_READ);
    /* A client that has not heard of a smaller MTU yet did nothing wrong; it
     * asks again, for less. */
    if (x->mtu_fell && x->ata.count > responder_sectors(x))
        return responder_drop(x, COUNT_DROP_SIZE);
    if (x->ata.count > responder_sectors(x) || len > responder_limit(x))
        return aborted(x);
    return transfer(x, (struct transfer){STORE_READ, extended, false});
}

static enum responder_verdict verify_sectors(struct exchange *x, bool extended)
{
    export_count(x->export, COUNT_READ);
    return transfer(x, (struct transfer){STORE_VERIFY, extended, false});
}

/* Changing data needs one addressee, the W flag that says so, and a disk that
 * may be written; and all the data must have come. */
static bool may_change(const struct exchange *x)
{
    return !x->export->read_only && !responder_wide(x) &&
           x->ata.aflags & AOE_AFLAG_WRITE &&
           x->ata.data_len >= (size_t)x->ata.count * AOE_SECTOR;
}

/* However large: the data has come, whatever the MTU is by now. */
static enum responder_verdict write_sectors(struct exchange *x, bool extended,
                                            bool durable)
{
    export_count(x->export, COUNT_WRITE);
    if (!may_change(x))
        return aborted(x);
    if (!x->export->write_cache)
        durable = true;
    return transfer(x, (struct transfer){STORE_WRITE, extended, durable});
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

/* Prepares the operation for the next range, with those that follow on it
 * directly.  False: there are no more. */
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
    x->op = (struct store_op){
        .kind = STORE_TRIM,
        .durable = !x->export->write_cache,
        .offset = start * AOE_SECTOR,
        .length = sectors * AOE_SECTOR,
    };
    return sectors > 0;
}

static enum responder_verdict trim(struct exchange *x)
{
    uint64_t lowest = UINT64_MAX, highest = 0;

    export_count(x->export, COUNT_TRIM);
    if (!x->export->can_trim || !may_change(x) ||
        x->ata.feature != ATA_FEATURE_TRIM)
        return aborted(x);
    /* All ranges are checked before the first is given up. */
    for (unsigned i = 0; i < range_count(x); i++) {
        uint64_t lba;
        uint16_t count;

        get_range(x, i, &lba, &count);
        if (count == 0)
            continue;
        if (!in_range(x->export, lba, count))
            return not_found(x, x->ata.count, lba);
        if (lba < lowest)
            lowest = lba;
        if (lba + count > highest)
            highest = lba + count;
    }
    x->next_range = 0;
    if (!next_trim(x))
        return success(x, 0, 0);
    set_span(x, lowest, highest - lowest);
    return RESPONDER_STORE;
}

/* ---- commands without data ---------------------------------------------- */

static enum responder_verdict flush(struct exchange *x)
{
    export_count(x->export, COUNT_FLUSH);
    x->op = (struct store_op){.kind = STORE_FLUSH};
    x->span_start = x->span_end = 0;
    return RESPONDER_STORE;
}

/* doc/vendor-words.md. */
static enum responder_verdict flush_extended(struct exchange *x)
{
    if (x->export->vendor.present && x->ata.feature == ATA_FEATURE_FLUSH_EPOCH)
        x->flush_epoch = x->ata.lba;
    return flush(x);
}

static enum responder_verdict identify(struct exchange *x)
{
    const struct export *e = x->export;
    struct ata_identity id = {
        .firmware = AOEKIT_VERSION,
        .model = "aoekit target",
        .sectors = e->sectors,
        .lba48 = true,
        .write_cache = e->write_cache,
        .flush = true,
        .flush_ext = true,
        .fua = true,
        .trim = e->can_trim,
        .trim_zeroes = e->trim_zeroes,
        .trim_blocks = (uint16_t)responder_sectors(x),
        .logical_sector = AOE_SECTOR,
        .physical_sector = e->physical_sector,
        .rotation = e->solid ? 1 : 0,
        .vendor = e->vendor,
    };

    export_count(x->export, COUNT_IDENTIFY);
    if (x->ata.count > 1 || AOE_ATA_HEADER + AOE_SECTOR > responder_limit(x))
        return aborted(x);
    memcpy(id.serial, e->serial, sizeof e->serial);
    id.vendor.read_only = e->read_only;
    ata_identity_encode(x->frame + AOE_ATA_HEADER, &id);
    return success(x, 0, AOE_SECTOR);
}

/* How safe, and how slow, the disk is for all its clients.  Told as ATA does:
 * an AoE error would have Linux ask for minutes. */
static bool may_set_cache(const struct exchange *x)
{
    if (responder_wide(x))
        return false;
    if (export_may_change(x->export, &x->header.src))
        return true;
    export_count(x->export, COUNT_REFUSED);
    return false;
}

static enum responder_verdict set_features(struct exchange *x)
{
    struct export *e = x->export;

    switch (x->ata.feature) {
    case ATA_FEATURE_WCACHE_ON:
        /* -s is the owner's word, which no client can take back. */
        if (e->sync || e->read_only || !may_set_cache(x))
            return aborted(x);
        e->write_cache = true;
        return success(x, 0, 0);
    case ATA_FEATURE_WCACHE_OFF:
        if (!may_set_cache(x))
            return aborted(x);
        e->write_cache = false;
        /* What the cache holds is written before it is off. */
        return flush(x);
    case ATA_FEATURE_XFER_MODE:
        return success(x, 0, 0);
    default:
        return aborted(x);
    }
}

static enum responder_verdict execute(struct exchange *x)
{
    switch (x->ata.command) {
    case ATA_READ_SECTORS:
    case ATA_READ_DMA:
        return read_sectors(x, false);
    case ATA_READ_SECTORS_EXT:
    case ATA_READ_DMA_EXT:
        return read_sectors(x, true);
    case ATA_WRITE_SECTORS:
    case ATA_WRITE_DMA:
        return write_sectors(x, false, false);
    case ATA_WRITE_SECTORS_EXT:
    case ATA_WRITE_DMA_EXT:
        return write_sectors(x, true, false);
    case ATA_WRITE_DMA_FUA_EXT:
        return write_sectors(x, true, true);
    case ATA_READ_VERIFY:
        return verify_sectors(x, false);
    case ATA_READ_VERIFY_EXT:
        return verify_sectors(x, true);
    case ATA_DATA_SET_MANAGEMENT:
        return trim(x);
    case ATA_FLUSH_CACHE:
        return flush(x);
    case ATA_FLUSH_CACHE_EXT:
        return flush_extended(x);
    case ATA_STANDBY_IMMEDIATE:
    case ATA_STANDBY:
    case ATA_SLEEP:
        /* The disk of a NAS sleeps on its own; but what a client does before
         * it cuts the power writes the cache, as on a disk. */
        return flush(x);
    case ATA_IDENTIFY:
        return identify(x);
    case ATA_SET_FEATURES:
        export_count(x->export, COUNT_OTHER);
        return set_features(x);
    case ATA_IDLE_IMMEDIATE:
    case ATA_IDLE:
        export_count(x->export, COUNT_OTHER);
        return success(x, 0, 0);
    case ATA_CHECK_POWER:
    case ATA_CHECK_POWER_OLD:
        export_count(x->export, COUNT_OTHER);
        return success(x, 0xff, 0); /* active */
    default:
        export_count(x->export, COUNT_OTHER);
        return aborted(x);
    }
}

enum responder_verdict respond_ata(struct exchange *x)
{
    if (aoe_ata_parse(x->frame, x->len, &x->ata))
        return responder_drop(x, COUNT_DROP_SHORT);
    if (x->ata.command != ATA_IDENTIFY &&
        export_reserved(x->export, &x->header.src))
        return responder_error(x, AOE_ERR_RESERVED);
    return execute(x);
}

/* ---- after the store ---------------------------------------------------- */

static enum responder_verdict fault(struct exchange *x, unsigned remaining,
                                    uint64_t lba)
{
    export_count(x->export, COUNT_FAULT);
    return failed(x, ATA_STATUS_DF, ATA_ERROR_ABRT, remaining, lba);
}

static enum responder_verdict transfer_failed(struct exchange *x)
{
    unsigned done = (unsigned)(x->op.done / AOE_SECTOR);
    unsigned remaining = x->ata.count - done;
    uint64_t lba = x->lba + done;

    switch (x->op.result) {
    case -ENXIO:
        return not_found(x, remaining, lba);
    case -ENODEV:
        return fault(x, remaining, lba);
    case -EROFS:
    case -EPERM:
        export_count(x->export, COUNT_ABORTED);
        return failed(x, 0, ATA_ERROR_ABRT, remaining, lba);
    }
    if (x->op.kind == STORE_WRITE)
        return fault(x, remaining, lba);
    export_count(x->export, COUNT_UNCORRECTABLE);
    return failed(x, 0, ATA_ERROR_UNC, remaining, lba);
}

enum responder_verdict responder_complete(struct exchange *x)
{
    switch (x->op.kind) {
    case STORE_READ:
        if (x->op.result)
            return transfer_failed(x);
        x->export->counts[COUNT_READ_BYTES] += x->op.length;
        return success(x, 0, (size_t)x->op.length);
    case STORE_WRITE:
        x->export->counts[COUNT_WRITTEN_BYTES] += x->op.done;
        return x->op.result ? transfer_failed(x) : success(x, 0, 0);
    case STORE_VERIFY:
        return x->op.result ? transfer_failed(x) : success(x, 0, 0);
    case STORE_TRIM:
        if (x->op.result == -EOPNOTSUPP)
            return aborted(x);
        if (x->op.result)
            return fault(x, x->ata.count, x->op.offset / AOE_SECTOR);
        return next_trim(x) ? RESPONDER_STORE : success(x, 0, 0);
    case STORE_FLUSH:
        break;
    }
    if (x->op.result == 0)
        return success(x, 0, 0);
    return fault(x, 0, x->flush_epoch ? x->export->vendor.epoch : 0);
}
