/* SPDX-License-Identifier: BSD-2-Clause
 *
 * wire/processor.h: which processors use the receive ring, and for what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/link_backend.h"
#include "wire/processor.h"

static uint32_t ring_longest(const char *machine)
{
    return processor_ways_of(machine).ring_longest;
}

static void the_oldest_have_no_ring(void **state)
{
    (void)state;
    assert_int_equal(ring_longest("armv4tl"), 0);
    assert_int_equal(ring_longest("armv5tejl"), 0);
    assert_int_equal(ring_longest("armv5teb"), 0);
}

static void small_ones_have_it_for_the_usual_frames(void **state)
{
    static const char *const small[] = {"armv6l", "armv7l", "armv8l"};

    (void)state;
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        assert_true(ring_longest(small[i]) >= link_capacity(1500));
        assert_true(ring_longest(small[i]) < link_capacity(9000));
        assert_true(processor_ways_of(small[i]).one_by_one);
    }
}

static void others_have_it_for_all(void **state)
{
    static const char *const others[] = {"x86_64", "aarch64", "mips", ""};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(ring_longest(others[i]), UINT32_MAX);
        assert_false(processor_ways_of(others[i]).one_by_one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_have_no_ring),
        cmocka_unit_test(small_ones_have_it_for_the_usual_frames),
        cmocka_unit_test(others_have_it_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
