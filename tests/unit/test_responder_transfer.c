/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Issue ATA Command: reading, writing and trimming.
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

/* Bits that do not fit are not silently dropped. */
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
    /* Without E, the two upper bytes are ignored. */
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
        cmocka_unit_test_setup(trims, setup),
        cmocka_unit_test_setup(refused_trims, setup),
    };

    return cmocka_run_group_tests_name("responder ATA transfers", tests, NULL,
                                       NULL);
}
