/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writes that were answered and are lost: by a disk that fails, or by a target
 * that says so (doc/vendor-words.md).  Who hears of it, and what is written
 * again.
 */
#include <errno.h>

#include "tests/unit/disk_fixture.h"

enum { WORDS = 1, REPLAY = 2 };

static void begin(struct fixture *f, int how)
{
    struct aoe_disk_options o = {.timeout = 60 * NS_PER_S,
                                 .replay = how & REPLAY ? 1 << 20 : 0};

    memset(f, 0, sizeof *f);
    world_open(&f->w, 7, 1500);
    f->nas = world_add(&f->w, SECTORS, 1500, "one");
    f->nas->identity.write_cache = true;
    if (how & WORDS)
        model_speak(f->nas);
    assert_int_equal(aoe_disk_open(f->w.aoe, 1, 2, &o, on_event, f, &f->disk),
                     0);
    world_run(&f->w, NS_PER_S, NULL);
    assert_true(aoe_disk_ready(f->disk));
}

/* A request of a user's own. */
static int run_as(struct fixture *f, struct aoe_writer *w, enum aoe_op op,
                  bool fua)
{
    static uint8_t sector[512] = {9};
    uint64_t length = op == AOE_FLUSH ? 0 : 512;
    struct io io = {.iov = {sector, 512}};

    io.r = (struct aoe_request){.op = op,
                                .length = length,
                                .iov = &io.iov,
                                .iovcnt = 1,
                                .fua = fua,
                                .done = io_done,
                                .arg = &io,
                                .writer = w};
    assert_int_equal(aoe_submit(f->disk, &io.r), 0);
    world_run(&f->w, 1000 * NS_PER_S, &io.done);
    assert_true(io.done);
    return io.status;
}

static void fill(struct fixture *f, uint8_t byte, uint64_t length,
                 uint64_t offset)
{
    static uint8_t bytes[512 * 256];

    memset(bytes, byte, (size_t)length);
    assert_int_equal(run(f, AOE_WRITE, bytes, length, offset), 0);
}

static int flush(struct fixture *f)
{
    return run(f, AOE_FLUSH, NULL, 0, 0);
}

static void look(struct fixture *f)
{
    model_announce(f->nas);
    world_run(&f->w, NS_PER_S, NULL);
}

static unsigned heard(const struct fixture *f)
{
    return f->events[AOE_DISK_RESTARTED] + f->events[AOE_DISK_REPLAYED] +
           f->events[AOE_DISK_LOST_WRITES] + f->events[AOE_DISK_MENDED] +
           f->events[AOE_DISK_FLUSH_REFUSED];
}

static void on_medium(const struct fixture *f, uint8_t byte, uint64_t length,
                      uint64_t offset)
{
    for (uint64_t i = offset; i < offset + length; i++)
        assert_int_equal(f->nas->medium[i], byte);
}

/* ---- a target that says what it has lost ----------------------------------
 */

static void says_who_it_is(void **state)
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

static void a_crash_is_told_once(void **state)
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

/* Each of them may have covered what is lost, and its user looks at no other.
 */
static void all_that_are_on_their_way_tell(void **state)
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
static void no_flush_comes_too_late(void **state)
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

static void a_loss_is_written_again(void **state)
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

/* A read that was on the way while the target lost everything. */
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
    model_release(f.nas); /* its answer comes behind the announcement */
    world_run(&f.w, 20 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(sector[0], 7);
    stop(&f);
}

/* One frame of a write is answered before the loss, the others after it. */
static void half_a_write_begins_anew(void **state)
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

/* ---- flushes that fail ----------------------------------------------------
 */

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
    /* He wrote nothing, but may flush for one who did. */
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

static void everybody_is_told_once(void **state)
{
    (void)state;
    a_bad_flush_is_told_to_everybody(0);
    a_bad_flush_is_told_to_everybody(WORDS);
}

/* He who has gone may come back as somebody else: before the loss or after. */
static void who_comes_back_is_told(void **state)
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

/* Another process takes over what one has served that was killed. */
static void who_is_resumed_is_told(void **state)
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
    assert_int_equal(f.events[AOE_DISK_SETTLED], 1); /* he may be killed now */
    assert_int_equal(run_as(&f, w, AOE_FLUSH, false), 0);
    assert_int_equal(f.events[AOE_DISK_SETTLED], 2);
    aoe_writer_close(w);
    stop(&f);
}

/* His last write ends when he has gone. */
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

/* What a flush of ours took from under the user is written again. */
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

static void a_bad_flush_of_ours_is_mended(void **state)
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

static void a_bad_flush_of_a_user_is_mended(void **state)
{
    (void)state;
    a_bad_flush_of_a_user(0);
    a_bad_flush_of_a_user(WORDS);
}

/* Some of it cannot be written again: nothing is forgotten. */
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

/* A refusal may be a failure that is said badly, and said only once. */
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

/* A large write is not reported before a flush, and that loses it. */
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

    /* One of them was none: no flush succeeds before all is there again. */
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
        cmocka_unit_test(says_who_it_is),
        cmocka_unit_test(a_restart_without_loss_is_nothing),
        cmocka_unit_test(a_crash_is_told_once),
        cmocka_unit_test(all_that_are_on_their_way_tell),
        cmocka_unit_test(no_flush_comes_too_late),
        cmocka_unit_test(a_loss_is_written_again),
        cmocka_unit_test(no_read_sees_the_loss),
        cmocka_unit_test(half_a_write_begins_anew),
        cmocka_unit_test(a_read_only_disk_is_one),
        cmocka_unit_test(everybody_is_told_once),
        cmocka_unit_test(who_comes_back_is_told),
        cmocka_unit_test(who_is_resumed_is_told),
        cmocka_unit_test(a_write_outlives_its_writer),
        cmocka_unit_test(a_bad_flush_of_ours_is_mended),
        cmocka_unit_test(a_bad_flush_of_a_user_is_mended),
        cmocka_unit_test(what_cannot_be_written_again_fails_flushes),
        cmocka_unit_test(a_refusal_is_not_believed),
        cmocka_unit_test(a_large_write_is_not_lost_silently),
        cmocka_unit_test(spoofed_announcements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
