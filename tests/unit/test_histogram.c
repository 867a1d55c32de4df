/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The latency histogram: exact at its ends, and close everywhere else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "initiator/aoe/histogram.h"

static void of_nothing(void **state)
{
    static struct histogram h;

    (void)state;
    assert_int_equal(histogram_percentile(&h, 0.5), 0);
}

static void of_one_value(void **state)
{
    static const uint64_t values[] = {0,   1,    63,        64,        127,
                                      128, 1000, 123456789, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct histogram h = {0};

        histogram_add(&h, values[i]);
        assert_true(h.min == values[i] && h.max == values[i]);
        assert_true(histogram_percentile(&h, 0) == values[i]);
        assert_true(histogram_percentile(&h, 0.999) == values[i]);
        assert_true(histogram_percentile(&h, 1) == values[i]);
    }
}

static void percentiles_are_never_below_and_hardly_above(void **state)
{
    static const double shares[] = {0.001, 0.25, 0.5, 0.99, 0.999, 1};
    static struct histogram h;
    const uint64_t count = 200000, step = 37;

    (void)state;
    for (uint64_t i = 1; i <= count; i++)
        histogram_add(&h, i * step);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        double truth = shares[i] * (double)(count * step);
        double got = (double)histogram_percentile(&h, shares[i]);

        assert_true(got >= truth - 1);
        assert_true(got <= truth * (1 + 1.0 / HISTOGRAM_FINE) + step);
    }
    assert_int_equal(h.min, step);
    assert_int_equal(h.max, count * step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nothing),
        cmocka_unit_test(of_one_value),
        cmocka_unit_test(percentiles_are_never_below_and_hardly_above),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
