/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Disk names and MAC addresses as people type them: what is accepted, and what
 * must not be.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/lib/exact.h"
#include "wire/aoe.h"

static const struct aoe_mac one = {{2, 0, 0, 0, 0, 1}};
static const struct aoe_mac two = {{2, 0, 0, 0, 0, 2}};

static void mac_text(void **state)
{
    static const char *const bad[] = {
        "",
        "0",
        "02",
        "02:00:00:00:00",
        "02:00:00:00:00:1",
        "02:00:00:00:00:011",
        "02:00:00:00:00:01:",
        "02:00:00:00:00:01 ",
        " 02:00:00:00:00:01",
        "02-00-00-00-00-01",
        "02:0000000001",
        "0200:00:00:00:01",
        "02:00:00:00:00:0g",
        "0x0000000001",
        "02000000000",
        "0200000000011",
        "+2:00:00:00:00:01",
    };
    struct aoe_mac m;
    char text[AOE_MAC_TEXT];

    (void)state;
    assert_string_equal(aoe_mac_format(text, &one), "02:00:00:00:00:01");
    assert_string_equal(aoe_mac_format(text, &aoe_mac_broadcast),
                        "ff:ff:ff:ff:ff:ff");
    assert_int_equal(aoe_mac_scan("02:00:00:00:00:01", &m), 0);
    assert_true(aoe_mac_equal(&m, &one));
    assert_int_equal(aoe_mac_scan("020000000002", &m), 0);
    assert_true(aoe_mac_equal(&m, &two));
    assert_int_equal(aoe_mac_scan("Ab:cD:ef:09:aF:F0", &m), 0);
    assert_string_equal(aoe_mac_format(text, &m), "ab:cd:ef:09:af:f0");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *copy = (char *)exact_copy(bad[i], strlen(bad[i]) + 1);

        if (aoe_mac_scan(copy, &m) != -EINVAL)
            fail_msg("'%s' was taken for a MAC address", bad[i]);
        free(copy);
    }
}

static void address_text(void **state)
{
    static const char *const bad[] = {
        "",
        "e",
        "e1",
        "1",
        "e1.",
        "e.2",
        ".2",
        "e1.2.3",
        "e1.2 ",
        " e1.2",
        "e-1.2",
        "e1.-2",
        "e+1.2",
        "e65535.0",
        "e65536.0",
        "e1.255",
        "e1.256",
        "e1,2",
        "E1.2x",
        "ee1.2",
        "e0x1.2",
        "e1.2p1",
        "e1. 2",
        "x1.2",
        "e4294967297.1",
        "e1.18446744073709551617",
    };
    struct aoe_addr a;
    char text[AOE_ADDR_TEXT];

    (void)state;
    assert_int_equal(aoe_addr_scan("e1.2", &a), 0);
    assert_int_equal(a.shelf, 1);
    assert_int_equal(a.slot, 2);
    assert_int_equal(aoe_addr_scan("65534.254", &a), 0);
    assert_int_equal(a.shelf, 65534);
    assert_int_equal(a.slot, 254);
    assert_string_equal(aoe_addr_format(text, a), "e65534.254");
    assert_int_equal(aoe_addr_scan("e0.0", &a), 0);
    assert_string_equal(aoe_addr_format(text, a), "e0.0");
    a = (struct aoe_addr){AOE_SHELF_ALL, AOE_SLOT_ALL};
    assert_string_equal(aoe_addr_format(text, a), "e65535.255");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *copy = (char *)exact_copy(bad[i], strlen(bad[i]) + 1);

        if (aoe_addr_scan(copy, &a) != -EINVAL)
            fail_msg("'%s' was taken for a disk", bad[i]);
        free(copy);
    }
}

static void error_text(void **state)
{
    (void)state;
    assert_string_equal(aoe_error_text(AOE_ERR_COMMAND),
                        "unrecognized command code");
    for (unsigned e = 0; e < 256; e++)
        assert_non_null(aoe_error_text((uint8_t)e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mac_text),
        cmocka_unit_test(address_text),
        cmocka_unit_test(error_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
