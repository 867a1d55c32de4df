/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How old a frame can be: when it is certain, when the kernel's time stamp
 * counts, and what happens when somebody sets the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef __linux__

#include "base/clock.h"
#include "wire/queue_age.h"

#define S    NS_PER_S
#define LEAD (1700000000 * S) /* of the realtime clock over ours */

static void certain_for_half_a_second(void **state)
{
    struct queue_age q = {.after = 0};

    (void)state;
    queue_age_start(&q, 100 * S, 100 * S + LEAD);
    assert_false(queue_age_unsure(&q, 100 * S));
    assert_false(queue_age_unsure(&q, 100 * S + S / 2));
    assert_true(queue_age_unsure(&q, 100 * S + S / 2 + 1));
}

/* It came two seconds ago: so did, or later, what is behind it. */
static void a_stamp_makes_certain(void **state)
{
    struct queue_age q = {.after = 0};

    (void)state;
    queue_age_start(&q, 100 * S, 100 * S + LEAD);
    assert_true(queue_age_stamp(&q, 900 * S, 900 * S + LEAD, 898 * S + LEAD));
    assert_int_equal(q.after, 898 * S);
    assert_true(queue_age_stamp(&q, 901 * S, 901 * S + LEAD, 901 * S + LEAD));
    assert_int_equal(q.after, 901 * S);
    /* Looking at the clocks takes time. */
    assert_true(
        queue_age_stamp(&q, 902 * S, 902 * S + LEAD + S / 20, 902 * S + LEAD));
    assert_int_equal(q.after, 902 * S - S / 20);
    /* None makes a frame older than it can be. */
    assert_true(queue_age_stamp(&q, 903 * S, 903 * S + LEAD, 1 * S + LEAD));
    assert_int_equal(q.after, 902 * S - S / 20);
}

/* It was set, back or forward, while frames waited: what came before that has a
 * stamp of the clock as it was, and passes for a new one, or the other way
 * round. */
static void a_clock_that_was_set(uint64_t lead)
{
    struct queue_age q = {.after = 0};

    queue_age_start(&q, 100 * S, 100 * S + LEAD);
    assert_false(queue_age_stamp(&q, 110 * S, 110 * S + lead, 110 * S + lead));
    assert_false(queue_age_stamp(&q, 110 * S, 110 * S + lead, 102 * S + LEAD));
    assert_int_equal(q.after, 100 * S);
    assert_true(queue_age_unsure(&q, 110 * S));
    /* Until the queue has been empty. */
    queue_age_start(&q, 120 * S, 120 * S + lead);
    assert_true(queue_age_stamp(&q, 130 * S, 130 * S + lead, 129 * S + lead));
    assert_int_equal(q.after, 129 * S);
}

static void set_back(void **state)
{
    (void)state;
    a_clock_that_was_set(LEAD - 9 * S);
    a_clock_that_was_set(LEAD - S / 5);
    a_clock_that_was_set(S);
}

static void set_forward(void **state)
{
    (void)state;
    a_clock_that_was_set(LEAD + S / 5);
    a_clock_that_was_set(2 * LEAD);
}

static void a_stamp_from_the_future(void **state)
{
    struct queue_age q = {.after = 0};

    (void)state;
    queue_age_start(&q, 100 * S, 100 * S + LEAD);
    assert_false(
        queue_age_stamp(&q, 110 * S, 110 * S + LEAD, 110 * S + LEAD + 1));
    assert_int_equal(q.after, 100 * S);
}

/* Before Linux 2.6.39: no clock counts the time in which the machine was
 * suspended, but the realtime clock is ahead afterwards. */
static void two_clocks_in_place_of_one(void **state)
{
    struct queue_clock c = {.skipped = 0};
    uint64_t began = queue_clock_of(&c, 10 * S, 10 * S + LEAD);

    (void)state;
    assert_int_equal(queue_clock_of(&c, 11 * S, 11 * S + LEAD), began + S);
    /* Reading one before the other adds nothing up. */
    for (int i = 0; i < 1000; i++)
        queue_clock_of(&c, 11 * S, 11 * S + LEAD + (i % 2 ? S / 20 : 0));
    assert_int_equal(queue_clock_of(&c, 12 * S, 12 * S + LEAD), began + 2 * S);
    /* An hour of sleep, or somebody set it forward; */
    assert_int_equal(queue_clock_of(&c, 13 * S, 3613 * S + LEAD),
                     began + 3603 * S);
    /* it is set back. */
    assert_int_equal(queue_clock_of(&c, 14 * S, 14 * S + LEAD),
                     began + 3604 * S);
    assert_int_equal(queue_clock_of(&c, 15 * S, 15 * S + LEAD),
                     began + 3605 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certain_for_half_a_second),
        cmocka_unit_test(a_stamp_makes_certain),
        cmocka_unit_test(set_back),
        cmocka_unit_test(set_forward),
        cmocka_unit_test(a_stamp_from_the_future),
        cmocka_unit_test(two_clocks_in_place_of_one),
    };

    return cmocka_run_group_tests_name("queue age", tests, NULL, NULL);
}

#else

int main(void)
{
    return 0;
}

#endif
