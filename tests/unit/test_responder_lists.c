/* SPDX-License-Identifier: BSD-2-Clause
 *
 * MAC Mask List and Reserve/Release.
 */
#include "tests/unit/exchange.h"

static struct bench bench, *b = &bench;

static int setup(void **state)
{
    (void)state;
    bench_init(b);
    return 0;
}

static struct aoe_mac numbered(unsigned n)
{
    return (struct aoe_mac){{2, 1, 0, 0, (uint8_t)(n >> 8), (uint8_t)n}};
}

/* ---- mask list ---------------------------------------------------------- */

static void ask_mask(uint8_t command, unsigned count)
{
    struct aoe_mask m = {.command = command, .count = (uint8_t)count};

    ask(b, AOE_CMD_MASK);
    b->request_len = aoe_mask_build(b->request, &m);
}

static void directive(uint8_t code, const struct aoe_mac *m)
{
    b->request_len = aoe_mask_add(b->request, b->request_len, code, m);
}

/* Sends an edit of one directive. */
static void edit(uint8_t code, const struct aoe_mac *m)
{
    ask_mask(AOE_MASK_EDIT, 1);
    directive(code, m);
    bench_send(b);
}

static struct aoe_mask mask_of(void)
{
    struct aoe_mask m;

    assert_int_equal(b->verdict, RESPONDER_REPLY);
    assert_int_equal(b->reply[14], 0x18);
    assert_int_equal(aoe_mask_parse(b->reply, b->reply_len, &m), 0);
    return m;
}

static void expect_masked(unsigned i, const struct aoe_mac *want)
{
    struct aoe_mask m = mask_of();
    struct aoe_mac mac;
    uint8_t code;

    assert_true(i < m.count);
    aoe_mask_get(&m, i, &code, &mac);
    assert_int_equal(code, AOE_DIRECTIVE_NONE);
    assert_true(aoe_mac_equal(&mac, want));
}

static void mask_edits(void **state)
{
    (void)state;
    ask_mask(AOE_MASK_READ, 0);
    bench_send(b);
    assert_int_equal(mask_of().count, 0);
    edit(AOE_DIRECTIVE_ADD, &client);
    assert_int_equal(mask_of().count, 1);
    expect_masked(0, &client);
    edit(AOE_DIRECTIVE_ADD, &client); /* there already: success */
    assert_int_equal(mask_of().count, 1);
    edit(AOE_DIRECTIVE_ADD, &other);
    assert_int_equal(mask_of().count, 2);
    expect_masked(1, &other);
    edit(AOE_DIRECTIVE_DELETE, &own); /* not there: success */
    assert_int_equal(mask_of().count, 2);
    edit(AOE_DIRECTIVE_NONE, &own);
    assert_int_equal(mask_of().count, 2);
    edit(AOE_DIRECTIVE_DELETE, &other);
    assert_int_equal(mask_of().count, 1);
    expect_masked(0, &client);
    ask_mask(7, 0);
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
    ask_mask(7, 0);
    ask_everyone(b);
    bench_send(b);
    expect_silence(b);
}

static void deletion_keeps_the_others(void **state)
{
    struct aoe_mac last = numbered(1);

    (void)state;
    edit(AOE_DIRECTIVE_ADD, &client);
    edit(AOE_DIRECTIVE_ADD, &other);
    edit(AOE_DIRECTIVE_ADD, &last);
    ask_mask(AOE_MASK_EDIT, 1);
    directive(AOE_DIRECTIVE_DELETE, &other);
    bench_send(b);
    assert_int_equal(mask_of().count, 2);
    expect_masked(0, &client);
    expect_masked(1, &last);
}

static void editor_locks_itself_out(void **state)
{
    (void)state;
    edit(AOE_DIRECTIVE_ADD, &other);
    assert_int_equal(mask_of().count, 1);
    ask_mask(AOE_MASK_READ, 0);
    bench_send(b);
    expect_silence(b);
}

static void failing_directive_is_named(void **state)
{
    struct aoe_mac first = numbered(1), third = numbered(3);
    struct aoe_mask m;

    (void)state;
    ask_mask(AOE_MASK_EDIT, 4);
    directive(AOE_DIRECTIVE_ADD, &client);
    directive(AOE_DIRECTIVE_ADD, &first);
    directive(9, &third);
    directive(AOE_DIRECTIVE_ADD, &third);
    bench_send(b);
    m = mask_of();
    assert_int_equal(m.error, AOE_MERROR_DIRECTIVE);
    assert_int_equal(m.count, 2);
    /* Those before it were carried out, those after it were not. */
    assert_int_equal(b->export.mask.count, 2);
    assert_true(mac_list_contains(&b->export.mask, &first));
}

static void mask_list_fits_its_response(void **state)
{
    struct aoe_mac m;
    unsigned i;

    (void)state;
    mac_list_add(&b->export.mask, &client, 255);
    for (i = 1; i < 185; i++) {
        m = numbered(i);
        edit(AOE_DIRECTIVE_ADD, &m);
        assert_int_equal(mask_of().error, 0);
        assert_int_equal(mask_of().count, i + 1);
    }
    m = numbered(i);
    edit(AOE_DIRECTIVE_ADD, &m);
    assert_int_equal(mask_of().error, AOE_MERROR_FULL);
    assert_int_equal(mask_of().count, 0);
    b->mtu = 9000;
    for (; i < 255; i++) {
        m = numbered(i);
        edit(AOE_DIRECTIVE_ADD, &m);
        assert_int_equal(mask_of().error, 0);
    }
    m = numbered(i);
    edit(AOE_DIRECTIVE_ADD, &m);
    assert_int_equal(mask_of().error, AOE_MERROR_FULL);
    /* An interface with a smaller MTU tells as much as fits. */
    b->mtu = 1500;
    ask_mask(AOE_MASK_READ, 0);
    bench_send(b);
    assert_int_equal(mask_of().count, 185);
}

static void mask_count_beyond_the_frame(void **state)
{
    (void)state;
    ask_mask(AOE_MASK_EDIT, 3);
    directive(AOE_DIRECTIVE_ADD, &client);
    directive(AOE_DIRECTIVE_ADD, &other);
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
    assert_int_equal(b->export.mask.count, 0);
}

/* ---- reservation -------------------------------------------------------- */

static void ask_reserve(uint8_t command, const struct aoe_mac *from,
                        const struct aoe_mac *macs, unsigned count)
{
    struct aoe_reserve r = {.command = command,
                            .count = (uint8_t)count,
                            .macs = count ? macs->b : NULL};

    ask(b, AOE_CMD_RESERVE);
    ask_from(b, from);
    b->request_len = aoe_reserve_build(b->request, &r);
    bench_send(b);
}

static struct aoe_reserve reserve_of(void)
{
    struct aoe_reserve r;

    assert_int_equal(b->verdict, RESPONDER_REPLY);
    assert_int_equal(b->reply[14], 0x18);
    assert_int_equal(aoe_reserve_parse(b->reply, b->reply_len, &r), 0);
    return r;
}

static void reserve_and_release(void **state)
{
    struct aoe_mac two[2] = {client, other};

    (void)state;
    ask_reserve(AOE_RESERVE_READ, &client, NULL, 0);
    assert_int_equal(reserve_of().count, 0);
    ask_reserve(AOE_RESERVE_SET, &client, &client, 1);
    assert_int_equal(reserve_of().count, 1);
    assert_memory_equal(reserve_of().macs, client.b, 6);
    ask_reserve(AOE_RESERVE_SET, &other, &other, 1);
    expect_error(b, AOE_ERR_RESERVED);
    ask_reserve(AOE_RESERVE_READ, &other, NULL, 0);
    assert_memory_equal(reserve_of().macs, client.b, 6);
    ask_reserve(AOE_RESERVE_SET, &client, two, 2);
    assert_int_equal(reserve_of().count, 2);
    ask_reserve(AOE_RESERVE_SET, &other, NULL, 0);
    assert_int_equal(reserve_of().count, 0);
    ask_reserve(AOE_RESERVE_SET, &client, &client, 1);
    ask_reserve(AOE_RESERVE_FORCE, &other, &other, 1);
    assert_memory_equal(reserve_of().macs, other.b, 6);
    ask_reserve(3, &client, NULL, 0);
    expect_error(b, AOE_ERR_ARGUMENT);
}

static void reservation_gates_ata(void **state)
{
    (void)state;
    ask_reserve(AOE_RESERVE_SET, &other, &other, 1);
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 1);
    bench_send(b);
    expect_error(b, AOE_ERR_RESERVED);
    assert_int_equal(b->runs, 0);
    ask_write(b, ATA_WRITE_SECTORS, 0, 0, 1);
    bench_send(b);
    expect_error(b, AOE_ERR_RESERVED);
    assert_int_equal(b->runs, 0);
    ask_ata(b, ATA_FLUSH_CACHE, 0, 0, 0);
    bench_send(b);
    expect_error(b, AOE_ERR_RESERVED);
    ask_ata(b, ATA_IDENTIFY, 0, 0, 1);
    bench_send(b);
    expect_ok(b);
    ask_config(b, AOE_CONFIG_READ, "");
    bench_send(b);
    assert_int_equal(b->reply[14], 0x18);
    ask_ata(b, ATA_READ_SECTORS, 0, 0, 1);
    ask_from(b, &other);
    bench_send(b);
    expect_ok(b);
}

static void reserve_lists_fit_their_response(void **state)
{
    struct aoe_mac many[255];

    (void)state;
    for (unsigned i = 0; i < 255; i++)
        many[i] = numbered(i);
    ask_reserve(AOE_RESERVE_SET, &client, many, 248);
    assert_int_equal(reserve_of().count, 248);
    ask_reserve(AOE_RESERVE_FORCE, &client, many, 249);
    expect_error(b, AOE_ERR_ARGUMENT);
    assert_int_equal(b->export.reserve.count, 248);
    b->mtu = 4200;
    ask_reserve(AOE_RESERVE_FORCE, &client, many, 255);
    assert_int_equal(reserve_of().count, 255);
    b->mtu = 1500;
    ask_reserve(AOE_RESERVE_READ, &client, NULL, 0);
    assert_int_equal(reserve_of().count, 248);
}

static void reserve_count_beyond_the_frame(void **state)
{
    (void)state;
    ask(b, AOE_CMD_RESERVE);
    b->request[24] = AOE_RESERVE_SET;
    b->request[25] = 2;
    memcpy(b->request + 26, client.b, 6);
    b->request_len = 32;
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
    assert_int_equal(b->export.reserve.count, 0);
}

/* ---- who may change them --------------------------------------------------
 */

static void others_may_only_read(void **state)
{
    (void)state;
    b->export.admin = EXPORT_ADMIN_LISTED;
    mac_list_add(&b->export.admins, &client, EXPORT_LIST_MAX);
    ask_reserve(AOE_RESERVE_FORCE, &other, &other, 1);
    expect_error(b, AOE_ERR_ARGUMENT);
    assert_int_equal(b->export.reserve.count, 0);
    ask_reserve(AOE_RESERVE_SET, &client, &client, 1);
    assert_int_equal(reserve_of().count, 1);
    ask_reserve(AOE_RESERVE_READ, &other, NULL, 0);
    assert_int_equal(reserve_of().count, 1);
    ask_config(b, AOE_CONFIG_SET, "mine");
    bench_send(b);
    assert_int_equal(b->export.config_len, 4);
    b->export.admin = EXPORT_ADMIN_NONE;
    ask_config(b, AOE_CONFIG_FORCE, "yours");
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
    assert_memory_equal(b->export.config, "mine", 4);
    ask_mask(AOE_MASK_EDIT, 1);
    directive(AOE_DIRECTIVE_ADD, &other);
    bench_send(b);
    expect_error(b, AOE_ERR_ARGUMENT);
    assert_int_equal(b->export.mask.count, 0);
    assert_int_equal(b->export.counts[COUNT_REFUSED], 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mask_edits, setup),
        cmocka_unit_test_setup(deletion_keeps_the_others, setup),
        cmocka_unit_test_setup(editor_locks_itself_out, setup),
        cmocka_unit_test_setup(failing_directive_is_named, setup),
        cmocka_unit_test_setup(mask_list_fits_its_response, setup),
        cmocka_unit_test_setup(mask_count_beyond_the_frame, setup),
        cmocka_unit_test_setup(reserve_and_release, setup),
        cmocka_unit_test_setup(reservation_gates_ata, setup),
        cmocka_unit_test_setup(reserve_lists_fit_their_response, setup),
        cmocka_unit_test_setup(reserve_count_beyond_the_frame, setup),
        cmocka_unit_test_setup(others_may_only_read, setup),
    };

    return cmocka_run_group_tests_name("responder lists", tests, NULL, NULL);
}
