/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Round-trip time, window and loss of a path; time-wait; tags.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "initiator/libaoe/time_wait.h"
#include "initiator/libaoe/flight.h"
#include "initiator/libaoe/path.h"

#define US NS_PER_US
#define MS NS_PER_MS

static struct flight flight;
static struct path path;

static int setup(void **state)
{
    struct aoe_mac mac = {{2, 0, 0, 0, 0, 9}};

    (void)state;
    flight_init(&flight, UINT32_C(0x91000000), 0xfffffe);
    path_init(&path, NULL, NULL, &mac);
    path_mtu_init(&path);
    path_set_limit(&path, 64, 0);
    path_mtu_limit(&path, 2);
    path.state = PATH_GOOD;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flight_fini(&flight);
    return 0;
}

static struct frame *send_one(uint64_t now)
{
    struct frame *f = flight_get(&flight, true);

    f->opcode = ATA_READ_SECTORS_EXT;
    path_queued(&path, f);
    path_sent(&path, f, now);
    return f;
}

static void answer(struct frame *f, uint64_t now)
{
    path_answered(&path, f, now);
    flight_put(&flight, f);
}

static unsigned lost(void)
{
    unsigned n = 0;

    list_each(node, &path.lost)
        n++;
    return n;
}

static void rto_begins_at_200_ms(void **state)
{
    (void)state;
    send_one(0);
    assert_int_equal(path_next(&path), 200 * MS);
    path_tick(&path, 200 * MS - 1);
    assert_int_equal(lost(), 0);
    path_tick(&path, 200 * MS);
    assert_int_equal(lost(), 1);
    assert_int_equal(path_rto(&path), 400 * MS);
}

static void rto_follows_the_round_trip(void **state)
{
    uint64_t now = 0;

    (void)state;
    for (int i = 0; i < 100; i++, now += MS)
        answer(send_one(now), now + 100 * US);
    assert_in_range(path.srtt, 99 * US, 101 * US);
    assert_int_equal(path_rto(&path), PATH_RTO_MIN);
    for (int i = 0; i < 100; i++, now += 100 * MS)
        answer(send_one(now), now + 50 * MS);
    assert_in_range(path_rto(&path), 50 * MS, 60 * MS);
}

static void retransmissions_are_not_timed(void **state)
{
    struct frame *f;

    (void)state;
    answer(send_one(0), 100 * US);
    f = send_one(MS);
    path_tick(&path, MS + PATH_RTO_MIN);
    assert_int_equal(f->state, FRAME_LOST);
    path_forget(&path, f);
    path_queued(&path, f);
    path_sent(&path, f, 12 * MS);
    answer(f, 30 * MS); /* of which copy? */
    assert_int_equal(path.srtt, 100 * US);
}

static void overtaken_frames_are_lost(void **state)
{
    struct frame *a, *b;

    (void)state;
    for (int i = 0; i < 50; i++)
        answer(send_one((uint64_t)i * MS), (uint64_t)i * MS + 100 * US);
    a = send_one(100 * MS);
    b = send_one(100 * MS + 10 * US);
    answer(b, 100 * MS + 110 * US);
    path_tick(&path, 100 * MS + 120 * US);
    assert_int_equal(lost(), 0);              /* it may only be a little late */
    assert_true(path_next(&path) < 101 * MS); /* far below the time-out */
    path_tick(&path, path_next(&path));
    assert_int_equal(a->state, FRAME_LOST);
}

static void window_opens_and_halves(void **state)
{
    struct frame *f[64];
    unsigned before, n = 0;

    (void)state;
    while (path_window_open(&path))
        f[n++] = send_one(0);
    assert_int_equal(n, PATH_WINDOW_START);
    while (n > 0)
        answer(f[--n], 100 * US);
    assert_in_range(path.window, 17 * PATH_WINDOW_UNIT, 64 * PATH_WINDOW_UNIT);
    before = path.window;
    for (n = 0; path_window_open(&path); n++)
        f[n] = send_one(MS + n);
    answer(f[n - 1], MS + 200 * US);
    path_tick(&path, MS + 900 * US); /* all the others, in one loss event */
    assert_int_equal(lost(), n - 1);
    assert_in_range(path.window, before / 2, before / 2 + PATH_WINDOW_UNIT);
    assert_int_equal(path.in_flight, 0);
}

static void a_single_loss_halves_it_too(void **state)
{
    unsigned before;
    uint64_t now = MS;

    (void)state;
    for (int i = 0; i < 200; i++, now += MS) {
        struct frame *f[64];
        unsigned n = 0;

        while (path_window_open(&path))
            f[n++] = send_one(now);
        while (n > 0)
            answer(f[--n], now + 100 * US);
    }
    before = path.window;
    assert_int_equal(before, 64 * PATH_WINDOW_UNIT);
    send_one(now);
    answer(send_one(now + 1), now + 100 * US);
    path_tick(&path, now + MS);
    assert_int_equal(lost(), 1);
    assert_int_equal(path.window, before / 2);
}

static void window_never_passes_the_buffer_count(void **state)
{
    (void)state;
    path_set_limit(&path, 5, 0);
    for (int i = 0; i < 1000; i++) {
        struct frame *f[8];
        unsigned n = 0;

        while (path_window_open(&path))
            f[n++] = send_one((uint64_t)i * MS);
        assert_in_range(n, 1, 5);
        while (n > 0)
            answer(f[--n], (uint64_t)i * MS + 50 * US);
    }
    path_set_limit(&path, 0, 0); /* what some targets say */
    assert_int_equal(path.limit, 1);
    assert_int_equal(path.sectors, 2);
    path_set_limit(&path, 64, 7);
    assert_int_equal(path.limit, 7);
    path_mtu_limit(&path, aoe_sectors_for_mtu(9000));
    assert_int_equal(path.mtu.ceiling, 16);
    assert_int_equal(path.sectors, 2); /* more is to be verified first */
    path_mtu_limit(&path, aoe_sectors_for_mtu(100)); /* absurd */
    assert_int_equal(path.sectors, 1);
}

static void the_tail_is_probed(void **state)
{
    struct frame *f[5];
    uint64_t at;

    (void)state;
    for (int i = 0; i < 50; i++)
        answer(send_one((uint64_t)i * MS), (uint64_t)i * MS + 100 * US);
    for (int i = 0; i < 5; i++)
        f[i] = send_one(100 * MS);
    at = path_next(&path); /* nothing was sent later: no answer will tell */
    assert_int_equal(at, 100 * MS + PATH_PROBE_MIN);
    path_tick(&path, at);
    assert_int_equal(lost(), 1);
    assert_int_equal(f[4]->state, FRAME_LOST);
    path_forget(&path, f[4]);
    path_queued(&path, f[4]);
    path_sent(&path, f[4], at);
    assert_in_range(path_next(&path), at + 2 * MS, UINT64_MAX); /* only once */
    answer(f[4], at + 100 * US);
    assert_true(path_next(&path) <= at + 100 * US);
    path_tick(&path, at + 100 * US);
    assert_int_equal(lost(), 4);
    assert_int_equal(path.backoff, 0); /* no time-out was needed */
}

static void backoff_waits_for_a_measurement(void **state)
{
    struct frame *f;

    (void)state;
    answer(send_one(0), 100 * US);
    f = send_one(MS);
    path_tick(&path, MS + PATH_RTO_MIN);
    path_forget(&path, f);
    path_queued(&path, f);
    path_sent(&path, f, 12 * MS);
    answer(f, 21 * MS); /* a disk that is slow now: of which copy? */
    assert_int_equal(path_rto(&path), 2 * PATH_RTO_MIN);
    answer(send_one(30 * MS), 45 * MS);
    assert_int_equal(path.backoff, 0);
}

static void spurious_losses_raise_the_tolerance(void **state)
{
    struct frame *f;

    (void)state;
    answer(send_one(0), 100 * US);
    f = send_one(MS);
    path_tick(&path, MS + PATH_RTO_MIN);
    answer(f, 12 * MS); /* called lost, not yet sent again */
    assert_int_equal(path.patience, 2);
    path_spurious(&path);
    assert_int_equal(path.patience, 4);
    for (uint64_t i = 1; i <= PATH_CALM_AFTER; i++) {
        f = send_one(i * 100 * NS_PER_S);
        path_tick(&path, i * 100 * NS_PER_S + PATH_RTO_MAX);
        path_forget(&path, f);
        flight_put(&flight, f);
    }
    assert_int_equal(path.patience, 2);
}

static void spurious_losses_restore_the_window(void **state)
{
    struct frame *f[8];
    unsigned before;

    (void)state;
    answer(send_one(0), 100 * US);
    before = path.window;
    for (int i = 0; i < 8; i++)
        f[i] = send_one(MS);
    path_tick(&path, MS + PATH_RTO_MIN);
    assert_int_equal(path.window, PATH_WINDOW_UNIT);
    for (int i = 0; i < 8; i++) /* the disk was busy */
        answer(f[i], 15 * MS);
    assert_int_equal(path.event_lost, 0);
    assert_in_range(path.window, before, before + 8 * PATH_WINDOW_UNIT);
}

static void slow_commands_have_a_longer_rto(void **state)
{
    struct frame *f;

    (void)state;
    answer(send_one(0), 100 * US);
    f = flight_get(&flight, true);
    f->opcode = ATA_FLUSH_CACHE_EXT;
    path_queued(&path, f);
    path_sent(&path, f, MS);
    path_tick(&path, 900 * MS);
    assert_int_equal(lost(), 0);
    path_tick(&path, MS + PATH_RTO_SLOW);
    assert_int_equal(lost(), 1);
    assert_int_equal(path.backoff, 0); /* which says nothing of the wire */
}

static void falls_silent(void **state)
{
    uint64_t now = 100 * US;

    (void)state;
    answer(send_one(0), now);
    send_one(now);
    while (path.state == PATH_GOOD && now < 10 * NS_PER_S) {
        struct frame *f;

        now = path_next(&path);
        path_tick(&path, now);
        if (list_empty(&path.lost))
            continue;
        f = list_entry(list_first(&path.lost), struct frame, link);
        path_forget(&path, f);
        path_queued(&path, f);
        path_sent(&path, f, now);
    }
    assert_in_range(now, PATH_SILENT_TIME, NS_PER_S);
    path_revive(&path, now);
    assert_int_equal(path.state, PATH_GOOD);
    assert_int_equal(lost(), 1);
}

/* ---- time-wait ------------------------------------------------------------
 */

static void time_wait_agrees_with_a_list(void **state)
{
    enum { N = 300 };
    static struct time_wait time_wait;
    struct frame *f[N];
    unsigned seed = 3;

    (void)state;
    time_wait_init(&time_wait);
    for (int i = 0; i < N; i++) {
        f[i] = flight_get(&flight, true);
        f[i]->lba = (uint64_t)rand_r(&seed) % 20000;
        f[i]->sectors = 1 + (uint32_t)rand_r(&seed) % (i % 50 ? 17 : 900);
        time_wait_add(&time_wait, f[i], (uint64_t)i);
    }
    for (int round = 0; round < N; round++) {
        for (int k = 0; k < 200; k++) {
            uint64_t lba = (uint64_t)rand_r(&seed) % 20000;
            uint64_t n = 1 + (uint64_t)rand_r(&seed) % 40;
            bool hit = false;

            for (int i = round; i < N; i++)
                hit |= lba < f[i]->lba + f[i]->sectors && f[i]->lba < lba + n;
            assert_int_equal(time_wait_hit(&time_wait, lba, n), hit);
        }
        assert_null(
            time_wait_expired(&time_wait, (uint64_t)round + TIME_WAIT - 1));
        assert_ptr_equal(
            time_wait_expired(&time_wait, (uint64_t)round + TIME_WAIT),
            f[round]);
        time_wait_remove(&time_wait, f[round]);
        flight_put(&flight, f[round]);
    }
    assert_false(time_wait_hit(&time_wait, 0, 1000000));
}

/* ---- tags -----------------------------------------------------------------
 */

static void tags_are_ours_and_unique(void **state)
{
    struct frame *f[3000];

    (void)state;
    for (int i = 0; i < 3000; i++) {
        f[i] = flight_get(&flight, true);
        assert_int_equal(f[i]->tag >> 24, 0x91);
        assert_ptr_equal(flight_find(&flight, f[i]->tag), f[i]);
    }
    /* The counter wraps around while one is still in use. */
    flight.counter = (f[0]->tag - 1) & 0xffffff;
    assert_int_not_equal(flight_tag(&flight), f[0]->tag);
    for (int i = 0; i < 3000; i++) {
        uint32_t tag = f[i]->tag;

        flight_put(&flight, f[i]);
        assert_null(flight_find(&flight, tag));
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(rto_begins_at_200_ms),
        T(rto_follows_the_round_trip),
        T(retransmissions_are_not_timed),
        T(overtaken_frames_are_lost),
        T(window_opens_and_halves),
        T(a_single_loss_halves_it_too),
        T(window_never_passes_the_buffer_count),
        T(the_tail_is_probed),
        T(backoff_waits_for_a_measurement),
        T(spurious_losses_raise_the_tolerance),
        T(spurious_losses_restore_the_window),
        T(slow_commands_have_a_longer_rto),
        T(falls_silent),
        T(time_wait_agrees_with_a_list),
        T(tags_are_ours_and_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
