/* SPDX-License-Identifier: BSD-2-Clause
 *
 * When busy-polling is worth it, and that it ends.
 */
#include <poll.h>
#include <unistd.h>

#include "base/loop.h"
#include "tests/unit/disk_fixture.h"

/* ---- the engine's advice --------------------------------------------------
 */

static void for_a_lone_request(void **state)
{
    static uint8_t data[2][512];
    struct fixture f;
    struct io a, b;

    (void)state;
    start(&f, 1500);
    f.w.aoe->may_poll = true;
    assert_int_equal(run(&f, AOE_READ, data[0], 512, 0), 0); /* the first RTT */
    assert_int_equal(aoe_poll_ns(f.w.aoe), 0);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &a, AOE_READ, data[0], 512, 0), 0);
    assert_int_equal(aoe_poll_ns(f.w.aoe), 0); /* it has not left */
    world_run(&f.w, 1000, NULL);
    assert_true(aoe_poll_ns(f.w.aoe) > 0);
    f.w.aoe->may_poll = false;
    assert_int_equal(aoe_poll_ns(f.w.aoe), 0);
    f.w.aoe->may_poll = true;

    assert_int_equal(submit(&f, &b, AOE_READ, data[1], 512, 8192), 0);
    world_run(&f.w, 1000, NULL);
    assert_int_equal(aoe_poll_ns(f.w.aoe), 0);
    model_release(f.nas);
    world_run(&f.w, 1000, NULL);
    assert_true(a.done && b.done);
    assert_int_equal(aoe_poll_ns(f.w.aoe), 0);
    stop(&f);
}

static void not_on_a_slow_path(void **state)
{
    static uint8_t data[512];
    struct wire_faults slow = {.delay_ns = NS_PER_MS};
    struct fixture f;
    struct io io;

    (void)state;
    start(&f, 1500);
    f.w.aoe->may_poll = true;
    wire_port_faults(f.nas->link, WIRE_TX, &slow);
    for (int i = 0; i < 4; i++)
        assert_int_equal(run(&f, AOE_READ, data, 512, 0), 0);
    assert_int_equal(submit(&f, &io, AOE_READ, data, 512, 0), 0);
    world_run(&f.w, NS_PER_MS / 2, &io.done);
    assert_false(io.done);
    assert_int_equal(aoe_poll_ns(f.w.aoe), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    stop(&f);
}

/* A FLUSH waits for the platters. */
static void not_for_a_flush(void **state)
{
    static uint8_t data[512];
    struct fixture f;
    struct io io;

    (void)state;
    start(&f, 1500);
    f.w.aoe->may_poll = true;
    assert_int_equal(run(&f, AOE_WRITE, data, 512, 0), 0);
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_FLUSH, NULL, 0, 0), 0);
    world_run(&f.w, 1000, &io.done);
    assert_false(io.done);
    assert_int_equal(aoe_poll_ns(f.w.aoe), 0);
    f.nas->silent = false;
    world_run(&f.w, 100 * NS_PER_S, &io.done);
    assert_true(io.done);
    stop(&f);
}

/* ---- the loop that takes it -----------------------------------------------
 */

struct looker {
    struct loop *loop;
    struct loop_fd watch;
    struct loop_timer timer;
    int ends[2];
    bool readable, expired;
};

static void readable(void *arg, short revents)
{
    struct looker *a = arg;

    (void)revents;
    a->readable = true;
    loop_stop(a->loop, 0);
}

static void expired(void *arg)
{
    struct looker *a = arg;

    a->expired = true;
    /* Long before the next wait could end by itself. */
    loop_poll_for(a->loop, 3600 * NS_PER_S);
    assert_int_equal(write(a->ends[1], "", 1), 1);
}

/* While polling, the loop misses neither timers nor descriptors, and it sleeps
 * once the time is up. */
static void the_loop_polls(void **state)
{
    struct looker a = {.readable = false};

    (void)state;
    assert_int_equal(pipe(a.ends), 0);
    assert_int_equal(loop_open(&a.loop), 0);
    a.watch = (struct loop_fd){.fd = a.ends[0], .ready = readable, .arg = &a};
    a.timer = (struct loop_timer){.expired = expired, .arg = &a};
    assert_int_equal(loop_watch(a.loop, &a.watch, POLLIN), 0);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t polls = i ? NS_PER_MS : 3600 * NS_PER_S;

        a.readable = a.expired = false;
        assert_int_equal(
            loop_timer_set(a.loop, &a.timer, clock_ns() + 5 * NS_PER_MS), 0);
        loop_poll_for(a.loop, polls);
        assert_int_equal(loop_run(a.loop), 0);
        assert_true(a.expired && a.readable);
        assert_int_equal(read(a.ends[0], &(char){0}, 1), 1);
    }
    loop_close(a.loop);
    close(a.ends[0]);
    close(a.ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(for_a_lone_request),
        cmocka_unit_test(not_on_a_slow_path),
        cmocka_unit_test(not_for_a_flush),
        cmocka_unit_test(the_loop_polls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
