/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Flushes that fail: who is told of the lost writes, and what is written again.
 */
#include <errno.h>

#include "tests/unit/loss_fixture.h"

static void a_bad_flush_is_told_to_everybody(int how)
{
    struct aoe_writer *w[3];
    struct fixture f;

    begin(&f, how);
    for (int i = 0; i < 3; i++)
        w[i] = aoe_writer_open(f.disk);
    assert_int_equal(run_as(&f, w[0], AOE_WRITE, false), 0);
    assert_int_equal(run_as(&f, w[1], AOE_WRITE, false), 0);
    f.nas->bad_flushes = 1;
    assert_int_equal(run_as(&f, w[0], AOE_FLUSH, false), -EIO);
    assert_int_equal(run_as(&f, w[0], AOE_FLUSH, false), 0);
    assert_int_equal(run_as(&f, w[1], AOE_WRITE, true), -EIO); /* durable */
    assert_int_equal(run_as(&f, w[1], AOE_WRITE, true), 0);
    /* This writer wrote nothing, but may flush for one who did. */
    assert_int_equal(run_as(&f, w[2], AOE_FLUSH, false), -EIO);
    assert_int_equal(run_as(&f, w[2], AOE_FLUSH, false), 0);
    for (int i = 0; i < 3; i++)
        aoe_writer_close(w[i]);
    w[0] = aoe_writer_open(f.disk); /* all were told */
    assert_int_equal(run_as(&f, w[0], AOE_FLUSH, false), 0);
    assert_int_equal(flush(&f), 0); /* nor is it another program's business */
    aoe_writer_close(w[0]);
    stop(&f);
}

static void every_writer_is_told_once(void **state)
{
    (void)state;
    a_bad_flush_is_told_to_everybody(0);
    a_bad_flush_is_told_to_everybody(WORDS);
}

/* A writer who has gone may come back under another identity, before the loss
 * or after. */
static void a_writer_that_comes_back_is_told(void **state)
{
    struct aoe_writer *w, *other;
    struct fixture f;

    (void)state;
    begin(&f, WORDS);
    w = aoe_writer_open(f.disk);
    other = aoe_writer_open(f.disk);
    assert_int_equal(run_as(&f, w, AOE_WRITE, false), 0);
    aoe_writer_close(w);
    model_lose(f.nas);
    look(&f);
    assert_int_equal(run_as(&f, other, AOE_FLUSH, false), -EIO);
    w = aoe_writer_open(f.disk);
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), -EIO);
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), 0);
    aoe_writer_close(w);
    w = aoe_writer_open(f.disk); /* one was told, that is enough */
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), 0);

    assert_int_equal(run_as(&f, w, AOE_WRITE, false), 0);
    model_lose(f.nas);
    look(&f);
    aoe_writer_close(w); /* nobody has told him */
    w = aoe_writer_open(f.disk);
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), -EIO);
    aoe_writer_close(w);
    aoe_writer_close(other);
    stop(&f);
}

/* Another process takes over from a server that was killed. */
static void a_resumed_writer_is_told(void **state)
{
    struct aoe_writer *w;
    struct fixture f;

    (void)state;
    begin(&f, WORDS);
    w = aoe_writer_resume(f.disk, 1);
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), 0);
    assert_int_equal(f.events[AOE_DISK_SETTLED], 1);
    aoe_writer_close(w);
    w = aoe_writer_resume(f.disk, 7); /* it was another epoch then */
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), -EIO);
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), 0);
    assert_int_equal(f.events[AOE_DISK_SETTLED], 1);

    assert_int_equal(run_as(&f, w, AOE_WRITE, false), 0);
    model_lose(f.nas);
    look(&f);
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), -EIO);
    assert_int_equal(f.events[AOE_DISK_SETTLED], 1); /* it may be killed now */
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), 0);
    assert_int_equal(f.events[AOE_DISK_SETTLED], 2);
    aoe_writer_close(w);
    stop(&f);
}

/* The last write ends after the writer has gone. */
static void a_write_outlives_its_writer(void **state)
{
    static uint8_t sector[512];
    struct aoe_writer *w;
    struct fixture f;
    struct io io;

    (void)state;
    begin(&f, WORDS);
    w = aoe_writer_open(f.disk);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, sector, 512, 0), 0);
    world_run(&f.w, NS_PER_MS, NULL);
    assert_int_equal(f.nas->held, 1);
    model_release(f.nas);
    world_run(&f.w, NS_PER_S, &io.done);
    io = (struct io){.iov = {sector, 512}};
    io.r = (struct aoe_request){.op = AOE_WRITE,
                                .length = 512,
                                .iov = &io.iov,
                                .iovcnt = 1,
                                .done = io_done,
                                .arg = &io,
                                .writer = w};
    assert_int_equal(aoe_submit(f.disk, &io.r), 0);
    world_run(&f.w, NS_PER_MS, NULL);
    aoe_writer_close(w);
    f.nas->hold = false;
    model_release(f.nas);
    world_run(&f.w, NS_PER_S, &io.done);
    model_lose(f.nas);
    look(&f);
    w = aoe_writer_open(f.disk);
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), -EIO);
    aoe_disk_close(f.disk);
    aoe_writer_close(w); /* in whatever order */
    stop(&f);
}

/* What a failed flush of our own lost is written again. */
static void a_bad_flush_of_ours(int how)
{
    struct fixture f;

    begin(&f, REPLAY | how);
    fill(&f, 1, 4096, 0);
    f.nas->bad_flushes = 1;
    world_run(&f.w, 3 * NS_PER_S, NULL); /* idle: it is flushed */
    assert_int_equal(f.nas->bad_flushes, 0);
    on_medium(&f, 1, 4096, 0);
    assert_int_equal(flush(&f), 0);
    assert_int_equal(f.events[AOE_DISK_MENDED], 1);
    assert_int_equal(heard(&f), 1);
    stop(&f);
}

static void a_failed_flush_of_ours_is_repaired(void **state)
{
    (void)state;
    a_bad_flush_of_ours(0);
    a_bad_flush_of_ours(WORDS);
}

static void a_bad_flush_of_a_user(int how)
{
    struct fixture f;

    begin(&f, REPLAY | how);
    fill(&f, 1, 512 * 40, 0);
    f.nas->bad_flushes = 3;
    assert_int_equal(flush(&f), 0);
    on_medium(&f, 1, 512 * 40, 0);
    fill(&f, 2, 4096, 4096);
    f.nas->bad_flushes = 1000; /* the disk is bad for good */
    assert_int_equal(flush(&f), -EIO);
    assert_int_equal(f.events[AOE_DISK_LOST_WRITES], 1);
    fill(&f, 3, 4096, 8192);
    assert_int_equal(flush(&f), -EIO);
    world_run(&f.w, 300 * NS_PER_S,
              NULL); /* the log waits, and is in no hurry */
    assert_true(f.nas->bad_flushes > 700);
    assert_int_equal(flush(&f), -EIO);
    f.nas->bad_flushes = 0;
    assert_int_equal(flush(&f), 0);
    on_medium(&f, 2, 4096, 4096);
    on_medium(&f, 3, 4096, 8192);
    assert_int_equal(f.events[AOE_DISK_LOST_WRITES], 1);
    assert_int_equal(f.events[AOE_DISK_MENDED], 2);
    stop(&f);
}

static void a_failed_flush_of_a_user_is_repaired(void **state)
{
    (void)state;
    a_bad_flush_of_a_user(0);
    a_bad_flush_of_a_user(WORDS);
}

/* Part of it cannot be written again: nothing is forgotten. */
static void what_cannot_be_written_again_fails_flushes(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, REPLAY);
    fill(&f, 1, 512 * 16, 0);
    f.nas->bad_flushes = 1;
    f.nas->bad_lba = 3;
    assert_int_equal(flush(&f), -EIO);
    assert_int_equal(flush(&f), -EIO);
    f.nas->bad_lba = UINT64_MAX;
    assert_int_equal(flush(&f), 0);
    on_medium(&f, 1, 512 * 16, 0);
    stop(&f);
}

/* A refusal may be a badly reported failure, and is reported only once. */
static void a_refusal_is_not_believed(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, REPLAY);
    fill(&f, 1, 4096, 0);
    f.nas->no_flush_ext = true;
    assert_int_equal(flush(&f), -EIO);
    memset(f.nas->disk, 0, SECTORS * 512);
    f.nas->no_flush_ext = false;
    assert_int_equal(flush(&f), 0);
    on_medium(&f, 1, 4096, 0);
    stop(&f);
}

/* A large write is not reported before a flush, and that flush loses it. */
static void a_large_write_is_not_lost_silently(void **state)
{
    static uint8_t bytes[512 * 256];
    struct aoe_disk_options o = {.timeout = 60 * NS_PER_S, .replay = 16 << 10};
    struct fixture f = {0};

    (void)state;
    world_open(&f.w, 7, 1500);
    f.nas = world_add(&f.w, SECTORS, 1500, "one");
    assert_int_equal(aoe_disk_open(f.w.aoe, 1, 2, &o, on_event, &f, &f.disk),
                     0);
    world_run(&f.w, NS_PER_S, NULL);
    f.nas->bad_flushes = 1;
    assert_int_equal(run(&f, AOE_WRITE, bytes, sizeof bytes, 0), -EIO);
    assert_int_equal(run(&f, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_writer_is_told_once),
        cmocka_unit_test(a_writer_that_comes_back_is_told),
        cmocka_unit_test(a_resumed_writer_is_told),
        cmocka_unit_test(a_write_outlives_its_writer),
        cmocka_unit_test(a_failed_flush_of_ours_is_repaired),
        cmocka_unit_test(a_failed_flush_of_a_user_is_repaired),
        cmocka_unit_test(what_cannot_be_written_again_fails_flushes),
        cmocka_unit_test(a_refusal_is_not_believed),
        cmocka_unit_test(a_large_write_is_not_lost_silently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
