/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Status and error registers of ATA replies, and what is counted with them.
 */
#include "target/protocol/ata_reply.h"

#include "wire/ata.h"

/* The byte that ends a 28-bit address has the device register in its upper
 * half, which goes back as it came. */
#define LBA28_DEVICE UINT64_C(0xf0000000)

/* The address goes back as it came. */
static inline enum responder_verdict ata_reply(struct exchange *x,
                                               uint8_t status, uint8_t error,
                                               uint8_t count, size_t data_len)
{
    size_t len = aoe_ata_answer(x->frame, status, error, count, data_len);

    exchange_header(x, 0);
    return exchange_reply(x, len);
}

inline enum responder_verdict ata_reply_success(struct exchange *x,
                                                uint8_t count, size_t data_len)
{
    return ata_reply(x, ATA_STATUS_DRDY, 0, count, data_len);
}

enum responder_verdict ata_reply_aborted(struct exchange *x)
{
    export_count(x->export, COUNT_ABORTED);
    return ata_reply(x, ATA_STATUS_DRDY | ATA_STATUS_ERR, ATA_ERROR_ABRT,
                     x->ata.count, 0);
}

RARELY static enum responder_verdict failed(struct exchange *x, uint8_t status,
                                            uint8_t error, unsigned remaining,
                                            uint64_t lba)
{
    if (!(x->ata.aflags & AOE_AFLAG_EXTENDED))
        lba = (lba & ATA_LBA28_MAX) | (x->ata.lba & LBA28_DEVICE);
    x->ata.lba = lba;
    aoe_ata_build(x->frame, &x->ata);
    return ata_reply(x, ATA_STATUS_DRDY | ATA_STATUS_ERR | status, error,
                     (uint8_t)remaining, 0);
}

enum responder_verdict ata_reply_not_found(struct exchange *x,
                                           unsigned remaining, uint64_t lba)
{
    export_count(x->export, COUNT_NOT_FOUND);
    return failed(x, 0, ATA_ERROR_IDNF, remaining, lba);
}

enum responder_verdict ata_reply_fault(struct exchange *x, unsigned remaining,
                                       uint64_t lba)
{
    export_count(x->export, COUNT_FAULT);
    return failed(x, ATA_STATUS_DF, ATA_ERROR_ABRT, remaining, lba);
}

enum responder_verdict ata_reply_uncorrectable(struct exchange *x,
                                               unsigned remaining, uint64_t lba)
{
    export_count(x->export, COUNT_UNCORRECTABLE);
    return failed(x, 0, ATA_ERROR_UNC, remaining, lba);
}

enum responder_verdict ata_reply_refused(struct exchange *x, unsigned remaining,
                                         uint64_t lba)
{
    export_count(x->export, COUNT_ABORTED);
    return failed(x, 0, ATA_ERROR_ABRT, remaining, lba);
}
