/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The IDENTIFY DEVICE page (ATA8-ACS 7.16) and the ranges
 * of DATA SET MANAGEMENT.
 */
#include "wire/ata.h"

#include <string.h>

#include "base/bytes.h"

enum {
    WORDS_SIGNATURE = 0x4000,      /* bits 15:14 of a word that holds... */
    WORDS_SIGNATURE_MASK = 0xc000, /* ...valid flags read 01 */
    CHECKSUM_SIGNATURE = 0xa5,     /* low byte of word 255 */

    /* The geometry that every disk of this age claims to have. */
    CHS_HEADS = 16,
    CHS_SECTORS = 63,
    CHS_CYLINDERS_MAX = 16383,

    SECTOR_MIN = 512,
    SECTOR_MAX = 65536,
};

/* Flags by word. */
enum {
    W49_LBA = 1 << 9,
    W49_DMA = 1 << 8,
    W53_CHS_VALID = 1 << 0,
    W53_64_70_VALID = 1 << 1,
    W53_88_VALID = 1 << 2,
    W69_TRIM_DETERMINISTIC = 1 << 14,
    W69_TRIM_ZEROES = 1 << 5,
    W80_ATA4_TO_ATA8 = 0x01f0,
    W82_WRITE_CACHE = 1 << 5,
    W83_LBA48 = 1 << 10,
    W83_FLUSH = 1 << 12,
    W83_FLUSH_EXT = 1 << 13,
    W84_FUA = 1 << 6,
    W106_LARGE_LOGICAL = 1 << 12,
    W106_LARGE_PHYSICAL = 1 << 13,
    W106_EXPONENT = 0x000f, /* log2 of logical sectors per physical one */
    W132_READ_ONLY = 1 << 0,
    W132_ORDERLY = 1 << 1,
    W169_TRIM = 1 << 0,
};

/* Words 129-131. */
static const uint8_t vendor_magic[4] = {'a', 'o', 'e', 'k'};
enum { VENDOR_VERSION = 1 }; /* later versions only add words */

static void put_word(uint8_t *page, unsigned word, unsigned value)
{
    put_le16(page + 2 * word, (uint16_t)value);
}

static unsigned get_word(const uint8_t *page, unsigned word)
{
    return get_le16(page + 2 * word);
}

static bool word_valid(unsigned value)
{
    return (value & WORDS_SIGNATURE_MASK) == WORDS_SIGNATURE;
}

/* ATA strings are printable ASCII; nothing else leaves this file, because
 * these go to terminals and into JSON. */
static char printable(char c)
{
    return c >= 0x20 && c < 0x7f ? c : '?';
}

/* ATA strings hold the first character in the high byte of each little-endian
 * word and are padded with blanks. */
static void put_string(uint8_t *page, unsigned word, unsigned words,
                       const char *text)
{
    uint8_t *p = page + 2 * word;

    for (unsigned i = 0; i < 2 * words; i++)
        p[i ^ 1] = (uint8_t)(*text ? printable(*text++) : ' ');
}

static void get_string(const uint8_t *page, unsigned word, unsigned words,
                       char *out)
{
    const uint8_t *p = page + 2 * word;
    unsigned end = 0;

    for (unsigned i = 0; i < 2 * words; i++) {
        char c = (char)p[i ^ 1];

        out[i] = printable(c);
        /* Some firmware pads with NUL instead of blanks. */
        if (c != ' ' && c != 0)
            end = i + 1;
    }
    out[end] = 0;
}

static void put_geometry(uint8_t *page, uint64_t sectors)
{
    uint64_t cylinders = sectors / (CHS_HEADS * CHS_SECTORS);
    uint32_t chs;

    if (cylinders > CHS_CYLINDERS_MAX)
        cylinders = CHS_CYLINDERS_MAX;
    chs = (uint32_t)cylinders * CHS_HEADS * CHS_SECTORS;
    put_word(page, 1, (unsigned)cylinders);
    put_word(page, 3, CHS_HEADS);
    put_word(page, 6, CHS_SECTORS);
    put_word(page, 54, (unsigned)cylinders);
    put_word(page, 55, CHS_HEADS);
    put_word(page, 56, CHS_SECTORS);
    put_le(page + 2 * 57, chs, 4);
}

/* These modes mean nothing over Ethernet, but tools print and BIOSes test
 * them. */
static void put_transfer_modes(uint8_t *page)
{
    put_word(page, 53, W53_CHS_VALID | W53_64_70_VALID | W53_88_VALID);
    put_word(page, 63, 0x0007); /* multiword DMA 0 to 2 */
    put_word(page, 64, 0x0003); /* PIO 3 and 4 */
    for (unsigned w = 65; w <= 68; w++)
        put_word(page, w, 120); /* cycle times, ns */
    put_word(page, 88, 0x203f); /* Ultra DMA 0 to 5, 5 selected */
    put_word(page, 93, 0x400b); /* reset result, as vblade reports it */
}

static void put_features(uint8_t *page, const struct ata_identity *id)
{
    unsigned supported = 0;

    if (id->lba48)
        supported |= W83_LBA48;
    if (id->flush)
        supported |= W83_FLUSH;
    if (id->flush_ext)
        supported |= W83_FLUSH_EXT;
    put_word(page, 80, W80_ATA4_TO_ATA8);
    /* A disk that can flush has a cache, even if it is off now. */
    if (id->write_cache || id->flush)
        put_word(page, 82, W82_WRITE_CACHE);
    if (id->write_cache)
        put_word(page, 85, W82_WRITE_CACHE);
    put_word(page, 83, WORDS_SIGNATURE | supported);
    put_word(page, 86, supported);
    put_word(page, 84, WORDS_SIGNATURE | (id->fua ? W84_FUA : 0));
    put_word(page, 87, WORDS_SIGNATURE | (id->fua ? W84_FUA : 0));
    if (id->trim) {
        put_word(page, 105, id->trim_blocks);
        put_word(page, 169, W169_TRIM);
        if (id->trim_zeroes)
            put_word(page, 69, W69_TRIM_DETERMINISTIC | W69_TRIM_ZEROES);
    }
}

static bool sector_plausible(uint32_t bytes)
{
    return bytes >= SECTOR_MIN && bytes <= SECTOR_MAX &&
           (bytes & (bytes - 1)) == 0;
}

static void put_sector_sizes(uint8_t *page, const struct ata_identity *id)
{
    uint32_t logical = id->logical_sector;
    unsigned word = WORDS_SIGNATURE;
    unsigned exponent = 0;

    if (!sector_plausible(logical))
        logical = SECTOR_MIN;
    while (exponent < W106_EXPONENT &&
           (uint64_t)logical << exponent < id->physical_sector)
        exponent++;
    if (exponent)
        word |= W106_LARGE_PHYSICAL | exponent;
    if (logical > SECTOR_MIN) {
        word |= W106_LARGE_LOGICAL;
        put_le(page + 2 * 117, logical / 2, 4); /* counted in words */
    }
    put_word(page, 106, word);
}

static void get_sector_sizes(const uint8_t *page, struct ata_identity *id)
{
    unsigned word = get_word(page, 106);

    id->logical_sector = SECTOR_MIN;
    id->physical_sector = SECTOR_MIN;
    if (!word_valid(word))
        return;
    if (word & W106_LARGE_LOGICAL) {
        uint64_t bytes = get_le(page + 2 * 117, 4) * 2;

        if (bytes <= SECTOR_MAX && sector_plausible((uint32_t)bytes))
            id->logical_sector = (uint32_t)bytes;
    }
    id->physical_sector = id->logical_sector;
    if (word & W106_LARGE_PHYSICAL)
        id->physical_sector <<= word & W106_EXPONENT;
}

/* The two's complement of the sum of the other 511 bytes. */
static uint8_t checksum(const uint8_t *page)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < 511; i++)
        sum = (uint8_t)(sum + page[i]);
    return (uint8_t)-sum;
}

/* ATA8-ACS leaves words 129-159 to the vendor. */
static void put_vendor(uint8_t *page, const struct ata_vendor *v)
{
    if (!v->present)
        return;
    memcpy(page + 2 * 129, vendor_magic, sizeof vendor_magic);
    put_word(page, 131, VENDOR_VERSION);
    put_word(page, 132,
             (v->read_only ? W132_READ_ONLY : 0u) |
                 (v->orderly ? W132_ORDERLY : 0u));
    put_le(page + 2 * 133, v->boot, 8);
    put_le(page + 2 * 137, v->epoch, 6);
}

/* Without a valid checksum these words may be another vendor's. */
static void get_vendor(const uint8_t *page, struct ata_vendor *v)
{
    if (memcmp(page + 2 * 129, vendor_magic, sizeof vendor_magic) != 0 ||
        get_word(page, 131) < VENDOR_VERSION ||
        page[510] != CHECKSUM_SIGNATURE || page[511] != checksum(page))
        return;
    v->read_only = get_word(page, 132) & W132_READ_ONLY;
    v->orderly = get_word(page, 132) & W132_ORDERLY;
    v->boot = get_le(page + 2 * 133, 8);
    v->epoch = get_le(page + 2 * 137, 6);
    v->present = v->epoch != 0;
}

void ata_identity_encode(uint8_t page[512], const struct ata_identity *id)
{
    uint64_t lba28 = id->sectors < ATA_LBA28_MAX ? id->sectors : ATA_LBA28_MAX;

    memset(page, 0, 512);
    put_word(page, 0, 0x0040); /* an ATA disk, not removable */
    put_geometry(page, id->sectors);
    put_string(page, 10, 10, id->serial);
    put_string(page, 23, 4, id->firmware);
    put_string(page, 27, 20, id->model);
    put_word(page, 47, 0x8000); /* no READ/WRITE MULTIPLE */
    put_word(page, 49, W49_LBA | W49_DMA);
    put_word(page, 50, WORDS_SIGNATURE);
    put_le(page + 2 * 60, lba28, 4);
    put_transfer_modes(page);
    put_features(page, id);
    if (id->lba48)
        put_le(page + 2 * 100, id->sectors, 8);
    put_sector_sizes(page, id);
    put_word(page, 217, id->rotation);
    put_vendor(page, &id->vendor);
    page[510] = CHECKSUM_SIGNATURE;
    page[511] = checksum(page);
}

void ata_identity_decode(const uint8_t page[512], struct ata_identity *id)
{
    unsigned w83 = get_word(page, 83);
    unsigned w84 = get_word(page, 84);
    unsigned zeroes = W69_TRIM_DETERMINISTIC | W69_TRIM_ZEROES;

    memset(id, 0, sizeof(*id));
    get_string(page, 10, 10, id->serial);
    get_string(page, 23, 4, id->firmware);
    get_string(page, 27, 20, id->model);
    /* Like Linux, with which targets were tested: either word will do. */
    id->lba48 = (w83 | get_word(page, 86)) & W83_LBA48;
    id->flush = w83 & W83_FLUSH;
    id->flush_ext = w83 & W83_FLUSH_EXT;
    id->fua = word_valid(w84) && w84 & W84_FUA;
    id->write_cache = get_word(page, 85) & W82_WRITE_CACHE;
    if (id->lba48)
        id->sectors = get_le(page + 2 * 100, 8);
    if (id->sectors > ATA_LBA48_MAX)
        id->sectors = ATA_LBA48_MAX;
    if (id->sectors == 0) {
        id->sectors = get_le(page + 2 * 60, 4);
        if (id->sectors > ATA_LBA28_MAX)
            id->sectors = ATA_LBA28_MAX;
    }
    id->trim = get_word(page, 169) & W169_TRIM;
    if (id->trim) {
        id->trim_blocks = (uint16_t)get_word(page, 105);
        /* 0 means "not reported"; every disk takes one block. */
        if (id->trim_blocks == 0)
            id->trim_blocks = 1;
        id->trim_zeroes = (get_word(page, 69) & zeroes) == zeroes;
    }
    get_sector_sizes(page, id);
    id->rotation = (uint16_t)get_word(page, 217);
    get_vendor(page, &id->vendor);
}

void ata_trim_put(uint8_t range[8], uint64_t lba, uint16_t count)
{
    put_le(range, lba, 6);
    put_le16(range + 6, count);
}

void ata_trim_get(const uint8_t range[8], uint64_t *lba, uint16_t *count)
{
    *lba = get_le(range, 6);
    *count = get_le16(range + 6);
}
