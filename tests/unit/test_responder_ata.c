/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Issue ATA Command.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/exchange.h"

static struct bench bench, *b = &bench;

static int setup(void **state)
{
    (void)state;
    bench_init(b);
    return 0;
}

enum { E = AOE_AFLAG_EXTENDED, W = AOE_AFLAG_WRITE };

/* ---- reading ------------------------------------------------------------ */

static void expect_sectors(unsigned lba, unsigned count)
{
    expect_ok(b);
    assert_int_equal(ata_of(b).count, 0);
    assert_int_equal(b->reply_len, 36 + count * 512);
    assert_memory_equal(b->reply + 36, b->disk + lba * 512, count * 512);
}

static void reads(void **state)
{
    static const struct {
        uint8_t opcode, aflags;
    } ways[] = {{ATA_READ_SECTORS, 0},
                {ATA_READ_DMA, 0},
                {ATA_READ_SECTORS_EXT, E},
                {ATA_READ_DMA_EXT, E}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        ask_ata(b, ways[i].opcode, ways[i].aflags, 7, 2);
        bench_send(b);
        expect_sectors(7, 2);
        assert_int_equal(b->reply[24], ways[i].aflags);
    }
    /* Linux puts the device register into a 28-bit address. */
    ask_ata(b, ATA_READ_SECTORS, 0, 0xe0000007, 1);
    bench_send(b);
    expect_sectors(7, 1);
    ask_ata(b, ATA_READ_SECTORS_EXT, E, DISK_SECTORS - 1, 1);
    bench_send(b);
    expect_sectors(DISK_SECTORS - 1, 1);
    assert_int_equal(b->export.counts[COUNT_READ], 6);
}

static void reads_ignore_payload_and_w(void **state)
{
    (void)state;
    ask_ata(b, ATA_READ_SECTORS_EXT, E, 0, 2);
    add_data(b, 1024, 0x33); /* as Linux probes a path */
    bench_send(b);
    expect_sectors(0, 2);
    ask_ata(b, ATA_READ_SECTORS_EXT, E | W, 4, 2);
    add_data(b, 1024, 0x44);
    bench_send(b);
    expect_sectors(4, 2);
    assert_int_equal(b->runs, 1);
    assert_int_equal(b->ran[0].kind, STORE_READ);
}

static void counts_must_be_possible(void **state)
{
    (void)state;
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 0);
    bench_send(b);
    expect_abort(b);
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 3);
    bench_send(b);
    expect_abort(b);
    ask_write(b, ATA_WRITE_SECTORS, 0, 0, 0);
    bench_send(b);
    expect_abort(b);
    ask_ata(b, ATA_READ_VERIFY, 0, 0, 0);
    bench_send(b);
    expect_abort(b);
    assert_int_equal(b->runs, 0);
    b->mtu = 9000;
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 17);
    bench_send(b);
    expect_sectors(0, 17);
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 18);
    bench_send(b);
    expect_abort(b);
    b->mtu = 500; /* not even one sector fits */
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 1);
    bench_send(b);
    expect_abort(b);
}

/* Requests that were sent before the MTU became smaller. */
static void smaller_mtu(void **state)
{
    (void)state;
    b->mtu_fell = true;
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 3);
    bench_send(b);
    assert_int_equal(b->verdict, RESPONDER_DROP);
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 2);
    bench_send(b);
    expect_sectors(0, 2);
    ask_write(b, ATA_WRITE_SECTORS, 0, 0, 16);
    bench_send(b);
    expect_ata(b, 0x40, 0);
    assert_int_equal(b->runs, 1);
}

static void addresses_out_of_range(void **state)
{
    static const struct {
        uint64_t lba;
        unsigned count;
        uint64_t failing;
    } cases[] = {
        {DISK_SECTORS, 1, DISK_SECTORS},
        {DISK_SECTORS - 1, 2, DISK_SECTORS},
        {UINT64_C(0x100000000), 1, UINT64_C(0x100000000)},
        {UINT64_C(0xffffffffffff), 1, UINT64_C(0xffffffffffff)},
        {UINT64_C(0xffffffffffff), 2, UINT64_C(0xffffffffffff)},
        {UINT64_C(0x800000000000), 2, UINT64_C(0x800000000000)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask_ata(b, ATA_READ_SECTORS_EXT, E, cases[i].lba,
                (uint8_t)cases[i].count);
        bench_send(b);
        expect_ata(b, 0x41, ATA_ERROR_IDNF);
        assert_int_equal(ata_of(b).count, cases[i].count);
        assert_true(ata_of(b).lba == cases[i].failing);
        ask_write(b, ATA_WRITE_SECTORS_EXT, E, cases[i].lba,
                  (uint8_t)cases[i].count);
        bench_send(b);
        expect_ata(b, 0x41, ATA_ERROR_IDNF);
    }
    ask_ata(b, ATA_READ_SECTORS, 0, 0xefffffff, 1);
    bench_send(b);
    expect_ata(b, 0x41, ATA_ERROR_IDNF);
    assert_true(ata_of(b).lba == 0xefffffff);
    assert_int_equal(b->runs, 0);
}

/* Bits that would have to be cut off are not. */
static void e_flag_that_disagrees(void **state)
{
    (void)state;
    ask_ata(b, ATA_READ_SECTORS_EXT, 0, 5, 1);
    bench_send(b);
    expect_sectors(5, 1);
    ask_ata(b, ATA_READ_SECTORS_EXT, 0, UINT64_C(0x100000005), 1);
    bench_send(b);
    expect_abort(b);
    ask_ata(b, ATA_READ_SECTORS_EXT, 0, 0xe0000005, 1);
    bench_send(b);
    expect_abort(b);
    ask_ata(b, ATA_READ_SECTORS, E, 5, 1);
    bench_send(b);
    expect_sectors(5, 1);
    ask_ata(b, ATA_READ_SECTORS, E, UINT64_C(0x10000005), 1);
    bench_send(b);
    expect_abort(b);
    ask_write(b, ATA_WRITE_SECTORS, E, UINT64_C(0x500000000000), 1);
    bench_send(b);
    expect_abort(b);
    /* Without E, the two upper bytes are nobody's. */
    ask_ata(b, ATA_READ_SECTORS, 0, UINT64_C(0xffff00000005), 1);
    bench_send(b);
    expect_sectors(5, 1);
}

/* ---- writing ------------------------------------------------------------ */

static void writes(void **state)
{
    static const struct {
        uint8_t opcode, aflags;
        bool durable;
    } ways[] = {{ATA_WRITE_SECTORS, 0, false},
                {ATA_WRITE_DMA, 0, false},
                {ATA_WRITE_SECTORS_EXT, E, false},
                {ATA_WRITE_DMA_EXT, E, false},
                {ATA_WRITE_DMA_FUA_EXT, E, true}};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        memset(b->disk, 0, sizeof b->disk);
        ask_write(b, ways[i].opcode, ways[i].aflags, 10 + i, 2);
        add_data(b, 11, 0xcc); /* trailing bytes are padding */
        bench_send(b);
        expect_ok(b);
        assert_int_equal(ata_of(b).count, 0);
        assert_int_equal(b->reply_len, AOE_FRAME_MIN);
        assert_int_equal(b->ran[0].kind, STORE_WRITE);
        assert_int_equal(b->ran[0].durable, ways[i].durable);
        assert_memory_equal(b->disk + (10 + i) * 512, b->request + 36, 1024);
        assert_int_equal(b->disk[(12 + i) * 512], 0);
    }
    assert_int_equal(b->export.counts[COUNT_WRITTEN_BYTES], 5 * 1024);
}

static void without_write_cache_all_writes_are_durable(void **state)
{
    (void)state;
    b->export.write_cache = false;
    ask_write(b, ATA_WRITE_SECTORS_EXT, E, 0, 1);
    bench_send(b);
    assert_true(b->ran[0].durable);
}

static void refused_writes(void **state)
{
    struct bench fresh = *b;

    (void)state;
    ask_ata(b, ATA_WRITE_SECTORS_EXT, E, 0, 2); /* W not set */
    add_data(b, 1024, 0);
    bench_send(b);
    expect_abort(b);
    ask_write(b, ATA_WRITE_SECTORS_EXT, E, 0, 2); /* one byte missing */
    b->request_len--;
    bench_send(b);
    expect_abort(b);
    ask_write(b, ATA_WRITE_SECTORS_EXT, E, 0, 1); /* to everyone */
    ask_everyone(b);
    bench_send(b);
    expect_silence(b);
    ask_write(b, ATA_WRITE_SECTORS_EXT, E, 0, 1); /* by broadcast */
    memset(b->request, 0xff, 6);
    bench_send(b);
    expect_abort(b);
    ask_write(b, ATA_WRITE_SECTORS_EXT, E, 0, 1); /* wildcard, unicast */
    b->request[18] = 0xff;
    bench_send(b);
    expect_silence(b);
    b->export.read_only = true;
    ask_write(b, ATA_WRITE_SECTORS_EXT, E, 0, 1);
    bench_send(b);
    expect_abort(b);
    assert_int_equal(ata_of(b).count, 1);
    assert_memory_equal(b->disk, fresh.disk, sizeof b->disk);
}

/* ---- failures of the store ---------------------------------------------- */

static void medium_errors(void **state)
{
    (void)state;
    b->mtu = 9000;
    b->fail_at = 12;
    b->fail_with = -EIO;
    ask_ata(b, ATA_READ_SECTORS_EXT, E, 10, 16);
    bench_send(b);
    expect_ata(b, 0x41, ATA_ERROR_UNC);
    assert_int_equal(ata_of(b).count, 14);
    assert_true(ata_of(b).lba == 12);
    assert_int_equal(b->reply_len, AOE_FRAME_MIN); /* no data with an error */
    ask_ata(b, ATA_READ_VERIFY_EXT, E, 0, 200);
    bench_send(b);
    expect_ata(b, 0x41, ATA_ERROR_UNC);
    assert_true(ata_of(b).lba == 12);
    ask_ata(b, ATA_READ_SECTORS, 0, 0xe000000b, 4);
    bench_send(b);
    assert_true(ata_of(b).lba == 0xe000000c);
    assert_int_equal(b->export.counts[COUNT_UNCORRECTABLE], 3);
}

static void write_errors(void **state)
{
    static const struct {
        int error;
        uint8_t status, ata;
    } cases[] = {{-ENOSPC, 0x61, ATA_ERROR_ABRT},
                 {-EIO, 0x61, ATA_ERROR_ABRT},
                 {-ENXIO, 0x41, ATA_ERROR_IDNF},
                 {-EROFS, 0x41, ATA_ERROR_ABRT}};

    (void)state;
    b->fail_at = 8;
    for (size_t i = 0; i < 4; i++) {
        b->fail_with = cases[i].error;
        ask_write(b, ATA_WRITE_SECTORS_EXT, E, 7, 2);
        bench_send(b);
        expect_ata(b, cases[i].status, cases[i].ata);
        assert_int_equal(ata_of(b).count, 1);
        assert_true(ata_of(b).lba == 8);
    }
    ask_ata(b, ATA_FLUSH_CACHE_EXT, E, 0, 0);
    b->fail_with = -EIO;
    bench_send(b);
    expect_ata(b, 0x61, ATA_ERROR_ABRT);
}

/* ---- commands without data ---------------------------------------------- */

static struct ata_identity identify(void)
{
    struct ata_identity id;

    ask_ata(b, ATA_IDENTIFY, 0, 0, 1);
    bench_send(b);
    expect_ok(b);
    assert_int_equal(b->reply_len, 36 + 512);
    ata_identity_decode(b->reply + 36, &id);
    return id;
}

static void identify_tells_the_truth(void **state)
{
    struct ata_identity id = identify();

    (void)state;
    assert_string_equal(id.serial, "aoe-0123456789abcdef");
    assert_string_equal(id.model, "aoekit target");
    assert_string_equal(id.firmware, AOEKIT_VERSION);
    assert_int_equal(id.sectors, DISK_SECTORS);
    assert_true(id.lba48 && id.flush && id.flush_ext && id.fua);
    assert_true(id.write_cache);
    assert_true(id.trim && id.trim_zeroes);
    assert_int_equal(id.trim_blocks, 2);
    assert_int_equal(id.logical_sector, 512);
    assert_int_equal(id.physical_sector, 4096);
    b->export.can_trim = b->export.write_cache = false;
    id = identify();
    assert_false(id.trim || id.write_cache);
}

static void identify_anyhow(void **state)
{
    (void)state;
    ask_ata(b, ATA_IDENTIFY, 0, 0, 0);
    bench_send(b);
    expect_ok(b);
    ask_ata(b, ATA_IDENTIFY, 0, 0, 2);
    bench_send(b);
    expect_abort(b);
    ask_ata(b, ATA_IDENTIFY, 0, 0xa0000000, 1); /* as WinVBlock discovers */
    ask_everyone(b);
    bench_send(b);
    expect_ok(b);
    assert_int_equal(b->reply_len, 36 + 512);
    ask_ata(b, ATA_IDENTIFY, W, 0, 1); /* as aoe-sancheck tests sizes */
    add_data(b, 1000, 1);
    bench_send(b);
    expect_ok(b);
}

static void flushes(void **state)
{
    static const uint8_t opcodes[] = {ATA_FLUSH_CACHE, ATA_FLUSH_CACHE_EXT,
                                      ATA_STANDBY_IMMEDIATE, ATA_STANDBY,
                                      ATA_SLEEP};

    (void)state;
    for (size_t i = 0; i < sizeof opcodes; i++) {
        ask_ata(b, opcodes[i], 0, 0, 0);
        bench_send(b);
        expect_ok(b);
        assert_int_equal(b->runs, 1);
        assert_int_equal(b->ran[0].kind, STORE_FLUSH);
    }
}

static void set_features(void **state)
{
    (void)state;
    ask_ata(b, ATA_SET_FEATURES, 0, 0, 0);
    b->request[25] = ATA_FEATURE_WCACHE_OFF;
    bench_send(b);
    expect_ok(b);
    assert_int_equal(b->ran[0].kind, STORE_FLUSH);
    assert_false(identify().write_cache);
    ask_ata(b, ATA_SET_FEATURES, 0, 0, 0);
    b->request[25] = ATA_FEATURE_WCACHE_ON;
    bench_send(b);
    expect_ok(b);
    assert_true(identify().write_cache);
    ask_ata(b, ATA_SET_FEATURES, 0, 0, 0);
    b->request[25] = ATA_FEATURE_XFER_MODE;
    bench_send(b);
    expect_ok(b);
    b->request[25] = 0xaa;
    bench_send(b);
    expect_abort(b);
    ask_ata(b, ATA_SET_FEATURES, 0, 0, 0);
    b->request[25] = ATA_FEATURE_WCACHE_OFF;
    memset(b->request, 0xff, 6); /* by broadcast */
    bench_send(b);
    expect_abort(b);
    assert_true(b->export.write_cache);
    /* -s is the owner's word. */
    b->export.sync = true;
    b->export.write_cache = false;
    ask_ata(b, ATA_SET_FEATURES, 0, 0, 0);
    b->request[25] = ATA_FEATURE_WCACHE_ON;
    bench_send(b);
    expect_abort(b);
    assert_false(b->export.write_cache);
}

/* The cache of a disk is as much the owner's as its config string is. */
static void set_features_needs_remote_admin(void **state)
{
    static const uint8_t features[] = {ATA_FEATURE_WCACHE_OFF,
                                       ATA_FEATURE_WCACHE_ON};

    (void)state;
    for (size_t i = 0; i < sizeof features; i++) {
        b->export.admin = EXPORT_ADMIN_NONE;
        b->export.write_cache = i == 0;
        ask_ata(b, ATA_SET_FEATURES, 0, 0, 0);
        b->request[25] = features[i];
        bench_send(b);
        expect_abort(b);
        assert_int_equal(b->runs, 0);
        assert_int_equal(b->export.write_cache, i == 0);
        b->export.admin = EXPORT_ADMIN_LISTED;
        bench_send(b);
        expect_abort(b);
        assert_int_equal(b->export.counts[COUNT_REFUSED], 2 * (i + 1));
        mac_list_add(&b->export.admins, &client, EXPORT_LIST_MAX);
        bench_send(b);
        expect_ok(b);
        assert_int_equal(b->export.write_cache, i == 1);
        mac_list_delete(&b->export.admins, &client);
    }
    b->export.admin = EXPORT_ADMIN_NONE;
    b->request[25] = ATA_FEATURE_XFER_MODE; /* changes nothing */
    bench_send(b);
    expect_ok(b);
}

static void power_and_the_rest(void **state)
{
    static const uint8_t refused[] = {0x00, 0x27, 0x3c, 0x60, 0x61, 0xa0, 0xa1,
                                      0xb0, 0xc4, 0xc5, 0xce, 0xf1, 0xf8};

    (void)state;
    for (unsigned count = 0; count < 2; count++) {
        ask_ata(b, ATA_CHECK_POWER, 0, 0, (uint8_t)count);
        bench_send(b);
        expect_ok(b);
        assert_int_equal(ata_of(b).count, 0xff);
    }
    ask_ata(b, ATA_IDLE_IMMEDIATE, 0, 0, 0);
    bench_send(b);
    expect_ok(b);
    for (size_t i = 0; i < sizeof refused; i++) {
        ask_ata(b, refused[i], W, 0, 1);
        add_data(b, 512, 0);
        bench_send(b);
        expect_abort(b);
        assert_int_equal(b->runs, 0);
    }
}

/* ---- DATA SET MANAGEMENT ------------------------------------------------ */

static void ask_trim(void)
{
    ask_ata(b, ATA_DATA_SET_MANAGEMENT, W, 0, 1);
    b->request[25] = ATA_FEATURE_TRIM;
    b->request_len += 512;
}

static void range(unsigned i, uint64_t lba, uint16_t count)
{
    ata_trim_put(b->request + 36 + i * 8, lba, count);
}

static void trims(void **state)
{
    (void)state;
    ask_trim();
    range(0, 10, 4);
    range(1, 14, 6); /* follows: one operation */
    range(5, 100, 1);
    range(63, DISK_SECTORS - 1, 1);
    bench_send(b);
    expect_ok(b);
    assert_int_equal(b->runs, 3);
    assert_int_equal(b->ran[0].kind, STORE_TRIM);
    assert_int_equal(b->ran[0].offset, 10 * 512);
    assert_int_equal(b->ran[0].length, 10 * 512);
    assert_int_equal(b->ran[1].offset, 100 * 512);
    assert_int_equal(b->ran[2].offset, (DISK_SECTORS - 1) * 512);
    assert_false(b->ran[0].durable);
    ask_trim(); /* no range at all */
    bench_send(b);
    expect_ok(b);
    assert_int_equal(b->runs, 0);
}

static void refused_trims(void **state)
{
    struct bench fresh = *b;

    (void)state;
    ask_trim(); /* one range is bad: none is given up */
    range(0, 10, 4);
    range(1, DISK_SECTORS - 1, 2);
    bench_send(b);
    expect_ata(b, 0x41, ATA_ERROR_IDNF);
    assert_int_equal(b->runs, 0);
    ask_trim();
    range(0, UINT64_C(0xffffffffffff), 65535);
    bench_send(b);
    expect_ata(b, 0x41, ATA_ERROR_IDNF);
    ask_trim();
    range(0, 1, 1);
    ask_everyone(b);
    bench_send(b);
    expect_silence(b);
    ask_trim();
    range(0, 1, 1);
    b->request_len--;
    bench_send(b);
    expect_abort(b);
    ask_trim();
    range(0, 1, 1);
    b->request[25] = 0;
    bench_send(b);
    expect_abort(b);
    b->export.can_trim = false;
    ask_trim();
    range(0, 1, 1);
    bench_send(b);
    expect_abort(b);
    assert_memory_equal(b->disk, fresh.disk, sizeof b->disk);
}

/* ---- anything at all ---------------------------------------------------- */

/* Whatever comes: no run fails an assertion of the bench, which knows the
 * disk's end and compares two runs.  Every ATA answer to a failure has ERR. */
static void random_frames(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < 12000; i++) {
        size_t len;

        ask(b, 0);
        for (size_t k = 24; k < 80; k++) {
            seed = seed * 1664525 + 1013904223;
            b->request[k] = (uint8_t)(seed >> 24);
            if (seed & 0x10000)
                b->request[k] &= 3;
        }
        seed = seed * 1664525 + 1013904223;
        b->request[19] = seed >> 16 & 1 ? 0 : seed >> 24 & 3;
        len = seed >> 8 & 1 ? seed >> 20 & 63 : seed >> 20 & 2047;
        if (i % 64 == 0)
            b->request[14] = (uint8_t)(seed >> 24);
        b->request_len = len;
        bench_send(b);
        if (b->verdict == RESPONDER_REPLY && b->reply[19] == AOE_CMD_ATA &&
            b->reply[14] == 0x18 && b->reply[25])
            assert_true(b->reply[27] & ATA_STATUS_ERR);
        if (i % 100 == 0)
            bench_init(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads, setup),
        cmocka_unit_test_setup(reads_ignore_payload_and_w, setup),
        cmocka_unit_test_setup(counts_must_be_possible, setup),
        cmocka_unit_test_setup(smaller_mtu, setup),
        cmocka_unit_test_setup(addresses_out_of_range, setup),
        cmocka_unit_test_setup(e_flag_that_disagrees, setup),
        cmocka_unit_test_setup(writes, setup),
        cmocka_unit_test_setup(without_write_cache_all_writes_are_durable,
                               setup),
        cmocka_unit_test_setup(refused_writes, setup),
        cmocka_unit_test_setup(medium_errors, setup),
        cmocka_unit_test_setup(write_errors, setup),
        cmocka_unit_test_setup(identify_tells_the_truth, setup),
        cmocka_unit_test_setup(identify_anyhow, setup),
        cmocka_unit_test_setup(flushes, setup),
        cmocka_unit_test_setup(set_features, setup),
        cmocka_unit_test_setup(set_features_needs_remote_admin, setup),
        cmocka_unit_test_setup(power_and_the_rest, setup),
        cmocka_unit_test_setup(trims, setup),
        cmocka_unit_test_setup(refused_trims, setup),
        cmocka_unit_test_setup(random_frames, setup),
    };

    return cmocka_run_group_tests_name("responder ATA", tests, NULL, NULL);
}
