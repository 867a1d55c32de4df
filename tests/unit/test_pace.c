/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For whom the target looks out instead of sleeping, by made-up clocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "target/pace.h"

enum { US = 1000, WORK = 3 * US };

/* `count` requests, each `pause` ns after the answer to the one before; the
 * part of them, in percent, that was looked out for. */
static unsigned polled(struct pace *p, uint64_t *now, unsigned count,
                       uint64_t pause)
{
    unsigned polls = 0;

    for (unsigned i = 0; i < count; i++) {
        *now += pause;
        pace_request(p, *now);
        *now += WORK;
        polls += pace_answered(p, *now) > 0;
    }
    return polls * 100 / count;
}

static void one_at_a_time(void **state)
{
    struct pace p = {0};
    uint64_t now = 1;

    (void)state;
    /* It takes a few to be sure. */
    assert_int_equal(polled(&p, &now, 3, 25 * US), 0);
    assert_in_range(polled(&p, &now, 100, 25 * US), 98, 100);
}

static void several_frames_for_each(void **state)
{
    struct pace p = {0};
    uint64_t now = 1;
    unsigned polls = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        polls += polled(&p, &now, 1, 25 * US) > 0;
        polled(&p, &now, 3, 5 * US);
    }
    assert_in_range(polls, 90, 100);
}

static void full_wires_and_far_clients(void **state)
{
    static const uint64_t pauses[] = {0, US, 8 * US, 120 * US, 10000 * US};
    uint64_t now = 1;

    (void)state;
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        struct pace p = {0};

        assert_int_equal(polled(&p, &now, 100, pauses[i]), 0);
        polled(&p, &now, 100, 25 * US);
        assert_in_range(polled(&p, &now, 500, pauses[i]), 0, 20);
        assert_int_equal(polled(&p, &now, 100, pauses[i]), 0);
    }
}

/* Too slow to be awaited, though not by much. */
static void in_vain(void **state)
{
    struct pace p = {0};
    uint64_t now = 1;

    (void)state;
    assert_in_range(polled(&p, &now, 1000, 80 * US), 1, 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(several_frames_for_each),
        cmocka_unit_test(full_wires_and_far_clients),
        cmocka_unit_test(in_vain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
