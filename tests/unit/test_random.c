/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers that differ every time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"

static void differ(void **state)
{
    uint64_t seen[64];

    (void)state;
    for (int i = 0; i < 64; i++) {
        seen[i] = random_u64();
        for (int j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
}

/* Every bit is sometimes set and sometimes not. */
static void no_bit_is_constant(void **state)
{
    uint64_t ones = 0, zeroes = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        uint64_t x = random_u64();

        ones |= x;
        zeroes |= ~x;
    }
    assert_true(ones == UINT64_MAX);
    assert_true(zeroes == UINT64_MAX);
}

static void nonzero_within_the_limit(void **state)
{
    bool seen[4] = {false};

    (void)state;
    for (int i = 0; i < 200; i++) {
        uint64_t x = random_nonzero(3);

        assert_in_range(x, 1, 3);
        seen[x] = true;
    }
    assert_true(seen[1] && seen[2] && seen[3]);
    assert_true(random_nonzero(1) == 1);
}

/* The first number of a process of its own, which is what has no seed yet. */
static uint64_t first(void)
{
    uint64_t x = 0;
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        x = random_u64();
        _exit(write(ends[1], &x, sizeof x) != sizeof x);
    }
    assert_int_equal(read(ends[0], &x, sizeof x), sizeof x);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    return x;
}

static void processes_differ(void **state)
{
    (void)state;
    assert_true(first() != first());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_differ),
        cmocka_unit_test(differ),
        cmocka_unit_test(no_bit_is_constant),
        cmocka_unit_test(nonzero_within_the_limit),
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
