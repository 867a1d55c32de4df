/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Issue ATA Command: commands without sectors, and arbitrary ones.
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

static void identify_with_odd_arguments(void **state)
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

/* ---- anything at all ---------------------------------------------------- */

/* Random requests: no run fails an assertion of the bench, which knows the
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
        cmocka_unit_test_setup(identify_tells_the_truth, setup),
        cmocka_unit_test_setup(identify_with_odd_arguments, setup),
        cmocka_unit_test_setup(flushes, setup),
        cmocka_unit_test_setup(set_features, setup),
        cmocka_unit_test_setup(set_features_needs_remote_admin, setup),
        cmocka_unit_test_setup(power_and_the_rest, setup),
        cmocka_unit_test_setup(random_frames, setup),
    };

    return cmocka_run_group_tests_name("responder ATA", tests, NULL, NULL);
}
