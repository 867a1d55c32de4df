/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Issue ATA Command (AoEr11 section 3.1): which opcode does what, and the
 * commands that name no sectors.
 */
#include <assert.h>
#include <string.h>

#include "target/protocol/ata_reply.h"
#include "target/protocol/ata_transfer.h"
#include "target/protocol/responder.h"
#include "target/protocol/responder_commands.h"
#include "wire/ata.h"

/* ---- commands without data ---------------------------------------------- */

static enum responder_verdict flush(struct exchange *x, uint64_t epoch)
{
    export_count(x->export, COUNT_FLUSH);
    store_op_init(&x->op, STORE_FLUSH);
    x->flush_epoch = epoch;
    x->span_start = x->span_end = 0;
    return RESPONDER_STORE;
}

/* doc/vendor-words.md. */
static enum responder_verdict flush_extended(struct exchange *x)
{
    bool named =
        x->export->vendor.present && x->ata.feature == ATA_FEATURE_FLUSH_EPOCH;

    return flush(x, named ? x->ata.lba : 0);
}

RARELY static enum responder_verdict identify(struct exchange *x)
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
        .trim_blocks = (uint16_t)exchange_sectors(x),
        .logical_sector = AOE_SECTOR,
        .physical_sector = e->physical_sector,
        .rotation = e->solid ? 1 : 0,
        .vendor = e->vendor,
    };

    export_count(x->export, COUNT_IDENTIFY);
    if (x->ata.count > 1 || AOE_ATA_HEADER + AOE_SECTOR > exchange_limit(x))
        return ata_reply_aborted(x);
    memcpy(id.serial, e->serial, sizeof e->serial);
    id.vendor.read_only = e->read_only;
    ata_identity_encode(x->frame + AOE_ATA_HEADER, &id);
    return ata_reply_success(x, 0, AOE_SECTOR);
}

/* The cache decides how safe and how slow the disk is for all of its clients.
 * A refusal is an ATA error: Linux would retry an AoE error for minutes. */
static bool may_set_cache(const struct exchange *x)
{
    if (exchange_wide(x))
        return false;
    if (export_may_change(x->export, &x->header.src))
        return true;
    export_count(x->export, COUNT_REFUSED);
    return false;
}

RARELY static enum responder_verdict set_features(struct exchange *x)
{
    struct export *e = x->export;

    switch (x->ata.feature) {
    case ATA_FEATURE_WCACHE_ON:
        /* -s is the owner's decision; no client can undo it. */
        if (e->sync || e->read_only || !may_set_cache(x))
            return ata_reply_aborted(x);
        e->write_cache = true;
        return ata_reply_success(x, 0, 0);
    case ATA_FEATURE_WCACHE_OFF:
        if (!may_set_cache(x))
            return ata_reply_aborted(x);
        e->write_cache = false;
        /* What the cache holds is written before it is off. */
        return flush(x, 0);
    case ATA_FEATURE_XFER_MODE:
        return ata_reply_success(x, 0, 0);
    default:
        return ata_reply_aborted(x);
    }
}

/* ---- the opcodes -------------------------------------------------------- */

static enum responder_verdict execute(struct exchange *x)
{
    switch (x->ata.command) {
    case ATA_READ_SECTORS:
    case ATA_READ_DMA:
        return ata_transfer_read(x, false);
    case ATA_READ_SECTORS_EXT:
    case ATA_READ_DMA_EXT:
        return ata_transfer_read(x, true);
    case ATA_WRITE_SECTORS:
    case ATA_WRITE_DMA:
        return ata_transfer_write(x, false, false);
    case ATA_WRITE_SECTORS_EXT:
    case ATA_WRITE_DMA_EXT:
        return ata_transfer_write(x, true, false);
    case ATA_WRITE_DMA_FUA_EXT:
        return ata_transfer_write(x, true, true);
    case ATA_READ_VERIFY:
        return ata_transfer_verify(x, false);
    case ATA_READ_VERIFY_EXT:
        return ata_transfer_verify(x, true);
    case ATA_DATA_SET_MANAGEMENT:
        return ata_transfer_trim(x);
    case ATA_FLUSH_CACHE:
        return flush(x, 0);
    case ATA_FLUSH_CACHE_EXT:
        return flush_extended(x);
    case ATA_STANDBY_IMMEDIATE:
    case ATA_STANDBY:
    case ATA_SLEEP:
        /* The disk of a NAS sleeps when it likes.  But a client sends these
         * before it cuts the power, and expects the cache to be written. */
        return flush(x, 0);
    case ATA_IDENTIFY:
        return identify(x);
    case ATA_SET_FEATURES:
        export_count(x->export, COUNT_OTHER);
        return set_features(x);
    case ATA_IDLE_IMMEDIATE:
    case ATA_IDLE:
        export_count(x->export, COUNT_OTHER);
        return ata_reply_success(x, 0, 0);
    case ATA_CHECK_POWER:
    case ATA_CHECK_POWER_OLD:
        export_count(x->export, COUNT_OTHER);
        return ata_reply_success(x, 0xff, 0); /* active */
    default:
        export_count(x->export, COUNT_OTHER);
        return ata_reply_aborted(x);
    }
}

enum responder_verdict respond_ata(struct exchange *x)
{
    if (aoe_ata_parse(x->frame, x->len, &x->ata))
        return exchange_drop(x, COUNT_DROP_SHORT);
    if (x->ata.command != ATA_IDENTIFY &&
        export_reserved(x->export, &x->header.src))
        return exchange_error(x, AOE_ERR_RESERVED);
    return execute(x);
}

/* ---- after the store ---------------------------------------------------- */

/* The reply to one that failed tells the epoch that holds now, so that its
 * client need not ask (doc/vendor-words.md). */
static enum responder_verdict flush_done(struct exchange *x)
{
    if (x->op.result == 0)
        return ata_reply_success(x, 0, 0);
    return ata_reply_fault(x, 0, x->flush_epoch ? x->export->vendor.epoch : 0);
}

inline enum responder_verdict responder_complete(struct exchange *x)
{
    assert(x->op.result <= 0);
    switch (x->op.kind) {
    case STORE_READ:
        return ata_transfer_read_done(x);
    case STORE_WRITE:
        return ata_transfer_write_done(x);
    case STORE_VERIFY:
        return ata_transfer_verify_done(x);
    case STORE_TRIM:
        return ata_transfer_trim_done(x);
    case STORE_FLUSH:
        break;
    }
    return flush_done(x);
}
