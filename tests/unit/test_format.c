/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Values as text: what fits, what is rounded, and that nothing from the wire
 * reaches a terminal unescaped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/format.h"

static void assert_bytes(uint64_t bytes, const char *expected)
{
    char text[32];

    format_bytes(text, sizeof text, bytes);
    assert_string_equal(text, expected);
}

static void bytes_in_powers_of_1000(void **state)
{
    (void)state;
    assert_bytes(0, "0 B");
    assert_bytes(999, "999 B");
    assert_bytes(1000, "1.0 kB");
    assert_bytes(1500, "1.5 kB");
    assert_bytes(9949, "9.9 kB");
    assert_bytes(9950, "10 kB");
    assert_bytes(999499, "999 kB");
    assert_bytes(999500, "1.0 MB"); /* never "1000 kB" */
    assert_bytes(2000398934016, "2.0 TB");
    assert_bytes(UINT64_MAX, "18 EB");
}

static void mac(void **state)
{
    static const uint8_t address[6] = {0x02, 0, 0xab, 0xff, 0x10, 0x01};
    char text[FORMAT_MAC];

    (void)state;
    assert_ptr_equal(format_mac(text, address), text);
    assert_string_equal(text, "02:00:ab:ff:10:01");
}

static void escapes_what_is_not_printable(void **state)
{
    static const uint8_t bytes[] = "a b~\x1b[2J\\\n\x7f\xc3\xa9";
    char text[64];

    (void)state;
    format_escaped(text, sizeof text, bytes, sizeof bytes);
    assert_string_equal(text, "a b~\\x1b[2J\\x5c\\x0a\\x7f\\xc3\\xa9\\x00");
    format_escaped(text, sizeof text, bytes, 0);
    assert_string_equal(text, "");
}

static void escapes_as_much_as_fits(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3, 4};
    char text[12];

    (void)state;
    memset(text, 'x', sizeof text);
    format_escaped(text, 10, bytes, sizeof bytes);
    assert_string_equal(text, "\\x01\\x02");
    assert_int_equal(text[10], 'x');
    format_escaped(text, 1, bytes, sizeof bytes);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_in_powers_of_1000),
        cmocka_unit_test(mac),
        cmocka_unit_test(escapes_what_is_not_printable),
        cmocka_unit_test(escapes_as_much_as_fits),
    };

    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
