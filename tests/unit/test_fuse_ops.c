/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The FUSE bridge: files, their attributes and their data.
 */
#include "tests/unit/fuse_fixture.h"

static int setup_cache(void **state)
{
    struct aoefs_options o = plain;

    o.cache = true;
    return setup_with(state, &o);
}

static int setup_small(void **state)
{
    struct aoefs_options o = plain;

    o.memory = 2 * (AOEFS_RECEIVE_ROOM + AOEFS_REQUEST_ROOM);
    return setup_with(state, &o);
}

static int setup_read_only(void **state)
{
    struct aoefs_options o = plain;

    o.read_only = true;
    return setup_with(state, &o);
}

/* ---- files --------------------------------------------------------------- */

static void init_agrees(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_init_out out = {0};

    memcpy(&out, f->reply.body, f->reply.length);
    assert_true(f->usable);
    assert_int_equal(out.max_write, MIB);
    assert_int_equal(out.max_background, 64);
    assert_int_equal(out.flags & FUSE_ATOMIC_O_TRUNC, 0);
    assert_int_equal(out.flags & FUSE_WRITEBACK_CACHE, 0);
    assert_int_equal(out.flags & FUSE_ASYNC_DIO, FUSE_ASYNC_DIO);
}

static void names_are_found(void **state)
{
    static const char *const names[] = {"e1.2", "e1.2.info", "e1.2.stats",
                                        "e3.4"};
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_entry_out e;

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(
            call(f, FUSE_LOOKUP, FUSE_ROOT_ID, names[i], strlen(names[i]) + 1),
            0);
        memcpy(&e, f->reply.body, sizeof e);
        assert_int_equal(e.nodeid, DISK + i);
        assert_int_equal(e.attr.ino, DISK + i);
    }
    assert_int_equal(call(f, FUSE_LOOKUP, FUSE_ROOT_ID, "e1.", 4), -ENOENT);
    assert_int_equal(call(f, FUSE_LOOKUP, FUSE_ROOT_ID, "e1.2.x", 7), -ENOENT);
}

static void attributes_are_those_of_the_disk(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_getattr_in in = {0};
    struct fuse_attr_out out;

    f->fakes[0].id.physical_sector = 8192;
    assert_int_equal(call(f, FUSE_GETATTR, DISK, &in, sizeof in), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.attr.size, 4 * MIB + 512);
    assert_int_equal(out.attr.blocks, (4 * MIB + 512) / 512);
    assert_int_equal(out.attr.blksize, 8192);
    assert_int_equal(out.attr.mode, S_IFREG | 0640);
    assert_int_equal(out.attr.uid, 7);
    assert_int_equal(out.attr.gid, 8);
    assert_int_equal(call(f, FUSE_GETATTR, INFO, &in, sizeof in), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.attr.mode, S_IFREG | 0440);
    assert_true(out.attr.size > 100);
    assert_int_equal(call(f, FUSE_GETATTR, 99, &in, sizeof in), -ENOENT);
}

/* Collects the names that READDIR gives in pieces of `capacity` bytes. */
static void list(struct fuse_fixture *f, uint32_t capacity, char *out)
{
    struct fuse_read_in in = {.size = capacity};

    for (*out = '\0';;) {
        size_t at = 0;

        assert_int_equal(call(f, FUSE_READDIR, FUSE_ROOT_ID, &in, sizeof in),
                         0);
        if (f->reply.length == 0)
            return;
        while (at < f->reply.length) {
            const struct fuse_dirent *d = (const void *)(f->reply.body + at);

            sprintf(out + strlen(out), "%.*s ", (int)d->namelen, d->name);
            in.offset = d->off;
            at += FUSE_DIRENT_SIZE(d);
        }
    }
}

static void directory_is_listed(void **state)
{
    static const char all[] =
        ". .. e1.2 e1.2.info e1.2.stats e3.4 e3.4.info e3.4.stats ";
    char names[256];

    list(fixture_of(state), 4096, names);
    assert_string_equal(names, all);
    list(fixture_of(state), 64, names); /* one or two entries at a time */
    assert_string_equal(names, all);
}

static void the_size_cannot_be_changed(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = 0};

    /* O_TRUNC: a program that believes the disk empty then leaves out
     * zeroes. */
    assert_int_equal(call(f, FUSE_SETATTR, DISK, &in, sizeof in), -EPERM);
    in.valid |= FATTR_FH; /* ftruncate */
    assert_int_equal(call(f, FUSE_SETATTR, DISK, &in, sizeof in), -EPERM);
    in.size = 4 * MIB + 512;
    assert_int_equal(call(f, FUSE_SETATTR, DISK, &in, sizeof in), 0);
    in.size++;
    assert_int_equal(call(f, FUSE_SETATTR, DISK, &in, sizeof in), -EPERM);
    in = (struct fuse_setattr_in){.valid = FATTR_MTIME | FATTR_MTIME_NOW};
    assert_int_equal(call(f, FUSE_SETATTR, DISK, &in, sizeof in), 0);
    in = (struct fuse_setattr_in){.valid = FATTR_MODE, .mode = 0644};
    assert_int_equal(call(f, FUSE_SETATTR, DISK, &in, sizeof in), -EPERM);
}

static void opens_direct_and_parallel(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_open_out out;

    assert_int_equal(do_open(f, DISK, O_RDWR), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(f->reply.length, sizeof out);
    assert_int_equal(out.open_flags &
                         (FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES),
                     FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES);
}

static void opens_for_the_page_cache(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_open_out out;

    assert_int_equal(do_open(f, DISK, O_RDWR), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.open_flags & FOPEN_DIRECT_IO, 0);
}

static void texts_are_read(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_open_out out;

    assert_int_equal(do_open(f, INFO, O_WRONLY), -EACCES);
    assert_int_equal(do_open(f, INFO, O_RDONLY), 0);
    memcpy(&out, f->reply.body, sizeof out);
    strcpy(f->fakes[0].id.model, "changed");
    assert_int_equal(do_read(f, INFO, 0, 4096, out.fh), 0);
    f->reply.body[f->reply.length] = '\0';
    assert_non_null(strstr((char *)f->reply.body, "e1.2\n"));
    assert_non_null(strstr((char *)f->reply.body, "4194816"));
    assert_non_null(strstr((char *)f->reply.body, "eth0 02:00:00:00:00:01"));
    assert_null(strstr((char *)f->reply.body, "changed"));
    assert_int_equal(do_read(f, INFO, 100000, 4096, out.fh), 0);
    assert_int_equal(f->reply.length, 0);
    assert_int_equal(do_release(f, INFO, O_RDONLY, out.fh), 0);
}

/* ---- data ---------------------------------------------------------------- */

static void data_comes_back(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    assert_int_equal(do_write(f, DISK, 1000, "hello", 5), 0);
    assert_memory_equal(f->fakes[0].bytes + 1000, "hello", 5);
    assert_int_equal(do_read(f, DISK, 999, 7, 0), 0);
    assert_int_equal(f->reply.length, 7);
    assert_memory_equal(f->reply.body, "\0hello\0", 7);
}

static void reads_at_the_end_are_short(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    uint64_t size = 4 * MIB + 512;
    struct fuse_write_out out;
    static uint8_t data[4096];

    assert_int_equal(do_write(f, DISK, size - 100, data, 4096), 0);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.size, 100);
    assert_int_equal(do_write(f, DISK, size, data, 1), -ENOSPC);
    assert_int_equal(do_write(f, DISK, UINT64_MAX / 2, data, 1), -ENOSPC);
    assert_int_equal(do_read(f, DISK, size - 100, 4096, 0), 0);
    assert_int_equal(f->reply.length, 100);
    assert_int_equal(do_read(f, DISK, size, 4096, 0), 0);
    assert_int_equal(f->reply.length, 0);
}

/* A large write stays in the buffer it arrived in.  The next request must use
 * another. */
static void waiting_writes_keep_their_data(void **state)
{
    enum { SIZE = 64 << 10, COUNT = 3 };
    struct fuse_fixture *f = fixture_of(state);
    static uint8_t data[SIZE];

    _Static_assert((int)SIZE > (int)AOEFS_COPY_MAX, "not copied");
    f->fakes[0].hold = 2 * COUNT;
    for (unsigned i = 0; i < COUNT; i++) {
        memset(data, (int)('a' + i), sizeof data);
        ask_write(f, DISK, i * SIZE, data, SIZE);
        ask_write(f, DISK, MIB + i * 512, data, 512); /* a copied one */
    }
    replies(f);
    for (unsigned i = 0; i < COUNT; i++) {
        memset(data, (int)('a' + i), sizeof data);
        assert_memory_equal(f->fakes[0].bytes + i * SIZE, data, SIZE);
        assert_memory_equal(f->fakes[0].bytes + MIB + i * 512, data, 512);
    }
    assert_int_equal(f->fs.pool.memory.used, 0);
    assert_int_equal(f->fs.pool.memory.objects_used, 0);
}

static void memory_is_bounded(void **state)
{
    enum { SIZE = 33 << 10, COUNT = 4 }; /* what the socket holds */
    struct fuse_fixture *f = fixture_of(state);
    static uint8_t data[SIZE];

    f->fakes[0].hold = 2;
    for (unsigned i = 0; i < COUNT; i++) {
        memset(data, (int)i, sizeof data);
        ask_write(f, DISK, i * SIZE, data, SIZE);
    }
    replies(f);
    assert_int_equal(f->fakes[0].most_pending, 2);
    assert_int_equal(f->fakes[0].completed, COUNT);
    assert_int_equal(f->fs.pool.memory.used, 0);
}

/* A request without a buffer counts, too; otherwise many one-byte writes would
 * take much more than the limit. */
static void small_requests_count(void **state)
{
    enum { COUNT = 8 };
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_fsync_in in = {0};

    f->fs.pool.memory.limit = AOEFS_RECEIVE_ROOM + 3 * AOEFS_REQUEST_ROOM;
    f->fakes[0].hold = 4;
    for (unsigned i = 0; i < COUNT; i++)
        ask(f, FUSE_FSYNC, DISK, &in, sizeof in, NULL, 0);
    replies(f);
    assert_int_equal(f->fakes[0].most_pending, 4);
    assert_int_equal(f->fakes[0].completed, COUNT);
    assert_int_equal(f->fs.pool.memory.used, 0);
}

/* Cached buffers of many writes are freed for those of many reads. */
static void spare_memory_is_bounded(void **state)
{
    enum { SIZE = 33 << 10, COUNT = 2 };
    struct fuse_fixture *f = fixture_of(state);
    const struct pool *pool = &f->fs.pool.memory;
    struct fuse_read_in in = {.size = MIB};
    static uint8_t data[SIZE];

    f->fakes[0].hold = COUNT;
    for (unsigned i = 0; i < COUNT; i++)
        ask_write(f, DISK, i * SIZE, data, SIZE);
    replies(f);
    assert_true(pool->spare > 0);
    f->fakes[0].fail = -EIO;
    for (unsigned i = 0; i < COUNT; i++)
        ask(f, FUSE_READ, DISK, &in, sizeof in, NULL, 0);
    replies(f);
    assert_int_equal(pool->used, 0);
    assert_true(pool->spare <= pool->limit);
}

static void idle_memory_goes_back(void **state)
{
    enum { COUNT = 6 };
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_read_in in = {.size = MIB};

    f->fakes[0].hold = COUNT;
    f->fakes[0].fail = -EIO; /* small replies, large buffers */
    for (unsigned i = 0; i < COUNT; i++)
        ask(f, FUSE_READ, DISK, &in, sizeof in, NULL, 0);
    replies(f);
    assert_int_equal(f->fs.pool.memory.spare, COUNT * MIB);
    assert_true(f->fs.pool.trim.index != 0);
    f->fs.pool.trim.expired(f->fs.pool.trim.arg);
    assert_int_equal(f->fs.pool.memory.spare, AOEFS_MEMORY_REST);
}

static void errors_reach_the_user(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    f->fakes[0].fail = -EIO;
    assert_int_equal(do_read(f, DISK, 0, 512, 0), -EIO);
    assert_int_equal(do_write(f, DISK, 0, "x", 1), -EIO);
    f->fakes[0].fail = -ECANCELED;
    assert_int_equal(do_read(f, DISK, 0, 512, 0), -EIO);
    f->fakes[0].fail = -EROFS;
    assert_int_equal(do_write(f, DISK, 0, "x", 1), -EROFS);
}

/* ---- the rest ------------------------------------------------------------ */

static void read_only_refuses(void **state)
{
    struct fuse_fixture *f = fixture_of(state);

    assert_int_equal(do_open(f, DISK, O_RDWR), -EROFS);
    assert_int_equal(do_open(f, DISK, O_RDONLY), 0);
}

static void nothing_is_created(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct {
        struct fuse_create_in in;
        char name[8];
    } create = {.name = "e9.9"};

    assert_int_equal(call(f, FUSE_CREATE, FUSE_ROOT_ID, &create, sizeof create),
                     -EPERM);
    assert_int_equal(call(f, FUSE_UNLINK, FUSE_ROOT_ID, "e1.2", 5), -EPERM);
}

static void growth_is_reported(void **state)
{
    struct fuse_fixture *f = fixture_of(state);
    struct fuse_notify_inval_inode_out out;

    aoefs_resized(&f->disks[1]);
    f->wanted = 1;
    replies(f);
    assert_int_equal(f->reply.head.unique, 0);
    assert_int_equal(f->reply.head.error, FUSE_NOTIFY_INVAL_INODE);
    memcpy(&out, f->reply.body, sizeof out);
    assert_int_equal(out.ino, DISK2);
    assert_true(out.off < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(init_agrees),
        TEST(names_are_found),
        TEST(attributes_are_those_of_the_disk),
        TEST(directory_is_listed),
        TEST(the_size_cannot_be_changed),
        TEST(opens_direct_and_parallel),
        cmocka_unit_test_setup_teardown(opens_for_the_page_cache, setup_cache,
                                        teardown),
        TEST(texts_are_read),
        TEST(data_comes_back),
        TEST(reads_at_the_end_are_short),
        TEST(waiting_writes_keep_their_data),
        cmocka_unit_test_setup_teardown(memory_is_bounded, setup_small,
                                        teardown),
        TEST(small_requests_count),
        cmocka_unit_test_setup_teardown(spare_memory_is_bounded, setup_small,
                                        teardown),
        TEST(idle_memory_goes_back),
        TEST(errors_reach_the_user),
        cmocka_unit_test_setup_teardown(read_only_refuses, setup_read_only,
                                        teardown),
        TEST(nothing_is_created),
        TEST(growth_is_reported),
    };

    alarm(60); /* a reply that never comes must not hang the suite */
    return cmocka_run_group_tests_name("fuse_ops", tests, NULL, NULL);
}
