/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes of interfaces are noticed, on real ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#ifdef __linux__

#include "tests/lib/veth.h"
#include "wire/netwatch.h"

enum { HEARD = 1, TIMED_OUT = 2 };

static struct loop *loop;
static struct loop_timer limit;
static struct netwatch *watch;

static void changed(void *arg)
{
    (void)arg;
    loop_stop(loop, HEARD);
}

static void timed_out(void *arg)
{
    (void)arg;
    loop_stop(loop, TIMED_OUT);
}

static int wait_for_change(unsigned seconds)
{
    limit = (struct loop_timer){.expired = timed_out};
    assert_int_equal(
        loop_timer_set(loop, &limit, clock_ns() + seconds * NS_PER_S), 0);
    int status = loop_run(loop);

    loop_timer_cancel(loop, &limit);
    return status;
}

static void reports_changes(void **state)
{
    static const char *const changes[] = {
        "ip link set w0 down",     "ip link set w0 up",
        "ip link set w0 mtu 1400", "ip link set w0 address 02:00:00:00:00:77",
        "ip link del w0",
    };

    (void)state;
    veth_or_skip();
    veth_make();
    assert_int_equal(loop_open(&loop), 0);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_int_equal(netwatch_open(&watch, loop, changed, NULL), 0);
        veth_must(changes[i]);
        assert_int_equal(wait_for_change(20), HEARD);
        netwatch_close(watch);
    }
    /* After it is closed, nothing is. */
    veth_make();
    assert_int_equal(wait_for_change(0), TIMED_OUT);
    veth_must("ip link del w0");
    loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reports_changes)};

    return cmocka_run_group_tests_name("netwatch", tests, veth_namespace, NULL);
}

#else

int main(void)
{
    puts("skipped: needs Linux");
    return 0;
}

#endif
