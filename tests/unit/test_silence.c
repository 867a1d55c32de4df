/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Deadlines are about silence: not time in our queue, not time in which the
 * process did not run, and not a single request forever.
 */
#include <errno.h>
#include <stdlib.h>

#include "initiator/libaoe/time_wait.h"
#include "tests/unit/disk_fixture.h"

#define TIMEOUT (4 * NS_PER_S)

static void start_with(struct fixture *f, uint64_t timeout)
{
    memset(f, 0, sizeof *f);
    world_open(&f->w, 7, 1500);
    f->nas = world_add(&f->w, SECTORS, 1500, "one");
    open_disk(f, timeout);
    world_run(&f->w, NS_PER_S, NULL);
    assert_true(aoe_disk_ready(f->disk));
}

/* The process is stopped for this long; the world is not. */
static void freeze(struct fixture *f, uint64_t ns)
{
    aoe_timeout(f->w.aoe); /* it meant to be back by then */
    f->w.now += ns;
}

/* ---- a slow wire ----------------------------------------------------------
 */

static void queue_does_not_age(void **state)
{
    enum { COUNT = 32, SIZE = 64 * 1024 };
    const struct wire_faults slow = {.byte_ns = 8000}; /* 1 Mbit/s */
    static uint8_t bytes[COUNT][SIZE];
    struct io io[COUNT];
    struct fixture f;
    uint64_t begun;

    (void)state;
    start_with(&f, TIMEOUT);
    wire_port_faults(f.w.client, WIRE_TX, &slow);
    begun = f.w.now;
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(
            submit(&f, &io[i], AOE_WRITE, bytes[i], SIZE, (uint64_t)i * SIZE),
            0);
    world_run(&f.w, 60 * NS_PER_S, &io[COUNT - 1].done);
    assert_true(f.w.now - begun > 4 * TIMEOUT); /* or it would show nothing */
    for (int i = 0; i < COUNT; i++)
        assert_true(io[i].done && io[i].status == 0);
    assert_int_equal(f.events[AOE_DISK_LOST], 0);
    stop(&f);
}

/* What waits for an earlier change of the same sectors does not age either. */
static void order_does_not_age(void **state)
{
    static uint8_t bytes[512];
    struct io first, second;
    struct fixture f;

    (void)state;
    start_with(&f, TIMEOUT);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &first, AOE_WRITE, bytes, 512, 0), 0);
    assert_int_equal(submit(&f, &second, AOE_WRITE, bytes, 512, 0), 0);
    world_run(&f.w, 3 * NS_PER_S, NULL);
    model_release(f.nas);
    world_run(&f.w, 3 * NS_PER_S, NULL);
    assert_true(first.done && first.status == 0);
    assert_false(second.done);
    f.nas->hold = false;
    model_release(f.nas);
    world_run(&f.w, 3 * NS_PER_S, &second.done);
    assert_true(second.done && second.status == 0);
    stop(&f);
}

/* Time-wait lasts longer than this deadline. */
static void time_wait_is_no_silence(void **state)
{
    static uint8_t bytes[512];
    struct fixture f;

    (void)state;
    start_with(&f, TIME_WAIT / 2);
    f.nas->mute = 1; /* the first copy's answer is lost */
    assert_int_equal(run(&f, AOE_WRITE, bytes, 512, 0), 0);
    assert_int_equal(f.disk->time_wait.count, 1);
    assert_int_equal(run(&f, AOE_WRITE, bytes, 512, 0), 0);
    assert_int_equal(f.disk->stats.time_waits, 1);
    assert_int_equal(f.events[AOE_DISK_LOST], 0);
    stop(&f);
}

/* ---- every request ends ---------------------------------------------------
 */

/* A target that is alive while its disk hangs. */
static void identify_is_no_answer(void **state)
{
    static uint8_t bytes[512];
    struct fixture f;
    uint64_t begun;

    (void)state;
    start_with(&f, TIMEOUT);
    f.nas->stuck = 8;
    begun = f.w.now;
    assert_int_equal(run(&f, AOE_READ, bytes, 512, 8 * 512), -EIO);
    assert_in_range(f.w.now - begun, TIMEOUT, TIMEOUT + NS_PER_S);
    assert_int_equal(f.events[AOE_DISK_LOST], 1);
    assert_true(f.nas->identifies > 2);
    stop(&f);
}

/* One sector has no answer while all others have: it ends alone. */
static void a_request_left_unanswered_ends(void **state)
{
    static uint8_t bytes[4096], other[512];
    struct io io, behind;
    struct fixture f;
    uint64_t begun;

    (void)state;
    start_with(&f, TIMEOUT);
    f.nas->stuck = 8;
    begun = f.w.now;
    assert_int_equal(submit(&f, &io, AOE_WRITE, bytes, 4096, 4096), 0);
    assert_int_equal(submit(&f, &behind, AOE_WRITE, other, 100, 5000), 0);
    while (!io.done) {
        assert_int_equal(run(&f, AOE_READ, other, 512, 512 * 512), 0);
        world_run(&f.w, 100 * NS_PER_MS, &io.done);
        assert_true(f.w.now - begun < 6 * TIMEOUT);
    }
    assert_int_equal(io.status, -EIO);
    assert_in_range(f.w.now - begun, 4 * TIMEOUT, 5 * TIMEOUT);
    assert_int_equal(f.events[AOE_DISK_LOST], 0);
    f.nas->stuck = 0;
    world_run(&f.w, 2 * TIME_WAIT, &behind.done);
    assert_true(behind.done && behind.status == 0);
    world_run(&f.w, 2 * TIME_WAIT, NULL);
    assert_int_equal(f.disk->time_wait.count, 0);
    assert_true(list_empty(&f.disk->transfers.active));
    stop(&f);
}

/* Someone who makes the target seem restarted again and again cannot hold up a
 * request forever. */
static void announcements_do_not_prolong(void **state)
{
    static uint8_t bytes[512], other[512];
    struct aoe_disk_options o = {.timeout = TIMEOUT, .replay = 1 << 20};
    struct fixture f = {0};
    struct io io;
    uint64_t begun;

    (void)state;
    world_open(&f.w, 7, 1500);
    f.nas = world_add(&f.w, SECTORS, 1500, "one");
    assert_int_equal(aoe_disk_open(f.w.aoe, 1, 2, &o, on_event, &f, &f.disk),
                     0);
    world_run(&f.w, NS_PER_S, NULL);
    f.nas->stuck = 8;
    begun = f.w.now;
    assert_int_equal(submit(&f, &io, AOE_READ, bytes, 512, 8 * 512), 0);
    while (!io.done) {
        model_announce(f.nas);
        assert_int_equal(run(&f, AOE_READ, other, 512, 512 * 512), 0);
        world_run(&f.w, NS_PER_S / 2, &io.done);
        assert_true(f.w.now - begun < 6 * TIMEOUT);
    }
    assert_int_equal(io.status, -EIO);
    stop(&f);
}

static void no_deadline(void **state)
{
    static uint8_t bytes[512];
    struct fixture f;
    struct io io;

    (void)state;
    start_with(&f, 0);
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_READ, bytes, 512, 0), 0);
    world_run(&f.w, 5000 * NS_PER_S, NULL);
    assert_false(io.done);
    f.nas->silent = false;
    world_run(&f.w, 10 * NS_PER_S, &io.done);
    assert_true(io.done && io.status == 0);
    stop(&f);
}

/* ---- a process that did not run -------------------------------------------
 */

static void frozen_under_load(void **state)
{
    enum { COUNT = 64 };
    static uint8_t bytes[COUNT][4096];
    struct aoe_path_info path;
    struct io io[COUNT];
    struct fixture f;

    (void)state;
    start_with(&f, TIMEOUT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(submit(&f, &io[i], i % 2 ? AOE_WRITE : AOE_READ,
                                bytes[i], 4096, (uint64_t)i * 4096),
                         0);
    aoe_service(f.w.aoe);
    freeze(&f, 100 * NS_PER_S);
    world_run(&f.w, TIMEOUT, &io[COUNT - 1].done);
    for (int i = 0; i < COUNT; i++)
        assert_true(io[i].done && io[i].status == 0);
    assert_int_equal(f.events[AOE_DISK_LOST], 0);
    assert_int_equal(aoe_disk_paths(f.disk, &path, 1), 1);
    assert_true(path.rtt < NS_PER_S);
    stop(&f);
}

/* The answers did not outlive the freeze, and the target is away: the deadline
 * has still to run its full course. */
static void frozen_in_silence(void **state)
{
    static uint8_t bytes[512];
    struct fixture f;
    struct io io;

    (void)state;
    start_with(&f, TIMEOUT);
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_READ, bytes, 512, 0), 0);
    world_run(&f.w, NS_PER_S, NULL);
    freeze(&f, 100 * NS_PER_S); /* it meant to sleep for a second at most */
    world_run(&f.w, NS_PER_S, NULL);
    assert_false(io.done);
    world_run(&f.w, 3 * NS_PER_S, &io.done);
    assert_true(io.done);
    assert_int_equal(io.status, -EIO);
    stop(&f);
}

static void control_done(struct aoe_control *c, int status)
{
    *(int *)c->arg = status;
}

static void frozen_command(void **state)
{
    int status = 1;
    struct aoe_control c = {.op = AOE_CONTROL_CONFIG_READ,
                            .shelf = 1,
                            .slot = 2,
                            .interface = "eth0",
                            .done = control_done,
                            .arg = &status};
    struct fixture f;

    (void)state;
    start_with(&f, TIMEOUT);
    c.interface = f.w.client->ifname;
    memcpy(c.mac, f.nas->link->mac.b, sizeof c.mac);
    f.nas->silent = true;
    assert_int_equal(aoe_control_submit(f.w.aoe, &c), 0);
    aoe_service(f.w.aoe);
    freeze(&f, 100 * NS_PER_S);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(status, 1);
    f.nas->silent = false;
    world_run(&f.w, AOE_CONTROL_TIMEOUT, NULL);
    assert_int_equal(status, 0);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_does_not_age),
        cmocka_unit_test(order_does_not_age),
        cmocka_unit_test(time_wait_is_no_silence),
        cmocka_unit_test(identify_is_no_answer),
        cmocka_unit_test(a_request_left_unanswered_ends),
        cmocka_unit_test(announcements_do_not_prolong),
        cmocka_unit_test(no_deadline),
        cmocka_unit_test(frozen_under_load),
        cmocka_unit_test(frozen_in_silence),
        cmocka_unit_test(frozen_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
