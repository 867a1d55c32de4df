/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The FUSE bridge: what syncs data to the disk, and fallocate and lseek.
 */
#include "tests/unit/fuse_fixture.h"

static void drained(void *arg, int status)
{
    struct fuse_fixture *f = arg;

    f->drained = status;
    loop_stop(f->loop, 0);
}

/* ---- flush --------------------------------------------------------------- */

static unsigned flushes(const struct aoe_disk *d)
{
    unsigned n = 0;

    for (unsigned i = 0; i < d->completed && i < FAKE_LOG_MAX; i++)
        n += d->log[i].op == AOE_FLUSH;
    return n;
}

static int do_fsync(struct fuse_fixture *f, uint32_t opcode, uint64_t ino)
{
    struct fuse_fsync_in in = {0};

    return call(f, opcode, ino, &in, sizeof in);
}

static void fsync_is_a_flush(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    do_write(f, DISK, 0, "x", 1);
    assert_int_equal(do_fsync(f, FUSE_FSYNC, DISK), 0);
    assert_int_equal(f->fakes[0].log[0].op, AOE_WRITE);
    assert_int_equal(f->fakes[0].log[1].op, AOE_FLUSH);
    f->fakes[0].fail = -EIO;
    assert_int_equal(do_fsync(f, FUSE_FSYNC, DISK), -EIO);
}

static void fsync_of_the_directory_flushes_what_was_written(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    do_write(f, DISK2, 0, "x", 1);
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), 0);
    assert_int_equal(flushes(&f->fakes[0]), 0);
    assert_int_equal(flushes(&f->fakes[1]), 1);
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), 0);
    assert_int_equal(flushes(&f->fakes[1]), 1);
    do_write(f, DISK, 0, "x", 1);
    do_write(f, DISK2, 0, "x", 1);
    f->fakes[0].fail = -EIO; /* the other is still flushed */
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), -EIO);
    assert_int_equal(flushes(&f->fakes[1]), 2);
}

static void last_writer_flushes(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    do_open(f, DISK, O_RDWR);
    do_open(f, DISK, O_WRONLY);
    do_open(f, DISK, O_RDONLY);
    do_write(f, DISK, 0, "x", 1);
    do_release(f, DISK, O_RDWR, 0);
    do_release(f, DISK, O_RDONLY, 0);
    service(f);
    assert_int_equal(flushes(&f->fakes[0]), 0);
    do_release(f, DISK, O_WRONLY, 0);
    service(f);
    assert_int_equal(flushes(&f->fakes[0]), 1);
    do_open(f, DISK, O_RDWR); /* writes nothing */
    do_release(f, DISK, O_RDWR, 0);
    service(f);
    assert_int_equal(flushes(&f->fakes[0]), 1);
}

/* Without the page cache no FSYNC follows such a write. */
static void synchronous_writes_are_flushed(void **state)
{
    static const uint32_t flags[] = {O_DSYNC, O_SYNC};
    struct fuse_fixture *f = fixture_of(state);
    struct aoe_disk *d = &f->fakes[0];
    struct {
        struct fuse_write_in in;
        char data[3];
    } w = {{.size = 3}, "abc"};
    struct fuse_write_out out;

    for (unsigned i = 0; i < 2; i++) {
        d->completed = 0;
        w.in.flags = flags[i] | O_WRONLY;
        assert_int_equal(call(f, FUSE_WRITE, DISK, &w, sizeof w.in + 3), 0);
        memcpy(&out, f->reply.body, sizeof out);
        assert_int_equal(out.size, 3);
        assert_int_equal(d->completed, 2);
        assert_int_equal(d->log[0].op, AOE_WRITE);
        assert_int_equal(d->log[1].op, AOE_FLUSH);
    }
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), 0);
    assert_int_equal(d->completed, 2); /* all is flushed */
    d->fail_flush = -EIO;
    assert_int_equal(call(f, FUSE_WRITE, DISK, &w, sizeof w.in + 3), -EIO);
}

/* Writes, closes the file, and lets the flush that follows fail. */
static void fail_behind(struct fuse_fixture *f)
{
    unsigned before = flushes(&f->fakes[0]);
    uint64_t fh = open_file(f, DISK, O_RDWR);

    assert_int_equal(write_file(f, DISK, fh, O_RDWR), 0);
    f->fakes[0].fail_flush = -EIO;
    do_release(f, DISK, O_RDWR, fh);
    service(f);
    assert_int_equal(flushes(&f->fakes[0]), before + 1);
    f->fakes[0].fail_flush = 0; /* a target tells only once */
}

static void failure_behind_is_reported_once(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    uint64_t fh;

    fail_behind(f);
    fh = open_file(f, DISK, O_RDONLY); /* as sync(1) opens it */
    assert_int_equal(fsync_file(f, DISK, fh), -EIO);
    assert_int_equal(fsync_file(f, DISK, fh), 0);
    do_release(f, DISK, O_RDONLY, fh);
    fail_behind(f);
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), -EIO);
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), 0);
}

/* No matter who wrote, and whose flush failed. */
static void each_open_file_is_told_once(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    uint64_t fh[3];

    for (int i = 0; i < 3; i++)
        fh[i] = open_file(f, DISK, O_RDWR);
    assert_int_equal(write_file(f, DISK, fh[0], O_RDWR), 0);
    f->fakes[0].fail_flush = -EIO;
    assert_int_equal(fsync_file(f, DISK, fh[1]), -EIO);
    f->fakes[0].fail_flush = 0;
    assert_int_equal(fsync_file(f, DISK, fh[1]), 0);
    assert_int_equal(fsync_file(f, DISK, fh[0]), -EIO);
    assert_int_equal(fsync_file(f, DISK, fh[0]), 0);
    assert_int_equal(write_file(f, DISK, fh[2], O_RDWR | O_DSYNC), -EIO);
    assert_int_equal(write_file(f, DISK, fh[2], O_RDWR | O_DSYNC), 0);
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), 0);

    /* The directory is told what no file was told. */
    assert_int_equal(write_file(f, DISK, fh[0], O_RDWR), 0);
    lossy_lose(&f->fakes[0].lossy);
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), -EIO);
    assert_int_equal(do_fsync(f, FUSE_FSYNCDIR, FUSE_ROOT_ID), 0);
    assert_int_equal(fsync_file(f, DISK, fh[0]), -EIO);
    for (int i = 0; i < 3; i++)
        do_release(f, DISK, O_RDWR, fh[i]);
}

static void a_read_only_disk_is_shown_as_one(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_getattr_in in = {0};
    struct fuse_attr_out out;

    f->fakes[0].id.read_only = true;
    assert_int_equal(do_open(f, DISK, O_RDWR), -EROFS);
    assert_int_equal(call(f, FUSE_GETATTR, DISK, &in, sizeof in), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.attr.mode & 0777, plain.mode & 0444);
    assert_int_equal(call(f, FUSE_GETATTR, DISK2, &in, sizeof in), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.attr.mode & 0777, plain.mode);
}

static void failure_behind_is_reported_at_the_end(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    fail_behind(f);
    aoefs_drain(&f->fs, drained);
    loop_run(f->loop);
    assert_int_equal(flushes(&f->fakes[0]), 2);
    assert_int_equal(f->drained, -EIO);
}

static void drain_waits_and_flushes(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    f->fakes[0].hold = 2;
    ask_write(f, DISK, 0, "x", 1);
    ask_write(f, DISK, 1, "y", 1);
    replies(f);
    f->fakes[0].hold = 0;
    aoefs_drain(&f->fs, drained);
    loop_run(f->loop);
    assert_int_equal(f->drained, 0);
    assert_int_equal(flushes(&f->fakes[0]), 1);
    assert_int_equal(flushes(&f->fakes[1]), 0);
}

static void drain_reports_a_failed_flush(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    do_write(f, DISK, 0, "x", 1);
    f->fakes[0].fail = -EIO;
    aoefs_drain(&f->fs, drained);
    loop_run(f->loop);
    assert_int_equal(f->drained, -EIO);
}

/* What a disk that is lost refuses at once ends in the middle of it. */
static void drain_ends_once(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    do_write(f, DISK, 0, "x", 1);
    f->fakes[0].refuse = -EIO;
    aoefs_drain(&f->fs, drained);
    loop_run(f->loop);
    assert_int_equal(f->drained, -EIO);
    f->fakes[0].refuse = 0;
    assert_int_equal(do_fsync(f, FUSE_FSYNC, DISK), 0); /* the loop goes on */
}

static void hang_up(struct fuse_fixture *f)
{
    loop_unwatch(f->loop, &f->replies);
    shutdown(f->kernel, SHUT_RDWR);
    f->fs.watch.ready(f->fs.watch.arg, POLLHUP);
    assert_true(f->ended);
    assert_false(f->fs.watch.index);
    assert_int_equal(f->fs.state, AOEFS_ENDED);
}

static void hang_up_ends(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    assert_true(f->usable);
    hang_up(f);
    assert_int_equal(f->ended_status, 0);
}

static void hang_up_before_init_is_an_error(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    hang_up(f);
    assert_false(f->usable);
    assert_int_equal(f->ended_status, -EPROTO);
}

/* ---- fallocate, lseek ---------------------------------------------------- */

static void holes_need_a_trim_that_zeroes(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    assert_int_equal(do_fallocate(f, 3, 0, MIB), -EOPNOTSUPP);
    f->fakes[0].id.trim = true;
    assert_int_equal(do_fallocate(f, 3, 0, MIB), -EOPNOTSUPP);
    assert_int_equal(f->fakes[0].completed, 0);
    f->fakes[0].id.trim_zeroes = true;
    assert_int_equal(do_fallocate(f, 3, 0, MIB), 0);
    assert_int_equal(f->fakes[0].completed, 1);
    assert_int_equal(f->fakes[0].log[0].op, AOE_TRIM);
    assert_int_equal(f->fakes[0].log[0].length, MIB);
}

static void unaligned_ends_of_a_hole_are_zeroed(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct aoe_disk *d = &f->fakes[0];

    d->id.trim = d->id.trim_zeroes = true;
    d->id.physical_sector = 4096;
    memset(d->bytes, 'x', 65536);
    assert_int_equal(do_fallocate(f, 3, 100, 20000), 0);
    assert_int_equal(d->completed, 3);
    assert_int_equal(d->log[0].op, AOE_ZERO);
    assert_int_equal(d->log[0].length, 3996);
    assert_int_equal(d->log[1].op, AOE_TRIM);
    assert_int_equal(d->log[1].offset, 4096);
    assert_int_equal(d->log[1].length, 12288);
    assert_int_equal(d->log[2].op, AOE_ZERO);
    assert_int_equal(d->log[2].offset, 16384);
    assert_int_equal(d->log[2].length, 3716);
    assert_int_equal(d->bytes[99], 'x');
    assert_int_equal(d->bytes[20100], 'x');
    d->completed = 0; /* all within one sector */
    assert_int_equal(do_fallocate(f, 3, 5000, 10), 0);
    assert_int_equal(d->completed, 1);
    assert_int_equal(d->log[0].op, AOE_ZERO);
}

/* A whole disk takes hours; a program that gives up must not have to wait. */
static void a_range_can_be_interrupted(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct aoe_disk *d = &f->fakes[0];
    struct fuse_fallocate_in in = {.mode = 3, .offset = 100, .length = 20000};
    struct fuse_interrupt_in stop;

    d->id.trim = d->id.trim_zeroes = true;
    d->id.physical_sector = 4096; /* in three pieces */
    ask(f, FUSE_FALLOCATE, DISK, &in, sizeof in, NULL, 0);
    stop.unique = f->unique;
    ask(f, FUSE_INTERRUPT, 0, &stop, sizeof stop, NULL, 0);
    f->wanted--; /* which has no answer */
    assert_int_equal(replies(f), -EINTR);
    assert_int_equal(f->reply.head.unique, stop.unique);
    assert_int_equal(d->completed, 1);
    assert_int_equal(do_fallocate(f, 3, 100, 20000), 0);
}

static void ranges_are_zeroed(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct aoe_disk *d = &f->fakes[0];

    memset(d->bytes, 'x', 65536);
    assert_int_equal(do_fallocate(f, 0x10, 1, 65534), 0);
    assert_int_equal(d->bytes[0], 'x');
    assert_int_equal(d->bytes[1] | d->bytes[65534], 0);
    assert_int_equal(d->bytes[65535], 'x');
    assert_int_equal(do_fallocate(f, 0x10, 4 * MIB, 1024), -ENOSPC);
    assert_int_equal(do_fallocate(f, 0x11, 4 * MIB, 1024), 0); /* keep size */
    assert_int_equal(d->log[d->completed - 1].length, 512);
    d->fail = -EIO;
    assert_int_equal(do_fallocate(f, 0x10, 0, 512), -EIO);
}

static void fallocate_always_finds_space(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    assert_int_equal(do_fallocate(f, 0, 0, 4 * MIB + 512), 0);
    assert_int_equal(do_fallocate(f, 0, 0, 4 * MIB + 513), -ENOSPC);
    assert_int_equal(do_fallocate(f, 1, 0, 4 * MIB + 513), -ENOSPC);
    assert_int_equal(do_fallocate(f, 0x08, 0, 4096), -EOPNOTSUPP);
    assert_int_equal(f->fakes[0].completed, 0);
}

static void all_is_data(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_lseek_in in = {.offset = 4096, .whence = SEEK_DATA};
    struct fuse_lseek_out out;

    assert_int_equal(call(f, FUSE_LSEEK, DISK, &in, sizeof in), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.offset, 4096);
    in.whence = SEEK_HOLE;
    assert_int_equal(call(f, FUSE_LSEEK, DISK, &in, sizeof in), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.offset, 4 * MIB + 512);
    in.offset = 4 * MIB + 512;
    assert_int_equal(call(f, FUSE_LSEEK, DISK, &in, sizeof in), -ENXIO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(fsync_is_a_flush),
        TEST(fsync_of_the_directory_flushes_what_was_written),
        TEST(last_writer_flushes),
        TEST(synchronous_writes_are_flushed),
        TEST(failure_behind_is_reported_once),
        TEST(each_open_file_is_told_once),
        TEST(a_read_only_disk_is_shown_as_one),
        TEST(failure_behind_is_reported_at_the_end),
        TEST(drain_waits_and_flushes),
        TEST(drain_reports_a_failed_flush),
        TEST(drain_ends_once),
        TEST(hang_up_ends),
        cmocka_unit_test_setup_teardown(hang_up_before_init_is_an_error,
                                        setup_without_init, teardown),
        TEST(holes_need_a_trim_that_zeroes),
        TEST(unaligned_ends_of_a_hole_are_zeroed),
        TEST(a_range_can_be_interrupted),
        TEST(ranges_are_zeroed),
        TEST(fallocate_always_finds_space),
        TEST(all_is_data),
    };

    alarm(60); /* a reply that never comes must not hang the suite */
    return cmocka_run_group_tests_name("fuse_flush", tests, NULL, NULL);
}
