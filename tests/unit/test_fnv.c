/* SPDX-License-Identifier: BSD-2-Clause
 *
 * FNV-1a, against the values of draft-eastlake-fnv, appendix C.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fnv.h"

static void published_values(void **state)
{
    static const struct {
        const char *text;
        uint32_t h32;
        uint64_t h64;
    } cases[] = {
        {"", 0x811c9dc5, UINT64_C(0xcbf29ce484222325)},
        {"a", 0xe40c292c, UINT64_C(0xaf63dc4c8601ec8c)},
        {"foobar", 0xbf9cf968, UINT64_C(0x85944171f73967e8)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text);

        assert_int_equal(fnv32(FNV32_START, cases[i].text, len), cases[i].h32);
        assert_true(fnv64(FNV64_START, cases[i].text, len) == cases[i].h64);
    }
}

static void a_hash_continues(void **state)
{
    (void)state;
    assert_int_equal(fnv32(fnv32(FNV32_START, "foo", 3), "bar", 3), 0xbf9cf968);
    assert_true(fnv64(fnv64(FNV64_START, "foo", 3), "bar", 3) ==
                UINT64_C(0x85944171f73967e8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(a_hash_continues),
    };

    return cmocka_run_group_tests_name("fnv", tests, NULL, NULL);
}
