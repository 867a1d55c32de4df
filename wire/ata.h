/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ATA as far as AoE carries it (ATA8-ACS): opcodes, registers, the IDENTIFY
 * DEVICE page and DATA SET MANAGEMENT ranges.
 */
#ifndef WIRE_ATA_H
#define WIRE_ATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ata_opcode {
    ATA_NOP = 0x00,
    ATA_DATA_SET_MANAGEMENT = 0x06,
    ATA_READ_SECTORS = 0x20,
    ATA_READ_SECTORS_EXT = 0x24,
    ATA_READ_DMA_EXT = 0x25,
    ATA_WRITE_SECTORS = 0x30,
    ATA_WRITE_SECTORS_EXT = 0x34,
    ATA_WRITE_DMA_EXT = 0x35,
    ATA_WRITE_DMA_FUA_EXT = 0x3d,
    ATA_READ_VERIFY = 0x40,
    ATA_READ_VERIFY_EXT = 0x42,
    ATA_CHECK_POWER_OLD = 0x98,
    ATA_READ_DMA = 0xc8,
    ATA_WRITE_DMA = 0xca,
    ATA_STANDBY_IMMEDIATE = 0xe0,
    ATA_IDLE_IMMEDIATE = 0xe1,
    ATA_STANDBY = 0xe2,
    ATA_IDLE = 0xe3,
    ATA_CHECK_POWER = 0xe5,
    ATA_SLEEP = 0xe6,
    ATA_FLUSH_CACHE = 0xe7,
    ATA_FLUSH_CACHE_EXT = 0xea,
    ATA_IDENTIFY = 0xec,
    ATA_SET_FEATURES = 0xef,
};

enum ata_status {
    ATA_STATUS_ERR = 0x01,
    ATA_STATUS_DRQ = 0x08,
    ATA_STATUS_DF = 0x20, /* device fault */
    ATA_STATUS_DRDY = 0x40,
    ATA_STATUS_BSY = 0x80,
    /* Any of these in a response means failure, to Linux and Plan 9 too. */
    ATA_STATUS_FAILED =
        ATA_STATUS_BSY | ATA_STATUS_DF | ATA_STATUS_DRQ | ATA_STATUS_ERR,
};

enum ata_error {
    ATA_ERROR_ABRT = 0x04, /* command refused */
    ATA_ERROR_IDNF = 0x10, /* LBA out of range */
    ATA_ERROR_UNC = 0x40,  /* uncorrectable medium error */
};

enum ata_feature {
    ATA_FEATURE_WCACHE_ON = 0x02,
    ATA_FEATURE_XFER_MODE = 0x03,
    ATA_FEATURE_WCACHE_OFF = 0x82,
    ATA_FEATURE_TRIM = 0x01, /* of DATA SET MANAGEMENT */
};

#define ATA_LBA28_MAX UINT64_C(0x0fffffff)
#define ATA_LBA48_MAX UINT64_C(0xffffffffffff)

/* What aoekit's target reports about itself in vendor specific words of
 * IDENTIFY (129 to 139; doc/vendor-words.md), so that its clients need not
 * guess. */
struct ata_vendor {
    bool present;   /* words 129-130 hold the magic, 131 a known version */
    bool read_only; /* word 132 bit 0: writes are refused */
    bool orderly;   /* word 132 bit 1: the last stop flushed everything */
    uint64_t boot;  /* words 133-136: a new number at each start */
    /* Words 137-139, not zero.  Changes whenever something that was answered as
     * written may have been lost; while it stays the same nothing was, whatever
     * was restarted. */
    uint64_t epoch;
};

/* FLUSH CACHE EXT with this feature register and an epoch in the LBA registers:
 * "... and fail if the epoch has changed".  Only for a target that has the
 * words above.  A failure returns the current epoch in the same registers. */
enum { ATA_FEATURE_FLUSH_EPOCH = 0xae };
#define ATA_EPOCH_MAX ATA_LBA48_MAX

/* An IDENTIFY DEVICE page, decoded. */
struct ata_identity {
    char serial[21];      /* words 10-19, trailing blanks removed, terminated */
    char firmware[9];     /* words 23-26 */
    char model[41];       /* words 27-46 */
    uint64_t sectors;     /* of 512 bytes: words 100-103, else 60-61 */
    bool lba48;           /* word 83 bit 10 */
    bool write_cache;     /* word 85 bit 5: a volatile cache is enabled */
    bool flush;           /* word 83 bit 12: FLUSH CACHE */
    bool flush_ext;       /* word 83 bit 13: FLUSH CACHE EXT */
    bool fua;             /* word 84 bit 6: WRITE DMA FUA EXT */
    bool trim;            /* word 169 bit 0: DATA SET MANAGEMENT/TRIM */
    bool trim_zeroes;     /* word 69 bits 14 and 5: trimmed sectors read zero */
    uint16_t trim_blocks; /* word 105: 512-byte blocks of ranges at most */
    uint32_t logical_sector;  /* bytes, words 106 and 117-118 */
    uint32_t physical_sector; /* bytes, word 106 */
    uint16_t rotation; /* word 217: 0 unknown, 1 not rotating, else rpm */
    struct ata_vendor vendor;
};

/* Writes all 512 bytes, checksum (word 255) included. */
void ata_identity_encode(uint8_t page[512], const struct ata_identity *id);
/* Accepts what peers send: any signature, no checksum, LBA28 only. */
void ata_identity_decode(const uint8_t page[512], struct ata_identity *id);

/* DATA SET MANAGEMENT: ranges of eight bytes, 48-bit LBA and 16-bit count,
 * little-endian; a count of 0 is an unused entry. */
enum { ATA_TRIM_RANGE = 8, ATA_TRIM_RANGE_MAX = 65535 };
void ata_trim_put(uint8_t range[8], uint64_t lba, uint16_t count);
void ata_trim_get(const uint8_t range[8], uint64_t *lba, uint16_t *count);

#endif
