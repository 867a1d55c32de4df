/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Integers in memory, in either byte order and at any address; and the clock,
 * which counts up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"

/* At an odd address, with a guard byte on either side. */
static uint8_t buffer[10];
static uint8_t *const at = buffer + 1;

static void assert_bytes(const char *expected, size_t count)
{
    assert_memory_equal(at, expected, count);
    assert_int_equal(buffer[0], 0xee);
    assert_int_equal(at[count], 0xee);
    memset(buffer, 0xee, sizeof buffer);
}

static void big_endian(void **state)
{
    (void)state;
    memset(buffer, 0xee, sizeof buffer);
    put_be16(at, 0xfe01);
    assert_int_equal(get_be16(at), 0xfe01);
    assert_bytes("\xfe\x01", 2);
    put_be32(at, 0xfe010203);
    assert_true(get_be32(at) == 0xfe010203);
    assert_bytes("\xfe\x01\x02\x03", 4);
    put_be64(at, UINT64_C(0xfe01020304050607));
    assert_true(get_be64(at) == UINT64_C(0xfe01020304050607));
    assert_bytes("\xfe\x01\x02\x03\x04\x05\x06\x07", 8);
}

static void little_endian(void **state)
{
    (void)state;
    memset(buffer, 0xee, sizeof buffer);
    put_le16(at, 0xfe01);
    assert_int_equal(get_le16(at), 0xfe01);
    assert_bytes("\x01\xfe", 2);
    put_le(at, 0xfe010203, 4);
    assert_true(get_le32(at) == 0xfe010203);
    assert_bytes("\x03\x02\x01\xfe", 4);
    put_le(at, UINT64_C(0xfe0102030405), 6); /* an LBA */
    assert_true(get_le(at, 6) == UINT64_C(0xfe0102030405));
    assert_bytes("\x05\x04\x03\x02\x01\xfe", 6);
    put_le(at, UINT64_MAX, 8);
    assert_true(get_le(at, 8) == UINT64_MAX);
    assert_true(get_le(at, 1) == 0xff);
}

static void the_clock_goes_forward(void **state)
{
    uint64_t before = clock_ns();
    const struct timespec ms = {0, 2 * (long)NS_PER_MS};

    (void)state;
    nanosleep(&ms, NULL);
    assert_in_range(clock_ns() - before, 2 * NS_PER_MS, 60 * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(big_endian),
        cmocka_unit_test(little_endian),
        cmocka_unit_test(the_clock_goes_forward),
    };

    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
