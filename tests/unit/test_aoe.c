/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The AoE parsers and builders against the worked frames,
 * against frames cut at every byte, and against counts that lie.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/lib/exact.h"
#include "wire/aoe.h"

static const struct aoe_mac client = {{2, 0, 0, 0, 0, 1}};
static const struct aoe_mac server = {{2, 0, 0, 0, 0, 2}};

/* Discovery request, 60 bytes. */
static const uint8_t discovery[60] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x88, 0xa2, 0x10, 0x00, 0xff, 0xff, 0xff, 0x01, 0x80, 0x00,
    0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* Reply of e1.2: buffer count 16, firmware 0x4019, 2 sectors, no string. */
static const uint8_t answer[60] = {
    0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x88, 0xa2, 0x18, 0x00, 0x00, 0x01, 0x02, 0x01, 0x80, 0x00,
    0x00, 0x01, 0x00, 0x10, 0x40, 0x19, 0x02, 0x10, 0x00, 0x00,
};

static struct aoe_header request_header(uint8_t command)
{
    return (struct aoe_header){
        .dst = server,
        .src = client,
        .version = AOE_VERSION,
        .addr = {1, 2},
        .command = command,
        .tag = 0x80000001,
    };
}

static void build_header(uint8_t *frame, uint8_t command)
{
    struct aoe_header h = request_header(command);

    assert_int_equal(aoe_header_build(frame, &h), AOE_HEADER);
}

/* ---- worked frames ------------------------------------------------------- */

static void discovery_request(void **state)
{
    struct aoe_header h = {
        .dst = aoe_mac_broadcast,
        .src = client,
        .version = AOE_VERSION,
        .addr = {AOE_SHELF_ALL, AOE_SLOT_ALL},
        .command = AOE_CMD_CONFIG,
        .tag = 0x80000001,
    };
    struct aoe_header got;
    struct aoe_config c = {0};
    uint8_t frame[60];

    (void)state;
    memset(frame, 0xee, sizeof(frame));
    aoe_header_build(frame, &h);
    assert_int_equal(aoe_pad(frame, aoe_config_build(frame, &c)), 60);
    assert_memory_equal(frame, discovery, 60);

    assert_int_equal(aoe_header_parse(discovery, 60, &got), 0);
    assert_true(aoe_mac_equal(&got.dst, &aoe_mac_broadcast));
    assert_true(aoe_mac_group(&got.dst));
    assert_true(aoe_mac_equal(&got.src, &client));
    assert_false(aoe_mac_group(&got.src));
    assert_int_equal(got.version, 1);
    assert_int_equal(got.flags, 0);
    assert_int_equal(got.error, 0);
    assert_int_equal(got.addr.shelf, AOE_SHELF_ALL);
    assert_int_equal(got.addr.slot, AOE_SLOT_ALL);
    assert_int_equal(got.command, AOE_CMD_CONFIG);
    assert_int_equal(got.tag, 0x80000001);
    assert_int_equal(aoe_config_parse(discovery, 60, &c), 0);
    assert_int_equal(c.command, AOE_CONFIG_READ);
    assert_int_equal(c.length, 0);
}

static void discovery_answer(void **state)
{
    struct aoe_header h = request_header(AOE_CMD_CONFIG);
    struct aoe_config c = {
        .buffer_count = 16,
        .firmware = 0x4019,
        .sector_count = 2,
        .version = 1,
    };
    uint8_t frame[60];

    (void)state;
    h.dst = client;
    h.src = server;
    h.flags = AOE_FLAG_RESPONSE;
    memset(frame, 0xee, sizeof(frame));
    aoe_header_build(frame, &h);
    assert_int_equal(aoe_pad(frame, aoe_config_build(frame, &c)), 60);
    assert_memory_equal(frame, answer, 60);

    memset(&c, 0xee, sizeof(c));
    assert_int_equal(aoe_config_parse(answer, 60, &c), 0);
    assert_int_equal(c.buffer_count, 16);
    assert_int_equal(c.firmware, 0x4019);
    assert_int_equal(c.sector_count, 2);
    assert_int_equal(c.version, 1);
    assert_int_equal(c.command, AOE_CONFIG_READ);
    assert_int_equal(c.length, 0);
}

static void ata_argument(const struct aoe_ata *a, const uint8_t expected[12])
{
    uint8_t frame[AOE_ATA_HEADER];
    struct aoe_ata got;

    memset(frame, 0xee, sizeof(frame));
    build_header(frame, AOE_CMD_ATA);
    assert_int_equal(aoe_ata_build(frame, a), AOE_ATA_HEADER);
    assert_memory_equal(frame + AOE_HEADER, expected, 12);
    assert_int_equal(aoe_ata_parse(frame, sizeof(frame), &got), 0);
    assert_int_equal(got.aflags, a->aflags);
    assert_int_equal(got.feature, a->feature);
    assert_int_equal(got.count, a->count);
    assert_int_equal(got.command, a->command);
    assert_int_equal(got.lba, a->lba);
    assert_int_equal(got.data_len, 0);
}

static void ata_arguments(void **state)
{
    const struct aoe_ata read = {
        .aflags = AOE_AFLAG_EXTENDED,
        .count = 2,
        .command = 0x24,
        .lba = UINT64_C(0x0123456789),
    };
    const struct aoe_ata write = {
        .aflags = AOE_AFLAG_EXTENDED | AOE_AFLAG_WRITE,
        .count = 2,
        .command = 0x34,
        .lba = UINT64_C(0xffffffffffff),
    };
    const struct aoe_ata identify = {
        .count = 1,
        .command = 0xec,
        .lba = UINT64_C(0xa0000000),
    };
    const struct aoe_ata failed = {
        .feature = 0x10, .count = 2, .command = 0x41, .lba = 0xefffffff};

    (void)state;
    ata_argument(&read, (const uint8_t[]){0x40, 0, 2, 0x24, 0x89, 0x67, 0x45,
                                          0x23, 1, 0, 0, 0});
    ata_argument(&write, (const uint8_t[]){0x41, 0, 2, 0x34, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0, 0});
    ata_argument(&identify,
                 (const uint8_t[]){0, 0, 1, 0xec, 0, 0, 0, 0xa0, 0, 0, 0, 0});
    ata_argument(&failed, (const uint8_t[]){0, 0x10, 2, 0x41, 0xff, 0xff, 0xff,
                                            0xef, 0, 0, 0, 0});
}

/* ---- frames cut short, counts that lie ----------------------------------- */

static void header_of_every_length(void **state)
{
    (void)state;
    for (size_t len = 0; len <= sizeof(answer); len++) {
        uint8_t *frame = exact_copy(answer, len);
        struct aoe_header h;

        assert_int_equal(aoe_header_parse(frame, len, &h),
                         len < AOE_HEADER ? -EBADMSG : 0);
        free(frame);
    }
}

static void other_ethertype(void **state)
{
    uint8_t frame[60];
    struct aoe_header h;

    (void)state;
    memcpy(frame, discovery, sizeof(frame));
    frame[13] = 0xa3;
    assert_int_equal(aoe_header_parse(frame, sizeof(frame), &h), -EBADMSG);
    frame[12] = 0x81; /* a VLAN tag that was left in */
    frame[13] = 0x00;
    assert_int_equal(aoe_header_parse(frame, sizeof(frame), &h), -EBADMSG);
}

static void every_header_field(void **state)
{
    uint8_t frame[AOE_HEADER];
    struct aoe_header h;

    (void)state;
    memset(frame, 0xff, sizeof(frame));
    put_be16(frame + 12, AOE_ETHERTYPE);
    assert_int_equal(aoe_header_parse(frame, sizeof(frame), &h), 0);
    assert_int_equal(h.version, 15);
    /* The reserved flag bits are not passed on. */
    assert_int_equal(h.flags, AOE_FLAG_RESPONSE | AOE_FLAG_ERROR);
    assert_int_equal(h.error, 255);
    assert_int_equal(h.command, 255);
    assert_int_equal(h.tag, 0xffffffff);
    aoe_header_build(frame, &h);
    assert_int_equal(frame[14], 0xfc);
}

static void ata_of_every_length(void **state)
{
    uint8_t frame[AOE_ATA_HEADER + 2 * AOE_SECTOR];
    struct aoe_ata a = {.aflags = AOE_AFLAG_EXTENDED | AOE_AFLAG_WRITE,
                        .count = 255,
                        .command = 0x34};

    (void)state;
    memset(frame, 0x5a, sizeof(frame));
    build_header(frame, AOE_CMD_ATA);
    aoe_ata_build(frame, &a);
    for (size_t len = 0; len <= sizeof(frame); len++) {
        uint8_t *copy = exact_copy(frame, len);
        int e = aoe_ata_parse(copy, len, &a);

        assert_int_equal(e, len < AOE_ATA_HEADER ? -EBADMSG : 0);
        if (e == 0) {
            assert_ptr_equal(a.data, copy + AOE_ATA_HEADER);
            assert_int_equal(a.data_len, len - AOE_ATA_HEADER);
            assert_int_equal(a.count, 255);
        }
        free(copy);
    }
}

static void config_of_every_length(void **state)
{
    static const uint8_t string[] = "host1 lvol";
    uint8_t frame[80];
    struct aoe_config c = {.command = AOE_CONFIG_SET,
                           .length = sizeof(string) - 1,
                           .string = string};
    size_t full;

    (void)state;
    build_header(frame, AOE_CMD_CONFIG);
    full = aoe_config_build(frame, &c);
    assert_int_equal(full, AOE_CONFIG_HEADER + 10);
    for (size_t len = 0; len <= full; len++) {
        uint8_t *copy = exact_copy(frame, len);
        int e = aoe_config_parse(copy, len, &c);

        assert_int_equal(e, len < full ? -EBADMSG : 0);
        free(copy);
    }
    assert_int_equal(aoe_config_parse(frame, full, &c), 0);
    assert_int_equal(c.command, AOE_CONFIG_SET);
    assert_int_equal(c.length, 10);
    assert_memory_equal(c.string, string, 10);
}

/* vblade checks the length against the whole frame, and so takes up to 32 bytes
 * of an earlier frame for part of the string. */
static void config_length_counts_from_the_string(void **state)
{
    uint8_t frame[AOE_CONFIG_HEADER + 28] = {0};
    struct aoe_config c;

    (void)state;
    build_header(frame, AOE_CMD_CONFIG);
    put_be16(frame + 30, 28);
    assert_int_equal(aoe_config_parse(frame, sizeof(frame), &c), 0);
    put_be16(frame + 30, 29);
    assert_int_equal(aoe_config_parse(frame, sizeof(frame), &c), -EBADMSG);
    put_be16(frame + 30, 60);
    assert_int_equal(aoe_config_parse(frame, sizeof(frame), &c), -EBADMSG);
    put_be16(frame + 30, 0xffff);
    assert_int_equal(aoe_config_parse(frame, sizeof(frame), &c), -EBADMSG);
}

static void config_string_limit(void **state)
{
    static uint8_t frame[9000];
    struct aoe_config c = {0};

    (void)state;
    build_header(frame, AOE_CMD_CONFIG);
    put_be16(frame + 30, AOE_CONFIG_STRING_MAX);
    assert_int_equal(aoe_config_parse(frame, sizeof(frame), &c), 0);
    assert_int_equal(c.length, AOE_CONFIG_STRING_MAX);
    put_be16(frame + 30, AOE_CONFIG_STRING_MAX + 1);
    assert_int_equal(aoe_config_parse(frame, sizeof(frame), &c), -EBADMSG);
}

static void mask_of_every_length(void **state)
{
    uint8_t frame[80];
    struct aoe_mask m = {.command = AOE_MASK_EDIT, .count = 2};
    struct aoe_mac mac;
    uint8_t code;
    size_t full;

    (void)state;
    memset(frame, 0xee, sizeof(frame));
    build_header(frame, AOE_CMD_MASK);
    full = aoe_mask_build(frame, &m);
    assert_int_equal(full, AOE_MASK_HEADER);
    full = aoe_mask_add(frame, full, AOE_DIRECTIVE_ADD, &client);
    full = aoe_mask_add(frame, full, AOE_DIRECTIVE_DELETE, &server);
    assert_int_equal(full, AOE_MASK_HEADER + 2 * AOE_MASK_DIRECTIVE);
    assert_int_equal(frame[24], 0);
    assert_int_equal(frame[28], 0);
    for (size_t len = 0; len <= full; len++) {
        uint8_t *copy = exact_copy(frame, len);

        assert_int_equal(aoe_mask_parse(copy, len, &m),
                         len < full ? -EBADMSG : 0);
        free(copy);
    }
    assert_int_equal(aoe_mask_parse(frame, full, &m), 0);
    assert_int_equal(m.command, AOE_MASK_EDIT);
    assert_int_equal(m.count, 2);
    aoe_mask_get(&m, 0, &code, &mac);
    assert_int_equal(code, AOE_DIRECTIVE_ADD);
    assert_true(aoe_mac_equal(&mac, &client));
    aoe_mask_get(&m, 1, &code, &mac);
    assert_int_equal(code, AOE_DIRECTIVE_DELETE);
    assert_true(aoe_mac_equal(&mac, &server));
}

/* A response with MError counts to the failing directive and holds none; the
 * same byte in a request is reserved and excuses nothing. */
static void mask_error_response(void **state)
{
    uint8_t frame[AOE_MASK_HEADER];
    struct aoe_mask m = {
        .command = AOE_MASK_EDIT, .error = AOE_MERROR_FULL, .count = 33};

    (void)state;
    build_header(frame, AOE_CMD_MASK);
    aoe_mask_build(frame, &m);
    assert_int_equal(aoe_mask_parse(frame, sizeof(frame), &m), -EBADMSG);
    frame[14] |= AOE_FLAG_RESPONSE;
    assert_int_equal(aoe_mask_parse(frame, sizeof(frame), &m), 0);
    assert_int_equal(m.error, AOE_MERROR_FULL);
    assert_int_equal(m.count, 33);
    assert_null(m.directives);
}

static void lists_longer_than_their_frame(void **state)
{
    uint8_t frame[AOE_FRAME_MIN] = {0};
    struct aoe_mask m;
    struct aoe_reserve r;

    (void)state;
    build_header(frame, AOE_CMD_MASK);
    frame[27] = 4; /* 28 + 4 * 8 = 60 */
    assert_int_equal(aoe_mask_parse(frame, sizeof(frame), &m), 0);
    frame[27] = 5;
    assert_int_equal(aoe_mask_parse(frame, sizeof(frame), &m), -EBADMSG);
    frame[27] = 255;
    assert_int_equal(aoe_mask_parse(frame, sizeof(frame), &m), -EBADMSG);

    build_header(frame, AOE_CMD_RESERVE);
    frame[25] = 5; /* 26 + 5 * 6 = 56 */
    assert_int_equal(aoe_reserve_parse(frame, sizeof(frame), &r), 0);
    frame[25] = 6;
    assert_int_equal(aoe_reserve_parse(frame, sizeof(frame), &r), -EBADMSG);
    frame[25] = 255;
    assert_int_equal(aoe_reserve_parse(frame, sizeof(frame), &r), -EBADMSG);
}

static void reserve_of_every_length(void **state)
{
    const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    uint8_t frame[80];
    struct aoe_reserve r = {
        .command = AOE_RESERVE_FORCE, .count = 2, .macs = macs};
    size_t full;

    (void)state;
    build_header(frame, AOE_CMD_RESERVE);
    full = aoe_reserve_build(frame, &r);
    assert_int_equal(full, AOE_RESERVE_HEADER + sizeof(macs));
    for (size_t len = 0; len <= full; len++) {
        uint8_t *copy = exact_copy(frame, len);

        assert_int_equal(aoe_reserve_parse(copy, len, &r),
                         len < full ? -EBADMSG : 0);
        free(copy);
    }
    assert_int_equal(aoe_reserve_parse(frame, full, &r), 0);
    assert_int_equal(r.command, AOE_RESERVE_FORCE);
    assert_int_equal(r.count, 2);
    assert_memory_equal(r.macs, macs, sizeof(macs));
}

/* ---- answers built where the request was --------------------------------- */

static void answers_in_place(void **state)
{
    const uint8_t macs[6] = {2, 0, 0, 0, 0, 9};
    uint8_t frame[100];
    struct aoe_config c = {
        .command = AOE_CONFIG_FORCE, .length = 3, .string = macs};
    struct aoe_reserve r = {.count = 1, .macs = macs};
    size_t len;

    (void)state;
    build_header(frame, AOE_CMD_CONFIG);
    len = aoe_config_build(frame, &c);
    assert_int_equal(aoe_config_parse(frame, len, &c), 0);
    c.buffer_count = 16;
    assert_int_equal(aoe_config_build(frame, &c), len);
    assert_memory_equal(frame + AOE_CONFIG_HEADER, macs, 3);
    assert_int_equal(get_be16(frame + 24), 16);

    build_header(frame, AOE_CMD_RESERVE);
    len = aoe_reserve_build(frame, &r);
    assert_int_equal(aoe_reserve_parse(frame, len, &r), 0);
    r.command = AOE_RESERVE_SET;
    assert_int_equal(aoe_reserve_build(frame, &r), len);
    assert_memory_equal(frame + AOE_RESERVE_HEADER, macs, 6);
}

static void padding(void **state)
{
    uint8_t frame[64];

    (void)state;
    for (size_t len = AOE_HEADER; len <= sizeof(frame); len++) {
        size_t padded = len < 60 ? 60 : len;

        memset(frame, 0xee, sizeof(frame));
        assert_int_equal(aoe_pad(frame, len), padded);
        for (size_t i = 0; i < sizeof(frame); i++)
            assert_int_equal(frame[i], i >= len && i < padded ? 0 : 0xee);
    }
}

static void sectors_for_mtu(void **state)
{
    static const struct {
        unsigned mtu, sectors;
    } table[] = {
        {0, 0},       {35, 0},       {36, 0},           {547, 0},  {548, 1},
        {1500, 2},    {4131, 7},     {4132, 8},         {4200, 8}, {9000, 17},
        {65536, 127}, {131107, 255}, {UINT32_MAX, 255},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(aoe_sectors_for_mtu(table[i].mtu), table[i].sectors);
}

static void address_match(void **state)
{
    const struct aoe_addr mine = {1, 2};

    (void)state;
    assert_true(aoe_addr_matches(mine, mine));
    assert_true(aoe_addr_matches((struct aoe_addr){0xffff, 0xff}, mine));
    assert_true(aoe_addr_matches((struct aoe_addr){1, 0xff}, mine));
    assert_true(aoe_addr_matches((struct aoe_addr){0xffff, 2}, mine));
    assert_false(aoe_addr_matches((struct aoe_addr){1, 3}, mine));
    assert_false(aoe_addr_matches((struct aoe_addr){2, 2}, mine));
    assert_false(aoe_addr_matches((struct aoe_addr){2, 0xff}, mine));
    assert_false(aoe_addr_matches((struct aoe_addr){0xffff, 3}, mine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discovery_request),
        cmocka_unit_test(discovery_answer),
        cmocka_unit_test(ata_arguments),
        cmocka_unit_test(header_of_every_length),
        cmocka_unit_test(other_ethertype),
        cmocka_unit_test(every_header_field),
        cmocka_unit_test(ata_of_every_length),
        cmocka_unit_test(config_of_every_length),
        cmocka_unit_test(config_length_counts_from_the_string),
        cmocka_unit_test(config_string_limit),
        cmocka_unit_test(mask_of_every_length),
        cmocka_unit_test(mask_error_response),
        cmocka_unit_test(lists_longer_than_their_frame),
        cmocka_unit_test(reserve_of_every_length),
        cmocka_unit_test(answers_in_place),
        cmocka_unit_test(padding),
        cmocka_unit_test(sectors_for_mtu),
        cmocka_unit_test(address_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
