/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which frames are answered at all, Query Config and the announcement.
 */
#include "tests/unit/exchange.h"

static struct bench bench, *b = &bench;

static int setup(void **state)
{
    (void)state;
    bench_init(b);
    return 0;
}

static struct aoe_config config_of(void)
{
    struct aoe_config c;

    assert_int_equal(b->verdict, RESPONDER_REPLY);
    assert_int_equal(aoe_config_parse(b->reply, b->reply_len, &c), 0);
    return c;
}

static void expect_config(const char *text)
{
    struct aoe_config c = config_of();

    assert_int_equal(b->reply[14], 0x18);
    assert_int_equal(c.length, strlen(text));
    assert_memory_equal(c.string, text, c.length);
}

/* ---- frames ------------------------------------------------------------- */

static void responses_are_ignored(void **state)
{
    (void)state;
    ask_config(b, AOE_CONFIG_READ, "");
    b->request[14] |= AOE_FLAG_RESPONSE;
    bench_send(b);
    assert_int_equal(b->refusal, RESPONDER_RESPONSE);
}

static void unanswerable_sources_are_ignored(void **state)
{
    static const struct aoe_mac multicast = {{3, 0, 0, 0, 0, 1}};

    (void)state;
    ask_config(b, AOE_CONFIG_READ, "");
    ask_from(b, &aoe_mac_broadcast);
    bench_send(b);
    assert_int_equal(b->refusal, RESPONDER_SOURCE);
    ask_from(b, &multicast);
    bench_send(b);
    assert_int_equal(b->refusal, RESPONDER_SOURCE);
    ask_from(b, &own);
    bench_send(b);
    assert_int_equal(b->refusal, RESPONDER_SOURCE);
}

static void other_disks_are_ignored(void **state)
{
    (void)state;
    ask_config(b, AOE_CONFIG_READ, "");
    put_be16(b->request + 16, 2);
    bench_send(b);
    expect_silence(b);
}

static void wildcards_match(void **state)
{
    (void)state;
    ask_config(b, AOE_CONFIG_READ, "");
    put_be16(b->request + 16, 0xffff);
    bench_send(b);
    config_of();
    ask_config(b, AOE_CONFIG_READ, "");
    b->request[18] = 0xff;
    bench_send(b);
    config_of();
    ask_config(b, AOE_CONFIG_READ, "");
    ask_everyone(b);
    bench_send(b);
    config_of();
}

/* A frame to many disks executes nothing, and only discovery is answered: the
 * answers to one forged frame would be many times as large. */
static void wildcards_find_and_do_nothing_else(void **state)
{
    static const uint8_t wild[][3] = {
        {0xff, 0xff, 0xff}, {0, 1, 0xff}, {0xff, 0xff, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
        for (unsigned command = 0; command < 256; command++) {
            ask(b, (uint8_t)command);
            b->request_len = AOE_FRAME_MIN;
            memcpy(b->request + 16, wild[i], 3);
            bench_send(b);
            if (command == AOE_CMD_CONFIG)
                config_of();
            else
                expect_silence(b);
        }
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            ask_ata(b, (uint8_t)opcode, AOE_AFLAG_EXTENDED, 0, 1);
            memcpy(b->request + 16, wild[i], 3);
            bench_send(b);
            if (opcode == ATA_IDENTIFY)
                assert_int_equal(b->verdict, RESPONDER_REPLY);
            else
                expect_silence(b);
        }
    }
}

static void version_error_only_to_us(void **state)
{
    (void)state;
    ask_config(b, AOE_CONFIG_READ, "");
    b->request[14] = 0x20;
    bench_send(b);
    expect_error(b, AOE_ERR_VERSION);
    assert_int_equal(b->reply_len, AOE_FRAME_MIN);
    memset(b->request, 0xff, 6); /* broadcast, our address */
    bench_send(b);
    expect_silence(b);
    ask_everyone(b);
    bench_send(b);
    expect_silence(b);
}

static void unknown_commands(void **state)
{
    static const uint8_t commands[] = {4, 5, 0x7f, 0xf0, 0xff};

    (void)state;
    for (size_t i = 0; i < sizeof commands; i++) {
        ask(b, commands[i]);
        add_data(b, 1000, 0x77);
        bench_send(b);
        expect_error(b, AOE_ERR_COMMAND);
        /* No echo: nothing to amplify. */
        assert_int_equal(b->reply_len, AOE_FRAME_MIN);
        ask_everyone(b);
        bench_send(b);
        expect_silence(b);
    }
}

/* Each frame cut at each byte: nothing beyond what came is read (bench_send
 * checks that), and a frame shorter than its command's header gets no
 * answer. */
static void truncated_frames(void **state)
{
    static const size_t headers[] = {AOE_ATA_HEADER, AOE_CONFIG_HEADER,
                                     AOE_MASK_HEADER, AOE_RESERVE_HEADER};

    (void)state;
    for (unsigned kind = 0; kind < 8; kind++) {
        size_t whole;

        switch (kind) {
        case 0:
            ask_write(b, ATA_WRITE_SECTORS_EXT, AOE_AFLAG_EXTENDED, 3, 2);
            break;
        case 1:
            ask_config(b, AOE_CONFIG_FORCE, "a string of some length");
            break;
        case 2:
            ask(b, AOE_CMD_MASK);
            memcpy(b->request + 24, "\0\1\0\2\0\1\2\0\0\0\0\2\0\1\2\0\0\0\0\3",
                   20);
            b->request_len = 44;
            break;
        case 3:
            ask(b, AOE_CMD_RESERVE);
            memcpy(b->request + 24, "\1\2\2\0\0\0\0\2\2\0\0\0\0\3", 14);
            b->request_len = 38;
            break;
        case 4:
            ask_ata(b, ATA_READ_SECTORS, 0, 1, 2);
            break;
        case 5:
            ask_ata(b, ATA_IDENTIFY, 0, 0, 1);
            break;
        case 6:
            ask_ata(b, ATA_DATA_SET_MANAGEMENT, AOE_AFLAG_WRITE, 0, 1);
            b->request[25] = ATA_FEATURE_TRIM;
            add_data(b, 512, 0);
            memset(b->request + 36, 0, 512);
            ata_trim_put(b->request + 36, 10, 5);
            break;
        case 7:
            ask_config(b, AOE_CONFIG_PREFIX, "");
            break;
        }
        whole = b->request_len;
        for (size_t len = 0; len <= whole; len++) {
            struct bench fresh = *b;

            b->request_len = len;
            bench_send(b);
            if (len < AOE_HEADER)
                assert_int_equal(b->refusal, RESPONDER_SHORT);
            else if (len < headers[b->request[19]])
                expect_silence(b);
            else
                assert_int_equal(b->verdict, RESPONDER_REPLY);
            if (len < whole) {
                /* Half a command changes nothing. */
                assert_int_equal(b->export.config_len, 0);
                assert_int_equal(b->export.mask.count, 0);
                assert_int_equal(b->export.reserve.count, 0);
                assert_memory_equal(b->disk, fresh.disk, sizeof b->disk);
            }
            *b = fresh;
        }
    }
}

static void masked_clients_are_not_answered(void **state)
{
    (void)state;
    mac_list_add(&b->export.mask, &client, 255);
    ask_config(b, AOE_CONFIG_READ, "");
    bench_send(b);
    config_of();
    ask_from(b, &other);
    bench_send(b);
    expect_silence(b);
    assert_int_equal(b->export.counts[COUNT_DROP_MASKED], 1);
    ask(b, 0x42);
    ask_from(b, &other);
    bench_send(b);
    expect_silence(b);
    ask_ata(b, ATA_IDENTIFY, 0, 0, 1);
    ask_from(b, &other);
    b->request[14] = 0x30;
    bench_send(b);
    expect_silence(b);
}

/* ---- Query Config ------------------------------------------------------- */

static void config_describes_the_target(void **state)
{
    struct aoe_config c;

    (void)state;
    ask_config(b, AOE_CONFIG_READ, "ignored");
    bench_send(b);
    c = config_of();
    assert_int_equal(c.buffer_count, 16);
    assert_int_equal(c.firmware, 0xa010);
    assert_int_equal(c.sector_count, 2);
    assert_int_equal(c.version, 1);
    assert_int_equal(c.command, AOE_CONFIG_READ);
    assert_int_equal(c.length, 0);
    assert_int_equal(b->reply_len, AOE_FRAME_MIN);
}

static void sector_count_follows_the_interface(void **state)
{
    static const struct {
        unsigned mtu, sectors;
    } known[] = {{500, 1},  {547, 1},   {1500, 2},
                 {4200, 8}, {9000, 17}, {65535, 127}};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        ask_config(b, AOE_CONFIG_READ, "");
        b->mtu = known[i].mtu;
        bench_send(b);
        assert_int_equal(config_of().sector_count, known[i].sectors);
    }
}

static void config_set_and_test(void **state)
{
    (void)state;
    ask_config(b, AOE_CONFIG_TEST, "");
    bench_send(b);
    expect_config("");
    ask_config(b, AOE_CONFIG_SET, "host1 lvol");
    bench_send(b);
    expect_config("host1 lvol");
    ask_config(b, AOE_CONFIG_SET, "host1 lvol"); /* retransmitted */
    bench_send(b);
    expect_config("host1 lvol");
    ask_config(b, AOE_CONFIG_SET, "host2");
    bench_send(b);
    expect_error(b, AOE_ERR_CONFIG_PRESENT);
    assert_int_equal(config_of().length, 10); /* it tells which */
    assert_memory_equal(config_of().string, "host1 lvol", 10);
    ask_config(b, AOE_CONFIG_SET, "");
    bench_send(b);
    expect_error(b, AOE_ERR_CONFIG_PRESENT);

    ask_config(b, AOE_CONFIG_TEST, "host1 lvol");
    bench_send(b);
    expect_config("host1 lvol");
    ask_config(b, AOE_CONFIG_TEST, "host1");
    bench_send(b);
    expect_silence(b);
    ask_config(b, AOE_CONFIG_PREFIX, "host1");
    bench_send(b);
    expect_config("host1 lvol");
    ask_config(b, AOE_CONFIG_PREFIX, "");
    bench_send(b);
    expect_config("host1 lvol");
    ask_config(b, AOE_CONFIG_PREFIX, "host1 lvol and more");
    bench_send(b);
    expect_silence(b);

    ask_config(b, AOE_CONFIG_FORCE, "host2");
    bench_send(b);
    expect_config("host2");
    ask_config(b, AOE_CONFIG_FORCE, "");
    bench_send(b);
    expect_config("");
    ask_config(b, 5, "");
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
}

static void config_lengths(void **state)
{
    char longest[AOE_CONFIG_STRING_MAX + 1];

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ask_config(b, AOE_CONFIG_FORCE, longest);
    bench_send(b);
    expect_config(longest);
    assert_int_equal(b->reply_len, AOE_CONFIG_HEADER + 1024);

    /* The length counts what came, not what the frame could hold. */
    ask_config(b, AOE_CONFIG_FORCE, "28 bytes of data, 60 claimed");
    put_be16(b->request + 30, 60);
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
    put_be16(b->request + 30, 1025);
    b->request_len = AOE_CONFIG_HEADER + 1025;
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
    ask_everyone(b);
    bench_send(b);
    expect_silence(b);

    /* Trailing bytes, as aoecfg always sends, are not the string. */
    ask_config(b, AOE_CONFIG_FORCE, "short");
    add_data(b, 900, 1);
    bench_send(b);
    expect_config("short");
}

static void config_that_does_not_fit_is_refused(void **state)
{
    char text[301];

    (void)state;
    memset(text, 'y', 300);
    text[300] = '\0';
    b->mtu = 300;
    ask_config(b, AOE_CONFIG_SET, text);
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
    assert_int_equal(b->export.config_len, 0);
    /* Set by a larger interface, it cannot be told on this one. */
    export_set_config(&b->export, (const uint8_t *)text, 300);
    ask_config(b, AOE_CONFIG_READ, "");
    bench_send(b);
    expect_silence(b);
}

static void announcement(void **state)
{
    uint8_t frame[CAPACITY];
    struct exchange x = {.frame = frame,
                         .capacity = sizeof frame,
                         .mac = &own,
                         .mtu = 1500,
                         .export = &b->export};
    struct aoe_header h;
    struct aoe_config c;
    uint32_t len;

    (void)state;
    memset(frame, 0xa5, sizeof frame);
    export_set_config(&b->export, (const uint8_t *)"mine", 4);
    len = responder_announce(&x, &aoe_mac_broadcast);
    assert_int_equal(len, AOE_FRAME_MIN);
    assert_int_equal(aoe_header_parse(frame, len, &h), 0);
    assert_true(aoe_mac_equal(&h.dst, &aoe_mac_broadcast));
    assert_true(aoe_mac_equal(&h.src, &own));
    assert_int_equal(frame[14], 0x18); /* version 1, which vblade forgets */
    assert_int_equal(h.tag, 0);
    assert_int_equal(h.command, AOE_CMD_CONFIG);
    assert_int_equal(aoe_config_parse(frame, len, &c), 0);
    assert_int_equal(c.buffer_count, 16);
    assert_int_equal(c.length, 4);
    for (unsigned i = AOE_CONFIG_HEADER + 4; i < len; i++)
        assert_int_equal(frame[i], 0);
}

static void loopback_has_no_addresses(void **state)
{
    static const struct aoe_mac zero;
    uint8_t frame[AOE_FRAME_MIN] = {0};
    struct exchange x = {.frame = frame,
                         .len = AOE_FRAME_MIN,
                         .capacity = sizeof frame,
                         .mac = &zero,
                         .mtu = 1500,
                         .export = &b->export};

    (void)state;
    frame[12] = 0x88;
    frame[13] = 0xa2;
    frame[14] = 0x10;
    assert_int_equal(responder_accept(&x), RESPONDER_ACCEPTED);
}

static void serials_differ(void **state)
{
    struct export a = b->export, c = b->export;

    (void)state;
    export_set_serial(&a, 1, 0);
    export_set_serial(&c, 1, 0);
    assert_string_equal(a.serial, c.serial);
    assert_int_equal(strlen(a.serial), 20);
    export_set_serial(&c, 2, 0);
    assert_string_not_equal(a.serial, c.serial);
    export_set_serial(&c, 1, 8);
    assert_string_not_equal(a.serial, c.serial);
    c.addr.slot = 3;
    export_set_serial(&c, 1, 0);
    assert_string_not_equal(a.serial, c.serial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(responses_are_ignored, setup),
        cmocka_unit_test_setup(unanswerable_sources_are_ignored, setup),
        cmocka_unit_test_setup(other_disks_are_ignored, setup),
        cmocka_unit_test_setup(wildcards_match, setup),
        cmocka_unit_test_setup(wildcards_find_and_do_nothing_else, setup),
        cmocka_unit_test_setup(version_error_only_to_us, setup),
        cmocka_unit_test_setup(unknown_commands, setup),
        cmocka_unit_test_setup(truncated_frames, setup),
        cmocka_unit_test_setup(masked_clients_are_not_answered, setup),
        cmocka_unit_test_setup(config_describes_the_target, setup),
        cmocka_unit_test_setup(sector_count_follows_the_interface, setup),
        cmocka_unit_test_setup(config_set_and_test, setup),
        cmocka_unit_test_setup(config_lengths, setup),
        cmocka_unit_test_setup(config_that_does_not_fit_is_refused, setup),
        cmocka_unit_test_setup(announcement, setup),
        cmocka_unit_test_setup(loopback_has_no_addresses, setup),
        cmocka_unit_test_setup(serials_differ, setup),
    };

    return cmocka_run_group_tests_name("responder", tests, NULL, NULL);
}
