/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Zeroes by trimming: whole sectors are trimmed, their neighbours stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "initiator/client/zero.h"

static void expect(const struct aoe_request *r, enum aoe_op op, uint64_t offset,
                   uint64_t length)
{
    assert_int_equal(r->op, op);
    assert_int_equal(r->offset, offset);
    assert_int_equal(r->length, length);
}

static void whole_sectors_are_trimmed(void **state)
{
    struct aoe_request r = {0};

    (void)state;
    zero_by_trim(&r, 4096, 3 * 512, 512);
    expect(&r, AOE_TRIM, 4096, 3 * 512);
    zero_by_trim(&r, 0, 4096, 4096);
    expect(&r, AOE_TRIM, 0, 4096);
    zero_by_trim(&r, UINT64_C(1) << 40, (UINT64_C(1) << 33) + 5, 512);
    expect(&r, AOE_TRIM, UINT64_C(1) << 40, UINT64_C(1) << 33);
}

static void parts_of_sectors_are_written(void **state)
{
    struct aoe_request r = {0};

    (void)state;
    zero_by_trim(&r, 100, 10, 512); /* inside one */
    expect(&r, AOE_ZERO, 100, 10);
    zero_by_trim(&r, 100, 412, 512); /* to its end */
    expect(&r, AOE_ZERO, 100, 412);
    zero_by_trim(&r, 100, 5000, 512); /* and beyond */
    expect(&r, AOE_ZERO, 100, 412);
    zero_by_trim(&r, 512, 511, 512); /* the beginning of one */
    expect(&r, AOE_ZERO, 512, 511);
}

/* Every range in a few sectors is covered, without gap or overlap, and a sector
 * that lies wholly in it is never written. */
static void ranges_are_covered_once(void **state)
{
    enum { SECTOR = 8, SIZE = 5 * SECTOR };

    (void)state;
    for (unsigned from = 0; from < SIZE; from++) {
        for (unsigned to = from + 1; to <= SIZE; to++) {
            unsigned at = from, steps = 0;

            while (at < to) {
                struct aoe_request r = {0};

                zero_by_trim(&r, at, to - at, SECTOR);
                assert_int_equal(r.offset, at);
                assert_in_range(r.length, 1, to - at);
                if (r.op == AOE_TRIM) {
                    assert_int_equal(r.offset % SECTOR, 0);
                    assert_int_equal(r.length % SECTOR, 0);
                } else {
                    assert_int_equal(r.op, AOE_ZERO);
                    assert_true(r.length < SECTOR);
                }
                at += (unsigned)r.length;
                steps++;
            }
            assert_int_equal(at, to);
            assert_in_range(steps, 1, 3);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_sectors_are_trimmed),
        cmocka_unit_test(parts_of_sectors_are_written),
        cmocka_unit_test(ranges_are_covered_once),
    };

    return cmocka_run_group_tests_name("zero", tests, NULL, NULL);
}
