/* SPDX-License-Identifier: BSD-2-Clause
 *
 * IDENTIFY DEVICE pages: what we write word by word, what we read back, and
 * what vblade, old disks and garbage send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/lib/exact.h"
#include "wire/ata.h"

static const struct ata_identity full = {
    .serial = "0123456789abcdefghij",
    .firmware = "0.1.0-xy",
    .model = "aoekit disk, forty characters long, yes!",
    .sectors = UINT64_C(0x123456789ab),
    .lba48 = true,
    .write_cache = true,
    .flush = true,
    .flush_ext = true,
    .fua = true,
    .trim = true,
    .trim_zeroes = true,
    .trim_blocks = 8,
    .logical_sector = 512,
    .physical_sector = 4096,
    .rotation = 1,
    .vendor = {.present = true,
               .read_only = true,
               .orderly = true,
               .boot = UINT64_C(0x0102030405060708),
               .epoch = UINT64_C(0xa1a2a3a4a5a6)},
};

static unsigned word(const uint8_t *page, unsigned w)
{
    return get_le16(page + 2 * w);
}

static void set_word(uint8_t *page, unsigned w, unsigned value)
{
    put_le16(page + 2 * w, (uint16_t)value);
}

static void decode(const uint8_t *page, struct ata_identity *id)
{
    uint8_t *copy = exact_copy(page, 512);

    ata_identity_decode(copy, id);
    free(copy);
}

static void same(const struct ata_identity *a, const struct ata_identity *b)
{
    assert_string_equal(a->serial, b->serial);
    assert_string_equal(a->firmware, b->firmware);
    assert_string_equal(a->model, b->model);
    assert_int_equal(a->sectors, b->sectors);
    assert_int_equal(a->lba48, b->lba48);
    assert_int_equal(a->write_cache, b->write_cache);
    assert_int_equal(a->flush, b->flush);
    assert_int_equal(a->flush_ext, b->flush_ext);
    assert_int_equal(a->fua, b->fua);
    assert_int_equal(a->trim, b->trim);
    assert_int_equal(a->trim_zeroes, b->trim_zeroes);
    assert_int_equal(a->trim_blocks, b->trim_blocks);
    assert_int_equal(a->logical_sector, b->logical_sector);
    assert_int_equal(a->physical_sector, b->physical_sector);
    assert_int_equal(a->rotation, b->rotation);
    assert_int_equal(a->vendor.present, b->vendor.present);
    assert_int_equal(a->vendor.read_only, b->vendor.read_only);
    assert_int_equal(a->vendor.orderly, b->vendor.orderly);
    assert_int_equal(a->vendor.boot, b->vendor.boot);
    assert_int_equal(a->vendor.epoch, b->vendor.epoch);
}

static void round_trip(const struct ata_identity *id)
{
    uint8_t *page = malloc(512);
    struct ata_identity got;
    uint8_t sum = 0;

    memset(page, 0xee, 512);
    ata_identity_encode(page, id);
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + page[i]);
    assert_int_equal(sum, 0);
    assert_int_equal(page[510], 0xa5);
    ata_identity_decode(page, &got);
    same(&got, id);
    free(page);
}

static void words_of_a_full_page(void **state)
{
    uint8_t page[512];

    (void)state;
    ata_identity_encode(page, &full);
    assert_int_equal(word(page, 0) & 0x8000, 0);
    assert_int_equal(word(page, 1), 16383);
    assert_int_equal(word(page, 3), 16);
    assert_int_equal(word(page, 6), 63);
    assert_memory_equal(page + 20, "1032", 4); /* bytes swapped in words */
    assert_int_equal(word(page, 47), 0x8000);
    assert_int_equal(word(page, 49), 0x0300);
    assert_int_equal(word(page, 50), 0x4000);
    assert_int_equal(get_le(page + 114, 4), 16383 * 16 * 63);
    assert_int_equal(get_le(page + 120, 4), ATA_LBA28_MAX);
    assert_int_equal(word(page, 69), 0x4020);
    assert_int_equal(word(page, 80), 0x01f0);
    assert_int_equal(word(page, 82), 0x0020);
    assert_int_equal(word(page, 83), 0x7400);
    assert_int_equal(word(page, 84), 0x4040);
    assert_int_equal(word(page, 85), 0x0020);
    assert_int_equal(word(page, 86), 0x3400);
    assert_int_equal(word(page, 87), 0x4040);
    assert_int_equal(word(page, 93), 0x400b);
    assert_int_equal(get_le(page + 200, 8), full.sectors);
    assert_int_equal(word(page, 105), 8);
    assert_int_equal(word(page, 106), 0x6003);
    assert_int_equal(word(page, 169), 1);
    assert_int_equal(word(page, 217), 1);
}

static void round_trips(void **state)
{
    struct ata_identity id = full;

    (void)state;
    round_trip(&full);
    id.write_cache = false; /* switched off, or durable writes */
    round_trip(&id);
    id.trim = id.trim_zeroes = false;
    id.trim_blocks = 0;
    id.fua = id.flush = id.flush_ext = false;
    round_trip(&id);
    id.logical_sector = id.physical_sector = 4096;
    round_trip(&id);
    id.logical_sector = id.physical_sector = 512;
    id.rotation = 7200;
    id.serial[0] = id.model[0] = id.firmware[0] = 0;
    id.sectors = 1;
    round_trip(&id);
}

static void sizes(void **state)
{
    static const uint64_t table[] = {
        0,
        1,
        1007,
        1008,
        ATA_LBA28_MAX - 1,
        ATA_LBA28_MAX,
        ATA_LBA28_MAX + 1,
        UINT64_C(0xffffffff),
        UINT64_C(0x100000000),
        ATA_LBA48_MAX,
    };
    struct ata_identity id = full;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        id.sectors = table[i];
        round_trip(&id);
    }
}

static void lba28_only(void **state)
{
    struct ata_identity id = full;
    struct ata_identity got;
    uint8_t page[512];

    (void)state;
    id.lba48 = id.flush_ext = false;
    id.sectors = 123456;
    round_trip(&id);
    ata_identity_encode(page, &id);
    assert_int_equal(get_le(page + 200, 8), 0);
    assert_int_equal(get_le(page + 120, 4), 123456);
    /* Beyond the reach of LBA28: the page says as much as it can. */
    id.sectors = UINT64_C(1) << 40;
    ata_identity_encode(page, &id);
    decode(page, &got);
    assert_int_equal(got.sectors, ATA_LBA28_MAX);
}

/* What vblade 25 sends for e0.0 of host "nas" with 2048 sectors: no sector
 * sizes, no FLUSH EXT, no checksum. */
static void vblade_page(void **state)
{
    static const char serial[] = "0.0:nas";
    static const char model[] = "Coraid EtherDrive vblade";
    struct ata_identity id;
    uint8_t page[512] = {0};

    (void)state;
    memset(page + 20, ' ', 20);
    memset(page + 54, ' ', 40);
    for (unsigned i = 0; serial[i]; i++)
        page[20 + (i ^ 1)] = (uint8_t)serial[i];
    for (unsigned i = 0; model[i]; i++)
        page[54 + (i ^ 1)] = (uint8_t)model[i];
    set_word(page, 47, 0x8000);
    set_word(page, 49, 0x0200);
    set_word(page, 50, 0x4000);
    set_word(page, 83, 0x5400);
    set_word(page, 84, 0x4000);
    set_word(page, 86, 0x1400);
    set_word(page, 87, 0x4000);
    set_word(page, 93, 0x400b);
    put_le(page + 120, 2048, 4);
    put_le(page + 200, 2048, 8);
    decode(page, &id);
    assert_string_equal(id.serial, "0.0:nas");
    assert_string_equal(id.model, "Coraid EtherDrive vblade");
    assert_string_equal(id.firmware, "");
    assert_int_equal(id.sectors, 2048);
    assert_true(id.lba48);
    assert_true(id.flush);
    assert_false(id.flush_ext);
    assert_false(id.fua);
    assert_false(id.write_cache);
    assert_false(id.trim);
    assert_int_equal(id.logical_sector, 512);
    assert_int_equal(id.physical_sector, 512);
}

static void lba48_in_one_word_only(void **state)
{
    struct ata_identity id;
    uint8_t page[512] = {0};

    (void)state;
    set_word(page, 86, 0x0400);
    put_le(page + 200, UINT64_C(0x20000000), 8);
    decode(page, &id);
    assert_true(id.lba48);
    assert_int_equal(id.sectors, UINT64_C(0x20000000));
}

static void sectors_where_only_the_old_words_have_them(void **state)
{
    struct ata_identity id;
    uint8_t page[512] = {0};

    (void)state;
    set_word(page, 83, 0x4400);
    put_le(page + 120, 5000, 4);
    decode(page, &id);
    assert_int_equal(id.sectors, 5000);
    put_le(page + 120, 0xffffffff, 4);
    decode(page, &id);
    assert_int_equal(id.sectors, ATA_LBA28_MAX);
}

static void strings(void **state)
{
    struct ata_identity id = {.serial = "tab\there", .model = "  left"};
    struct ata_identity got;
    uint8_t page[512];

    (void)state;
    ata_identity_encode(page, &id);
    decode(page, &got);
    assert_string_equal(got.serial, "tab?here");
    assert_string_equal(got.model, "  left");
    memset(page + 20, 0, 20);
    page[20 + 1] = 'a'; /* the first character */
    page[20 + 3] = 'c'; /* the third */
    decode(page, &got);
    assert_string_equal(got.serial, "a?c");
    memset(page + 20, 0, 20);
    decode(page, &got);
    assert_string_equal(got.serial, "");
}

static void garbage(void **state)
{
    struct ata_identity id;
    uint8_t page[512];

    (void)state;
    memset(page, 0xff, sizeof(page));
    decode(page, &id);
    assert_string_equal(id.serial, "????????????????????");
    assert_string_equal(id.firmware, "????????");
    assert_int_equal(strlen(id.model), 40);
    assert_int_equal(id.sectors, ATA_LBA48_MAX);
    assert_false(id.fua); /* word 84 has no valid signature */
    assert_int_equal(id.logical_sector, 512);
    assert_int_equal(id.physical_sector, 512);

    memset(page, 0, sizeof(page));
    decode(page, &id);
    assert_string_equal(id.serial, "");
    assert_int_equal(id.sectors, 0);
    assert_int_equal(id.logical_sector, 512);
}

static void sector_sizes_that_cannot_be(void **state)
{
    static const uint32_t words[] = {0,     1,          255,        257,
                                     32769, 0x7fffffff, 0x80000000, 0xffffffff};
    struct ata_identity id;
    uint8_t page[512] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        set_word(page, 106, 0x5000);
        put_le(page + 234, words[i], 4);
        decode(page, &id);
        assert_int_equal(id.logical_sector, 512);
    }
    put_le(page + 234, 32768, 4);
    set_word(page, 106, 0x700f);
    decode(page, &id);
    assert_int_equal(id.logical_sector, 65536);
    assert_int_equal(id.physical_sector, UINT32_C(65536) << 15);
    round_trip(&id);

    /* A nonsensical sector size is encoded as the smallest. */
    id.logical_sector = 0;
    id.physical_sector = 0;
    ata_identity_encode(page, &id);
    assert_int_equal(word(page, 106), 0x4000);
}

static void trim_without_a_block_limit(void **state)
{
    struct ata_identity id;
    uint8_t page[512] = {0};

    (void)state;
    set_word(page, 169, 1);
    set_word(page, 69, 0x4000); /* deterministic, but not zero */
    decode(page, &id);
    assert_true(id.trim);
    assert_int_equal(id.trim_blocks, 1);
    assert_false(id.trim_zeroes);
}

/* Words 129 to 139 as doc/vendor-words.md draws them. */
static void vendor_words(void **state)
{
    const uint8_t expected[22] = {'a',  'o',  'e',  'k',  1,    0,   3, 0,
                                  8,    7,    6,    5,    4,    3,   2, 1,
                                  0xa6, 0xa5, 0xa4, 0xa3, 0xa2, 0xa1};
    uint8_t page[512], later[512];
    struct ata_identity id = full;

    (void)state;
    ata_identity_encode(page, &full);
    assert_memory_equal(page + 2 * 129, expected, sizeof expected);
    memcpy(later, page, 512);
    later[2 * 131]++;
    later[511]--;
    decode(later, &id);
    assert_true(id.vendor.present);
    id.vendor.present = false;
    ata_identity_encode(page, &id);
    for (unsigned w = 129; w <= 159; w++)
        assert_int_equal(word(page, w), 0);
}

/* Words that only look like ours: another magic, no version, no epoch, and a
 * page whose checksum does not agree. */
static void vendor_words_of_other_vendors(void **state)
{
    static const unsigned words[] = {129, 130, 131, 137};
    struct ata_identity id = full;
    uint8_t page[512];

    (void)state;
    id.vendor.epoch = 1;
    for (unsigned i = 0; i < 4; i++) {
        ata_identity_encode(page, &id);
        page[511] = (uint8_t)(page[511] + page[2 * words[i]]);
        page[2 * words[i]] = 0;
        decode(page, &id);
        assert_false(id.vendor.present);
        assert_int_equal(id.vendor.boot, i == 3 ? full.vendor.boot : 0);
        id = full;
        id.vendor.epoch = 1;
    }
    ata_identity_encode(page, &id);
    page[511]++;
    decode(page, &id);
    assert_false(id.vendor.present);
}

static void trim_ranges(void **state)
{
    const uint8_t expected[8] = {0x89, 0x67, 0x45, 0x23,
                                 0x01, 0xff, 0xcd, 0xab};
    uint8_t range[8];
    uint64_t lba;
    uint16_t count;

    (void)state;
    ata_trim_put(range, UINT64_C(0xff0123456789), 0xabcd);
    assert_memory_equal(range, expected, 8);
    ata_trim_get(range, &lba, &count);
    assert_int_equal(lba, UINT64_C(0xff0123456789));
    assert_int_equal(count, 0xabcd);
    ata_trim_put(range, ATA_LBA48_MAX, ATA_TRIM_RANGE_MAX);
    ata_trim_get(range, &lba, &count);
    assert_int_equal(lba, ATA_LBA48_MAX);
    assert_int_equal(count, 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_a_full_page),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(sizes),
        cmocka_unit_test(lba28_only),
        cmocka_unit_test(vblade_page),
        cmocka_unit_test(lba48_in_one_word_only),
        cmocka_unit_test(sectors_where_only_the_old_words_have_them),
        cmocka_unit_test(strings),
        cmocka_unit_test(garbage),
        cmocka_unit_test(sector_sizes_that_cannot_be),
        cmocka_unit_test(trim_without_a_block_limit),
        cmocka_unit_test(vendor_words),
        cmocka_unit_test(vendor_words_of_other_vendors),
        cmocka_unit_test(trim_ranges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
