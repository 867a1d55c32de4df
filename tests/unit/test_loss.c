/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Acknowledged writes that are lost with a target that reports it
 * (doc/vendor-words.md), and announcements that mean no loss.
 */
#include <errno.h>

#include "tests/unit/loss_fixture.h"

/* ---- a target that says what it has lost ----------------------------------
 */

static void shows_the_target_and_its_epoch(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, WORDS);
    assert_int_equal(aoe_disk_identity(f.disk)->boot, 1);
    assert_int_equal(aoe_disk_identity(f.disk)->epoch, 1);
    f.nas->identity.vendor.boot = 7;
    f.nas->identity.vendor.orderly = true;
    look(&f);
    assert_int_equal(aoe_disk_identity(f.disk)->boot, 7);
    assert_true(aoe_disk_identity(f.disk)->orderly);
    stop(&f);
    begin(&f, 0);
    assert_int_equal(aoe_disk_identity(f.disk)->epoch, 0);
    stop(&f);
}

static void a_restart_without_loss(int how)
{
    uint8_t sector[512];
    struct fixture f;
    struct io io;

    begin(&f, WORDS | how);
    fill(&f, 1, 4096, 0);
    for (int i = 0; i < 3; i++) {
        f.nas->identity.vendor.boot++;
        look(&f);
    }
    fill(&f, 2, 4096, 8192);
    f.nas->silent = true; /* it takes its time */
    assert_int_equal(submit(&f, &io, AOE_READ, sector, 512, 0), 0);
    world_run(&f.w, 10 * NS_PER_S, NULL);
    f.nas->identity.vendor.boot++;
    f.nas->silent = false;
    world_run(&f.w, 10 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(sector[0], 1);
    assert_int_equal(flush(&f), 0);
    assert_int_equal(heard(&f), 0);
    assert_int_equal(f.disk->stats.replayed + f.disk->stats.losses, 0);
    on_medium(&f, 2, 4096, 8192);
    stop(&f);
}

static void a_restart_without_loss_is_nothing(void **state)
{
    (void)state;
    a_restart_without_loss(0);
    a_restart_without_loss(REPLAY);
}

static void a_crash_is_reported_once(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, WORDS);
    fill(&f, 1, 512, 0);
    assert_int_equal(flush(&f), 0);
    f.nas->identity.vendor.boot++;
    model_lose(f.nas);
    look(&f); /* nothing of ours was in it */
    assert_int_equal(flush(&f), 0);
    assert_int_equal(heard(&f), 0);
    fill(&f, 2, 512, 0);
    f.nas->identity.vendor.boot++;
    model_lose(f.nas);
    look(&f);
    assert_int_equal(f.events[AOE_DISK_RESTARTED], 1);
    assert_int_equal(flush(&f), -EIO);
    assert_int_equal(flush(&f), 0);
    fill(&f, 3, 512, 0);
    model_lose(f.nas); /* by the disk, this time */
    look(&f);
    assert_int_equal(f.events[AOE_DISK_LOST_WRITES], 1);
    assert_int_equal(flush(&f), -EIO);
    assert_int_equal(heard(&f), 2);
    assert_int_equal(f.disk->stats.losses, 2);
    stop(&f);
}

/* Each of them may have covered what is lost, and its user evaluates no
 * other. */
static void all_flushes_in_flight_report(void **state)
{
    static const enum aoe_op ops[] = {AOE_FLUSH, AOE_WRITE, AOE_FLUSH};
    static uint8_t sector[512];
    struct fixture f;
    struct io io[3];

    (void)state;
    begin(&f, WORDS);
    fill(&f, 1, 512, 0);
    model_lose(f.nas);
    for (int i = 0; i < 3; i++) {
        bool flushes = ops[i] == AOE_FLUSH;

        io[i] = (struct io){.iov = {sector, 512}};
        io[i].r = (struct aoe_request){.op = ops[i],
                                       .offset = 4096,
                                       .length = flushes ? 0 : 512,
                                       .iov = &io[i].iov,
                                       .iovcnt = 1,
                                       .fua = !flushes,
                                       .done = io_done,
                                       .arg = &io[i]};
        assert_int_equal(aoe_submit(f.disk, &io[i].r), 0);
    }
    for (int i = 0; i < 3; i++) {
        world_run(&f.w, 10 * NS_PER_S, &io[i].done);
        assert_int_equal(io[i].status, -EIO);
    }
    assert_int_equal(flush(&f), 0);
    stop(&f);
}

/* The announcement is lost, or comes later than the flush. */
static void a_flush_fails_before_the_announcement(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, WORDS);
    fill(&f, 1, 512, 0);
    model_lose(f.nas);
    assert_int_equal(flush(&f), -EIO);
    assert_int_equal(flush(&f), 0);
    assert_int_equal(f.events[AOE_DISK_LOST_WRITES], 1);
    model_lose(f.nas); /* with nothing to lose: a detour, no error */
    assert_int_equal(flush(&f), 0);
    assert_int_equal(heard(&f), 1);
    stop(&f);
}

static void lost_writes_are_written_again(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, WORDS | REPLAY);
    fill(&f, 1, 4096, 0);
    model_lose(f.nas);
    assert_int_equal(flush(&f), 0);
    on_medium(&f, 1, 4096, 0);
    assert_int_equal(f.events[AOE_DISK_MENDED], 1);
    fill(&f, 2, 4096, 0);
    f.nas->identity.vendor.boot++;
    model_lose(f.nas);
    look(&f);
    assert_int_equal(f.events[AOE_DISK_REPLAYED], 1);
    assert_int_equal(f.nas->disk[0], 2);
    assert_int_equal(flush(&f), 0);
    on_medium(&f, 2, 4096, 0);
    assert_int_equal(heard(&f), 2);
    stop(&f);
}

/* A read that was in flight while the target lost everything. */
static void no_read_sees_the_loss(void **state)
{
    uint8_t sector[512];
    struct fixture f;
    struct io io;

    (void)state;
    begin(&f, WORDS | REPLAY);
    fill(&f, 7, 512, 0);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &io, AOE_READ, sector, 512, 0), 0);
    world_run(&f.w, NS_PER_MS, NULL);
    model_lose(f.nas);
    model_announce(f.nas);
    f.nas->hold = false;
    model_release(f.nas); /* its answer comes after the announcement */
    world_run(&f.w, 20 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(sector[0], 7);
    stop(&f);
}

/* One frame of a write is answered before the loss, the others after it. */
static void half_a_write_starts_again(void **state)
{
    static uint8_t bytes[512 * 64];
    struct fixture f;
    struct io io;

    (void)state;
    begin(&f, WORDS);
    memset(bytes, 5, sizeof bytes);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    world_run(&f.w, NS_PER_MS, NULL);
    assert_in_range(f.nas->held, 1, 31);
    model_release(f.nas);
    world_run(&f.w, NS_PER_MS, NULL);
    assert_false(io.done);
    f.nas->hold = false;
    f.nas->held = 0; /* the others are lost with the target's memory */
    model_lose(f.nas);
    model_announce(f.nas);
    world_run(&f.w, 20 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_memory_equal(f.nas->disk, bytes, sizeof bytes);
    assert_int_equal(flush(&f), 0);
    assert_int_equal(heard(&f), 0); /* nothing was answered that is lost */
    stop(&f);
}

static void a_read_only_disk_is_one(void **state)
{
    uint8_t sector[512] = {0};
    struct fixture f;
    struct io io;

    (void)state;
    begin(&f, WORDS);
    assert_false(aoe_disk_identity(f.disk)->read_only);
    f.nas->identity.vendor.read_only = true;
    look(&f);
    assert_true(aoe_disk_identity(f.disk)->read_only);
    assert_int_equal(submit(&f, &io, AOE_WRITE, sector, 512, 0), -EROFS);
    assert_int_equal(submit(&f, &io, AOE_TRIM, NULL, 512, 0), -EROFS);
    assert_int_equal(run(&f, AOE_READ, sector, 512, 0), 0);
    assert_int_equal(flush(&f), 0);
    stop(&f);
}

/* ---- announcements that are none ------------------------------------------
 */

static void spoofed_announcements(void **state)
{
    struct fixture f;
    uint64_t replayed;

    (void)state;
    begin(&f, REPLAY);
    fill(&f, 1, 4096 * 8, 0);
    look(&f);
    replayed = f.disk->stats.replayed;
    assert_int_equal(replayed, 4096 * 8);
    for (uint8_t i = 0; i < 100; i++) {
        fill(&f, i, 512, 0);
        model_announce(f.nas);
        world_run(&f.w, 50 * NS_PER_MS, NULL);
    }
    assert_int_equal(f.disk->stats.replayed, replayed);
    assert_int_equal(f.events[AOE_DISK_REPLAYED], 1);

    /* One of them was real: no flush succeeds before everything is there again.
     */
    fill(&f, 2, 4096, 4096);
    memcpy(f.nas->disk, f.nas->medium, SECTORS * 512);
    model_announce(f.nas);
    world_run(&f.w, 50 * NS_PER_MS, NULL);
    assert_int_equal(flush(&f), 0);
    on_medium(&f, 99, 512, 0);
    on_medium(&f, 2, 4096, 4096);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_the_target_and_its_epoch),
        cmocka_unit_test(a_restart_without_loss_is_nothing),
        cmocka_unit_test(a_crash_is_reported_once),
        cmocka_unit_test(all_flushes_in_flight_report),
        cmocka_unit_test(a_flush_fails_before_the_announcement),
        cmocka_unit_test(lost_writes_are_written_again),
        cmocka_unit_test(no_read_sees_the_loss),
        cmocka_unit_test(half_a_write_starts_again),
        cmocka_unit_test(a_read_only_disk_is_one),
        cmocka_unit_test(spoofed_announcements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
