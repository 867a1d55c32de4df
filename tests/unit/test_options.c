/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers as people type them: the whole text is the number, or it is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"

static int u64(const char *text, uint64_t *n)
{
    return option_u64(text, 5, 100, n);
}

static void numbers(void **state)
{
    uint64_t n = 0;

    (void)state;
    assert_int_equal(u64("5", &n), 0);
    assert_int_equal(n, 5);
    assert_int_equal(u64("100", &n), 0);
    assert_int_equal(n, 100);
    assert_int_equal(u64("0x1F", &n), 0);
    assert_int_equal(n, 31);
    assert_int_equal(u64("5", &n), 0);
    assert_int_equal(option_u64("18446744073709551615", 0, UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
}

/* Nobody knows whether octal is meant. */
static void leading_zeros(void **state)
{
    uint64_t n = 42;

    (void)state;
    assert_int_equal(u64("010", &n), -EDOM);
    assert_int_equal(u64("00", &n), -EDOM);
    assert_int_equal(option_seconds("05", &n), -EDOM);
    assert_int_equal(option_bytes("010K", &n), -EDOM);
    assert_int_equal(n, 42);
    assert_int_equal(option_seconds("0.5", &n), 0);
    assert_int_equal(option_bytes("0", &n), 0);
    assert_int_equal(option_u64("0x0a", 0, 20, &n), 0);
    assert_non_null(strstr(option_why("010", "no"), "leading zero"));
    assert_string_equal(option_why("0", "no"), "no");
    assert_string_equal(option_why("x", "no"), "no");
}

static void no_numbers(void **state)
{
    static const char *const wrong[] = {"",   " 7", "+7",  "-7",  "7 ", "7x",
                                        "0x", "x7", "0xg", "7.0", "1e1"};
    uint64_t n = 42;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(u64(wrong[i], &n), -EINVAL);
    assert_int_equal(u64("4", &n), -ERANGE);
    assert_int_equal(u64("101", &n), -ERANGE);
    assert_int_equal(option_u64("18446744073709551616", 0, UINT64_MAX, &n),
                     -ERANGE);
    assert_int_equal(n, 42); /* what was there stays */
}

static void seconds(void **state)
{
    uint64_t ns;

    (void)state;
    assert_int_equal(option_seconds("0", &ns), 0);
    assert_int_equal(ns, 0);
    assert_int_equal(option_seconds("2", &ns), 0);
    assert_int_equal(ns, 2 * NS_PER_S);
    assert_int_equal(option_seconds("0.5", &ns), 0);
    assert_int_equal(ns, 500 * NS_PER_MS);
    assert_int_equal(option_seconds("1.000000001", &ns), 0);
    assert_int_equal(ns, NS_PER_S + 1);
    assert_int_equal(option_seconds("1.0000000019", &ns), 0);
    assert_int_equal(ns, NS_PER_S + 1); /* what is less does not count */
    assert_int_equal(option_seconds("9000000000", &ns), 0);
    assert_int_equal(option_seconds("9300000000", &ns), -ERANGE);
    assert_int_equal(option_seconds("", &ns), -EINVAL);
    assert_int_equal(option_seconds(".5", &ns), -EINVAL);
    assert_int_equal(option_seconds("-1", &ns), -EINVAL);
    assert_int_equal(option_seconds("1.5s", &ns), -EINVAL);
    assert_int_equal(option_seconds("1..5", &ns), -EINVAL);
}

static void bytes(void **state)
{
    uint64_t n;

    (void)state;
    assert_int_equal(option_bytes("512", &n), 0);
    assert_int_equal(n, 512);
    assert_int_equal(option_bytes("4k", &n), 0);
    assert_int_equal(n, 4096);
    assert_int_equal(option_bytes("3M", &n), 0);
    assert_int_equal(n, 3 << 20);
    assert_int_equal(option_bytes("2g", &n), 0);
    assert_true(n == UINT64_C(2) << 30);
    assert_int_equal(option_bytes("1T", &n), 0);
    assert_true(n == UINT64_C(1) << 40);
    assert_int_equal(option_bytes("16777215T", &n), 0);
    assert_int_equal(option_bytes("16777216T", &n), -ERANGE);
    assert_int_equal(option_bytes("4kB", &n), -EINVAL);
    assert_int_equal(option_bytes("4P", &n), -EINVAL);
    assert_int_equal(option_bytes("k", &n), -EINVAL);
    assert_int_equal(option_bytes("1.5k", &n), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),       cmocka_unit_test(no_numbers),
        cmocka_unit_test(leading_zeros), cmocka_unit_test(seconds),
        cmocka_unit_test(bytes),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
