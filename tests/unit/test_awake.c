/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The clock that stops while the process is stopped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/awake.h"

static void sleep_counts(void **state)
{
    struct awake a;

    (void)state;
    awake_init(&a, 100 * NS_PER_S);
    awake_sleep(&a, 160 * NS_PER_S);
    assert_false(awake_run(&a, 160 * NS_PER_S));
    assert_true(awake_time(&a, 160 * NS_PER_S) == 160 * NS_PER_S);
    /* So does coming back early, */
    awake_sleep(&a, 200 * NS_PER_S);
    assert_false(awake_run(&a, 170 * NS_PER_S));
    /* and waiting for a turn on a busy machine. */
    assert_false(awake_run(&a, 200 * NS_PER_S + AWAKE_SLACK));
    assert_true(awake_time(&a, 201 * NS_PER_S) == 201 * NS_PER_S);
}

static void a_stopped_process_does_not(void **state)
{
    struct awake a;

    (void)state;
    awake_init(&a, 100 * NS_PER_S);
    awake_sleep(&a, 101 * NS_PER_S);
    assert_true(awake_run(&a, 131 * NS_PER_S));
    assert_true(awake_time(&a, 131 * NS_PER_S) == 101 * NS_PER_S);
    assert_false(awake_run(&a, 131 * NS_PER_S)); /* once */
    awake_sleep(&a, 132 * NS_PER_S);
    assert_true(awake_run(&a, 142 * NS_PER_S));
    assert_true(awake_time(&a, 142 * NS_PER_S) == 102 * NS_PER_S);
}

static void both_ways(void **state)
{
    struct awake a;

    (void)state;
    awake_init(&a, 0);
    assert_true(awake_run(&a, 7 * NS_PER_S));
    assert_true(awake_real(&a, awake_time(&a, 9 * NS_PER_S)) == 9 * NS_PER_S);
    /* Never stays never. */
    assert_true(awake_real(&a, UINT64_MAX) == UINT64_MAX);
    assert_true(awake_real(&a, UINT64_MAX - 1) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleep_counts),
        cmocka_unit_test(a_stopped_process_does_not),
        cmocka_unit_test(both_ways),
    };

    return cmocka_run_group_tests_name("awake", tests, NULL, NULL);
}
