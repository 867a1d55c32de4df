/* SPDX-License-Identifier: BSD-2-Clause
 *
 * When the target busy-polls instead of sleeping, on simulated clocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "target/serve/adaptive_polling.h"

enum { US = 1000 };

/* Sends some requests `count` times, `slept` ns after the previous ones, or
 * `polled` ns if the target polled for them.  Returns how often it did, in
 * percent. */
static unsigned requests(struct adaptive_polling *p, unsigned count,
                         unsigned frames, uint64_t slept, uint64_t polled)
{
    static uint64_t now;
    unsigned polls = 0;

    for (unsigned i = 0; i < count; i++) {
        bool poll = adaptive_polling_ns(p) > 0;

        polls += poll;
        now += poll ? polled : slept;
        adaptive_polling_requests(p, frames, now);
        assert_true(p->asked);
    }
    return polls * 100 / count;
}

static void one_at_a_time(void **state)
{
    (void)state;
    for (unsigned frames = 1; frames < 5; frames++) {
        struct adaptive_polling p = {0};

        /* The decision takes some time. */
        assert_int_equal(requests(&p, 10, frames, 60 * US, 25 * US), 0);
        requests(&p, 500, frames, 60 * US, 25 * US);
        assert_in_range(requests(&p, 50000, frames, 60 * US, 25 * US), 90, 99);
    }
}

static void polling_that_does_not_pay(void **state)
{
    static const uint64_t spaces[] = {US, 8 * US, 30 * US, 400 * US, 2000 * US};

    (void)state;
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        struct adaptive_polling p = {0};

        assert_in_range(
            requests(&p, 500000, 1, spaces[i], spaces[i] - spaces[i] / 10), 0,
            5);
    }
}

static void the_load_changes(void **state)
{
    struct adaptive_polling p = {0};

    (void)state;
    requests(&p, 10000, 1, 60 * US, 25 * US);
    requests(&p, 5000, 1, 30 * US, 30 * US);
    assert_in_range(requests(&p, 10000, 1, 30 * US, 30 * US), 0, 5);
    requests(&p, 5000, 1, 60 * US, 25 * US);
    assert_in_range(requests(&p, 10000, 1, 60 * US, 25 * US), 90, 99);
    /* After a pause it starts to measure again. */
    requests(&p, 1, 1, 5000 * US, 5000 * US);
    assert_int_equal(requests(&p, 10, 1, 60 * US, 25 * US), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(polling_that_does_not_pay),
        cmocka_unit_test(the_load_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
