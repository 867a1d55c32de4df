/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The FUSE bridge against a kernel played by this test: libfuse takes any
 * descriptor for /dev/fuse, so one end of a socket pair carries requests and
 * replies as <linux/fuse.h> defines them.  No mount, no privilege.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/fuse_fs.h"
#include "tests/unit/fake_aoe.h"

#define MIB UINT64_C(1048576)

enum { DISK = AOEFS_FIRST_INO, INFO, STATS, DISK2, ROOM = 128 << 10 };

struct bench {
    struct loop *loop;
    struct aoe_loop al;
    struct aoefs fs;
    struct aoefs_disk disks[2];
    struct aoe_disk fakes[2];
    struct loop_fd replies;
    int kernel;      /* the kernel's end */
    uint64_t unique; /* of the latest request */
    unsigned wanted; /* replies that are waited for */
    struct {
        struct fuse_out_header head;
        uint8_t body[ROOM];
        size_t length; /* of body */
    } reply;           /* the latest */
    int errors[256];   /* by unique */
    bool usable, ended;
    int drained; /* 1: not yet */
};

/* ---- the kernel -----------------------------------------------------------
 */

static void reply_ready(void *arg, short revents)
{
    struct bench *b = arg;
    struct iovec iov[2] = {{&b->reply.head, sizeof b->reply.head},
                           {b->reply.body, sizeof b->reply.body}};
    ssize_t n = readv(b->kernel, iov, 2);

    (void)revents;
    assert_true(n >= (ssize_t)sizeof b->reply.head);
    assert_int_equal(n, b->reply.head.len);
    b->reply.length = (size_t)n - sizeof b->reply.head;
    if (b->reply.head.unique) /* else a notification */
        b->errors[b->reply.head.unique % 256] = b->reply.head.error;
    if (--b->wanted == 0)
        loop_stop(b->loop, 0);
}

static void ask(struct bench *b, uint32_t opcode, uint64_t ino, const void *arg,
                size_t arg_length, const void *data, size_t length)
{
    struct fuse_in_header head = {
        .len = (uint32_t)(sizeof head + arg_length + length),
        .opcode = opcode,
        .unique = ++b->unique,
        .nodeid = ino};
    struct iovec iov[3] = {{&head, sizeof head},
                           {(void *)(uintptr_t)arg, arg_length},
                           {(void *)(uintptr_t)data, length}};

    assert_int_equal(writev(b->kernel, iov, 3), head.len);
    b->wanted++;
}

static int answers(struct bench *b)
{
    loop_run(b->loop);
    return b->reply.head.error;
}

static int call(struct bench *b, uint32_t opcode, uint64_t ino, const void *arg,
                size_t length)
{
    ask(b, opcode, ino, arg, length, NULL, 0);
    return answers(b);
}

static void ask_write(struct bench *b, uint64_t ino, uint64_t offset,
                      const void *data, uint32_t size)
{
    struct fuse_write_in in = {.offset = offset, .size = size};

    ask(b, FUSE_WRITE, ino, &in, sizeof in, data, size);
}

static int do_write(struct bench *b, uint64_t ino, uint64_t offset,
                    const void *data, uint32_t size)
{
    ask_write(b, ino, offset, data, size);
    return answers(b);
}

static int do_read(struct bench *b, uint64_t ino, uint64_t offset,
                   uint32_t size, uint64_t fh)
{
    struct fuse_read_in in = {.offset = offset, .size = size, .fh = fh};

    return call(b, FUSE_READ, ino, &in, sizeof in);
}

static int do_open(struct bench *b, uint64_t ino, uint32_t flags)
{
    struct fuse_open_in in = {.flags = flags};

    return call(b, FUSE_OPEN, ino, &in, sizeof in);
}

static int do_release(struct bench *b, uint64_t ino, uint32_t flags,
                      uint64_t fh)
{
    struct fuse_release_in in = {.flags = flags, .fh = fh};

    return call(b, FUSE_RELEASE, ino, &in, sizeof in);
}

static int do_fallocate(struct bench *b, uint32_t mode, uint64_t offset,
                        uint64_t length)
{
    struct fuse_fallocate_in in = {
        .mode = mode, .offset = offset, .length = length};

    return call(b, FUSE_FALLOCATE, DISK, &in, sizeof in);
}

static void do_init(struct bench *b)
{
    struct fuse_init_in in = {.major = FUSE_KERNEL_VERSION,
                              .minor = 38,
                              .max_readahead = 131072,
                              .flags = 0x7fffffff & ~FUSE_INIT_EXT};

    assert_int_equal(call(b, FUSE_INIT, 0, &in, sizeof in), 0);
}

/* ---- the bench ------------------------------------------------------------
 */

static void service(void *arg)
{
    struct bench *b = arg;

    fake_service(&b->fakes[0]);
    fake_service(&b->fakes[1]);
}

static void usable(void *arg)
{
    struct bench *b = arg;

    b->usable = true;
}

static void ended(void *arg)
{
    struct bench *b = arg;

    b->ended = true;
}

static void drained(void *arg, int status)
{
    struct bench *b = arg;

    b->drained = status;
    loop_stop(b->loop, 0);
}

static void open_bench(struct bench *b, const struct aoefs_options *options)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    struct aoefs_options o = *options;
    char path[32];
    int ends[2];

    memset(b, 0, sizeof *b);
    b->drained = 1;
    assert_int_equal(loop_open(&b->loop), 0);
    b->al.loop = b->loop;
    b->al.task = (struct loop_task){.run = service, .arg = b};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    b->kernel = ends[0];
    b->replies =
        (struct loop_fd){.fd = b->kernel, .ready = reply_ready, .arg = b};
    loop_watch(b->loop, &b->replies, POLLIN);

    fuse_opt_add_arg(&args, "test");
    o.mount = &args;
    o.usable = usable;
    o.ended = ended;
    o.arg = b;
    assert_int_equal(aoefs_open(&b->fs, &o), 0);
    fuse_opt_free_args(&args);
    fake_disk_open(&b->fakes[0], "e1.2", 4 * MIB + 512);
    fake_disk_open(&b->fakes[1], "e3.4", MIB);
    for (int i = 0; i < 2; i++) {
        b->disks[i].fs = &b->fs;
        b->disks[i].disk = &b->fakes[i];
    }
    b->fs.disks = b->disks;
    b->fs.disk_count = 2;
    snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    assert_int_equal(aoefs_mount(&b->fs, path, b->loop, &b->al), 0);
    do_init(b);
}

static const struct aoefs_options plain = {
    .uid = 7, .gid = 8, .mode = 0640, .memory = AOEFS_MEMORY_MAX};

static struct bench *bench_of(void **state)
{
    return *state;
}

static int setup_with(void **state, const struct aoefs_options *o)
{
    static struct bench b;

    open_bench(&b, o);
    *state = &b;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, &plain);
}

static int setup_cache(void **state)
{
    struct aoefs_options o = plain;

    o.cache = true;
    return setup_with(state, &o);
}

static int setup_small(void **state)
{
    struct aoefs_options o = plain;

    o.memory = 2 * AOEFS_RECEIVE_ROOM;
    return setup_with(state, &o);
}

static int setup_read_only(void **state)
{
    struct aoefs_options o = plain;

    o.read_only = true;
    return setup_with(state, &o);
}

static int teardown(void **state)
{
    struct bench *b = *state;

    aoefs_close(&b->fs);
    close(b->kernel);
    loop_close(b->loop);
    fake_disk_close(&b->fakes[0]);
    fake_disk_close(&b->fakes[1]);
    return 0;
}

/* ---- files ----------------------------------------------------------------
 */

static void init_agrees(void **state)
{
    struct bench *b = bench_of(state);
    struct fuse_init_out out = {0};

    memcpy(&out, b->reply.body, b->reply.length);
    assert_true(b->usable);
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
    struct bench *b = bench_of(state);
    struct fuse_entry_out e;

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(
            call(b, FUSE_LOOKUP, FUSE_ROOT_ID, names[i], strlen(names[i]) + 1),
            0);
        memcpy(&e, b->reply.body, sizeof e);
        assert_int_equal(e.nodeid, DISK + i);
        assert_int_equal(e.attr.ino, DISK + i);
    }
    assert_int_equal(call(b, FUSE_LOOKUP, FUSE_ROOT_ID, "e1.", 4), -ENOENT);
    assert_int_equal(call(b, FUSE_LOOKUP, FUSE_ROOT_ID, "e1.2.x", 7), -ENOENT);
}

static void attributes_are_true(void **state)
{
    struct bench *b = bench_of(state);
    struct fuse_getattr_in in = {0};
    struct fuse_attr_out out;

    b->fakes[0].id.physical_sector = 8192;
    assert_int_equal(call(b, FUSE_GETATTR, DISK, &in, sizeof in), 0);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(out.attr.size, 4 * MIB + 512);
    assert_int_equal(out.attr.blocks, (4 * MIB + 512) / 512);
    assert_int_equal(out.attr.blksize, 8192);
    assert_int_equal(out.attr.mode, S_IFREG | 0640);
    assert_int_equal(out.attr.uid, 7);
    assert_int_equal(out.attr.gid, 8);
    assert_int_equal(call(b, FUSE_GETATTR, INFO, &in, sizeof in), 0);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(out.attr.mode, S_IFREG | 0440);
    assert_true(out.attr.size > 100);
    assert_int_equal(call(b, FUSE_GETATTR, 99, &in, sizeof in), -ENOENT);
}

/* Collects the names that READDIR gives in pieces of `room` bytes. */
static void list(struct bench *b, uint32_t room, char *out)
{
    struct fuse_read_in in = {.size = room};

    for (*out = '\0';;) {
        size_t at = 0;

        assert_int_equal(call(b, FUSE_READDIR, FUSE_ROOT_ID, &in, sizeof in),
                         0);
        if (b->reply.length == 0)
            return;
        while (at < b->reply.length) {
            const struct fuse_dirent *d = (const void *)(b->reply.body + at);

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

    list(bench_of(state), 4096, names);
    assert_string_equal(names, all);
    list(bench_of(state), 64, names); /* one or two entries at a time */
    assert_string_equal(names, all);
}

static void size_is_not_for_changing(void **state)
{
    struct bench *b = bench_of(state);
    struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = 0};
    struct fuse_attr_out out;

    /* O_TRUNC: nothing happens, and the kernel learns the true size. */
    assert_int_equal(call(b, FUSE_SETATTR, DISK, &in, sizeof in), 0);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(out.attr.size, 4 * MIB + 512);
    in.valid |= FATTR_FH; /* ftruncate */
    assert_int_equal(call(b, FUSE_SETATTR, DISK, &in, sizeof in), -EPERM);
    in.size = 4 * MIB + 512;
    assert_int_equal(call(b, FUSE_SETATTR, DISK, &in, sizeof in), 0);
    in.size++;
    assert_int_equal(call(b, FUSE_SETATTR, DISK, &in, sizeof in), -EPERM);
    in = (struct fuse_setattr_in){.valid = FATTR_MTIME | FATTR_MTIME_NOW};
    assert_int_equal(call(b, FUSE_SETATTR, DISK, &in, sizeof in), 0);
    in = (struct fuse_setattr_in){.valid = FATTR_MODE, .mode = 0644};
    assert_int_equal(call(b, FUSE_SETATTR, DISK, &in, sizeof in), -EPERM);
}

static void opens_direct_and_parallel(void **state)
{
    struct bench *b = bench_of(state);
    struct fuse_open_out out;

    assert_int_equal(do_open(b, DISK, O_RDWR), 0);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(b->reply.length, sizeof out);
    assert_int_equal(out.open_flags &
                         (FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES),
                     FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES);
}

static void opens_for_the_page_cache(void **state)
{
    struct bench *b = bench_of(state);
    struct fuse_open_out out;

    assert_int_equal(do_open(b, DISK, O_RDWR), 0);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(out.open_flags & FOPEN_DIRECT_IO, 0);
}

static void texts_are_read(void **state)
{
    struct bench *b = bench_of(state);
    struct fuse_open_out out;

    assert_int_equal(do_open(b, INFO, O_WRONLY), -EACCES);
    assert_int_equal(do_open(b, INFO, O_RDONLY), 0);
    memcpy(&out, b->reply.body, sizeof out);
    strcpy(b->fakes[0].id.model, "changed");
    assert_int_equal(do_read(b, INFO, 0, 4096, out.fh), 0);
    b->reply.body[b->reply.length] = '\0';
    assert_non_null(strstr((char *)b->reply.body, "e1.2\n"));
    assert_non_null(strstr((char *)b->reply.body, "4194816"));
    assert_non_null(strstr((char *)b->reply.body, "eth0 02:00:00:00:00:01"));
    assert_null(strstr((char *)b->reply.body, "changed"));
    assert_int_equal(do_read(b, INFO, 100000, 4096, out.fh), 0);
    assert_int_equal(b->reply.length, 0);
    assert_int_equal(do_release(b, INFO, O_RDONLY, out.fh), 0);
}

/* ---- data -----------------------------------------------------------------
 */

static void data_comes_back(void **state)
{
    struct bench *b = bench_of(state);

    assert_int_equal(do_write(b, DISK, 1000, "hello", 5), 0);
    assert_memory_equal(b->fakes[0].bytes + 1000, "hello", 5);
    assert_int_equal(do_read(b, DISK, 999, 7, 0), 0);
    assert_int_equal(b->reply.length, 7);
    assert_memory_equal(b->reply.body, "\0hello\0", 7);
}

static void ends_are_short(void **state)
{
    struct bench *b = bench_of(state);
    uint64_t size = 4 * MIB + 512;
    struct fuse_write_out out;
    static uint8_t data[4096];

    assert_int_equal(do_write(b, DISK, size - 100, data, 4096), 0);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(out.size, 100);
    assert_int_equal(do_write(b, DISK, size, data, 1), -ENOSPC);
    assert_int_equal(do_write(b, DISK, UINT64_MAX / 2, data, 1), -ENOSPC);
    assert_int_equal(do_read(b, DISK, size - 100, 4096, 0), 0);
    assert_int_equal(b->reply.length, 100);
    assert_int_equal(do_read(b, DISK, size, 4096, 0), 0);
    assert_int_equal(b->reply.length, 0);
}

/* A large write lies in the buffer it arrived in.  The next request must not
 * arrive in the same. */
static void waiting_writes_keep_their_data(void **state)
{
    enum { SIZE = 64 << 10, COUNT = 3 };
    struct bench *b = bench_of(state);
    static uint8_t data[SIZE];

    _Static_assert((int)SIZE > (int)AOEFS_COPY_MAX, "not copied");
    b->fakes[0].hold = 2 * COUNT;
    for (unsigned i = 0; i < COUNT; i++) {
        memset(data, (int)('a' + i), sizeof data);
        ask_write(b, DISK, i * SIZE, data, SIZE);
        ask_write(b, DISK, MIB + i * 512, data, 512); /* a copied one */
    }
    answers(b);
    for (unsigned i = 0; i < COUNT; i++) {
        memset(data, (int)('a' + i), sizeof data);
        assert_memory_equal(b->fakes[0].bytes + i * SIZE, data, SIZE);
        assert_memory_equal(b->fakes[0].bytes + MIB + i * 512, data, 512);
    }
    assert_int_equal(b->fs.pool.used, 0);
    assert_int_equal(b->fs.pool.busy, 0);
}

static void memory_is_bounded(void **state)
{
    enum { SIZE = 33 << 10, COUNT = 4 }; /* what the socket holds */
    struct bench *b = bench_of(state);
    static uint8_t data[SIZE];

    b->fakes[0].hold = 2;
    for (unsigned i = 0; i < COUNT; i++) {
        memset(data, (int)i, sizeof data);
        ask_write(b, DISK, i * SIZE, data, SIZE);
    }
    answers(b);
    assert_int_equal(b->fakes[0].most_pending, 2);
    assert_int_equal(b->fakes[0].completed, COUNT);
    assert_int_equal(b->fs.pool.used, 0);
}

static void idle_memory_goes_back(void **state)
{
    enum { COUNT = 6 };
    struct bench *b = bench_of(state);
    struct fuse_read_in in = {.size = MIB};

    b->fakes[0].hold = COUNT;
    b->fakes[0].fail = -EIO; /* small replies, large buffers */
    for (unsigned i = 0; i < COUNT; i++)
        ask(b, FUSE_READ, DISK, &in, sizeof in, NULL, 0);
    answers(b);
    assert_int_equal(b->fs.pool.spare, COUNT * MIB);
    assert_true(b->fs.pool.trim.index != 0);
    b->fs.pool.trim.expired(b->fs.pool.trim.arg);
    assert_int_equal(b->fs.pool.spare, AOEFS_MEMORY_REST);
}

static void errors_reach_the_user(void **state)
{
    struct bench *b = bench_of(state);

    b->fakes[0].fail = -EIO;
    assert_int_equal(do_read(b, DISK, 0, 512, 0), -EIO);
    assert_int_equal(do_write(b, DISK, 0, "x", 1), -EIO);
    b->fakes[0].fail = -ECANCELED;
    assert_int_equal(do_read(b, DISK, 0, 512, 0), -EIO);
    b->fakes[0].fail = -EROFS;
    assert_int_equal(do_write(b, DISK, 0, "x", 1), -EROFS);
}

/* ---- flush ----------------------------------------------------------------
 */

static unsigned flushes(const struct aoe_disk *d)
{
    unsigned n = 0;

    for (unsigned i = 0; i < d->completed && i < FAKE_LOG_MAX; i++)
        n += d->log[i].op == AOE_FLUSH;
    return n;
}

static int do_fsync(struct bench *b, uint32_t opcode, uint64_t ino)
{
    struct fuse_fsync_in in = {0};

    return call(b, opcode, ino, &in, sizeof in);
}

static void fsync_is_a_flush(void **state)
{
    struct bench *b = bench_of(state);

    do_write(b, DISK, 0, "x", 1);
    assert_int_equal(do_fsync(b, FUSE_FSYNC, DISK), 0);
    assert_int_equal(b->fakes[0].log[0].op, AOE_WRITE);
    assert_int_equal(b->fakes[0].log[1].op, AOE_FLUSH);
    b->fakes[0].fail = -EIO;
    assert_int_equal(do_fsync(b, FUSE_FSYNC, DISK), -EIO);
}

static void fsync_of_the_directory_flushes_what_was_written(void **state)
{
    struct bench *b = bench_of(state);

    do_write(b, DISK2, 0, "x", 1);
    assert_int_equal(do_fsync(b, FUSE_FSYNCDIR, FUSE_ROOT_ID), 0);
    assert_int_equal(flushes(&b->fakes[0]), 0);
    assert_int_equal(flushes(&b->fakes[1]), 1);
    assert_int_equal(do_fsync(b, FUSE_FSYNCDIR, FUSE_ROOT_ID), 0);
    assert_int_equal(flushes(&b->fakes[1]), 1);
    do_write(b, DISK, 0, "x", 1);
    do_write(b, DISK2, 0, "x", 1);
    b->fakes[0].fail = -EIO; /* the other is flushed all the same */
    assert_int_equal(do_fsync(b, FUSE_FSYNCDIR, FUSE_ROOT_ID), -EIO);
    assert_int_equal(flushes(&b->fakes[1]), 2);
}

static void last_writer_flushes(void **state)
{
    struct bench *b = bench_of(state);

    do_open(b, DISK, O_RDWR);
    do_open(b, DISK, O_WRONLY);
    do_open(b, DISK, O_RDONLY);
    do_write(b, DISK, 0, "x", 1);
    do_release(b, DISK, O_RDWR, 0);
    do_release(b, DISK, O_RDONLY, 0);
    service(b);
    assert_int_equal(flushes(&b->fakes[0]), 0);
    do_release(b, DISK, O_WRONLY, 0);
    service(b);
    assert_int_equal(flushes(&b->fakes[0]), 1);
    do_open(b, DISK, O_RDWR); /* writes nothing */
    do_release(b, DISK, O_RDWR, 0);
    service(b);
    assert_int_equal(flushes(&b->fakes[0]), 1);
}

static void drain_waits_and_flushes(void **state)
{
    struct bench *b = bench_of(state);

    b->fakes[0].hold = 2;
    ask_write(b, DISK, 0, "x", 1);
    ask_write(b, DISK, 1, "y", 1);
    answers(b);
    b->fakes[0].hold = 0;
    aoefs_drain(&b->fs, drained);
    loop_run(b->loop);
    assert_int_equal(b->drained, 0);
    assert_int_equal(flushes(&b->fakes[0]), 1);
    assert_int_equal(flushes(&b->fakes[1]), 0);
}

static void drain_reports_a_failed_flush(void **state)
{
    struct bench *b = bench_of(state);

    do_write(b, DISK, 0, "x", 1);
    b->fakes[0].fail = -EIO;
    aoefs_drain(&b->fs, drained);
    loop_run(b->loop);
    assert_int_equal(b->drained, -EIO);
}

static void hang_up_ends(void **state)
{
    struct bench *b = bench_of(state);

    loop_unwatch(b->loop, &b->replies);
    shutdown(b->kernel, SHUT_RDWR);
    b->fs.watch.ready(b->fs.watch.arg, POLLHUP);
    assert_true(b->ended);
    assert_false(b->fs.watch.index);
}

/* ---- fallocate, lseek -----------------------------------------------------
 */

static void holes_need_a_trim_that_zeroes(void **state)
{
    struct bench *b = bench_of(state);

    assert_int_equal(do_fallocate(b, 3, 0, MIB), -EOPNOTSUPP);
    b->fakes[0].id.trim = true;
    assert_int_equal(do_fallocate(b, 3, 0, MIB), -EOPNOTSUPP);
    assert_int_equal(b->fakes[0].completed, 0);
    b->fakes[0].id.trim_zeroes = true;
    assert_int_equal(do_fallocate(b, 3, 0, MIB), 0);
    assert_int_equal(b->fakes[0].completed, 1);
    assert_int_equal(b->fakes[0].log[0].op, AOE_TRIM);
    assert_int_equal(b->fakes[0].log[0].length, MIB);
}

static void edges_of_a_hole_are_zeroed(void **state)
{
    struct bench *b = bench_of(state);
    struct aoe_disk *d = &b->fakes[0];

    d->id.trim = d->id.trim_zeroes = true;
    d->id.physical_sector = 4096;
    memset(d->bytes, 'x', 65536);
    assert_int_equal(do_fallocate(b, 3, 100, 20000), 0);
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
    assert_int_equal(do_fallocate(b, 3, 5000, 10), 0);
    assert_int_equal(d->completed, 1);
    assert_int_equal(d->log[0].op, AOE_ZERO);
}

static void ranges_are_zeroed(void **state)
{
    struct bench *b = bench_of(state);
    struct aoe_disk *d = &b->fakes[0];

    memset(d->bytes, 'x', 65536);
    assert_int_equal(do_fallocate(b, 0x10, 1, 65534), 0);
    assert_int_equal(d->bytes[0], 'x');
    assert_int_equal(d->bytes[1] | d->bytes[65534], 0);
    assert_int_equal(d->bytes[65535], 'x');
    assert_int_equal(do_fallocate(b, 0x10, 4 * MIB, 1024), -ENOSPC);
    assert_int_equal(do_fallocate(b, 0x11, 4 * MIB, 1024), 0); /* keep size */
    assert_int_equal(d->log[d->completed - 1].length, 512);
    d->fail = -EIO;
    assert_int_equal(do_fallocate(b, 0x10, 0, 512), -EIO);
}

static void space_is_always_there(void **state)
{
    struct bench *b = bench_of(state);

    assert_int_equal(do_fallocate(b, 0, 0, 4 * MIB + 512), 0);
    assert_int_equal(do_fallocate(b, 0, 0, 4 * MIB + 513), -ENOSPC);
    assert_int_equal(do_fallocate(b, 0x08, 0, 4096), -EOPNOTSUPP);
    assert_int_equal(b->fakes[0].completed, 0);
}

static void all_is_data(void **state)
{
    struct bench *b = bench_of(state);
    struct fuse_lseek_in in = {.offset = 4096, .whence = SEEK_DATA};
    struct fuse_lseek_out out;

    assert_int_equal(call(b, FUSE_LSEEK, DISK, &in, sizeof in), 0);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(out.offset, 4096);
    in.whence = SEEK_HOLE;
    assert_int_equal(call(b, FUSE_LSEEK, DISK, &in, sizeof in), 0);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(out.offset, 4 * MIB + 512);
    in.offset = 4 * MIB + 512;
    assert_int_equal(call(b, FUSE_LSEEK, DISK, &in, sizeof in), -ENXIO);
}

/* ---- the rest -------------------------------------------------------------
 */

static void read_only_refuses(void **state)
{
    struct bench *b = bench_of(state);

    assert_int_equal(do_open(b, DISK, O_RDWR), -EROFS);
    assert_int_equal(do_open(b, DISK, O_RDONLY), 0);
}

static void nothing_is_created(void **state)
{
    struct bench *b = bench_of(state);
    struct {
        struct fuse_create_in in;
        char name[8];
    } create = {.name = "e9.9"};

    assert_int_equal(call(b, FUSE_CREATE, FUSE_ROOT_ID, &create, sizeof create),
                     -EPERM);
    assert_int_equal(call(b, FUSE_UNLINK, FUSE_ROOT_ID, "e1.2", 5), -EPERM);
}

static void growth_is_told(void **state)
{
    struct bench *b = bench_of(state);
    struct fuse_notify_inval_inode_out out;

    aoefs_resized(&b->disks[1]);
    b->wanted = 1;
    answers(b);
    assert_int_equal(b->reply.head.unique, 0);
    assert_int_equal(b->reply.head.error, FUSE_NOTIFY_INVAL_INODE);
    memcpy(&out, b->reply.body, sizeof out);
    assert_int_equal(out.ino, DISK2);
    assert_true(out.off < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(init_agrees),
        TEST(names_are_found),
        TEST(attributes_are_true),
        TEST(directory_is_listed),
        TEST(size_is_not_for_changing),
        TEST(opens_direct_and_parallel),
        cmocka_unit_test_setup_teardown(opens_for_the_page_cache, setup_cache,
                                        teardown),
        TEST(texts_are_read),
        TEST(data_comes_back),
        TEST(ends_are_short),
        TEST(waiting_writes_keep_their_data),
        cmocka_unit_test_setup_teardown(memory_is_bounded, setup_small,
                                        teardown),
        TEST(idle_memory_goes_back),
        TEST(errors_reach_the_user),
        TEST(fsync_is_a_flush),
        TEST(fsync_of_the_directory_flushes_what_was_written),
        TEST(last_writer_flushes),
        TEST(drain_waits_and_flushes),
        TEST(drain_reports_a_failed_flush),
        TEST(hang_up_ends),
        TEST(holes_need_a_trim_that_zeroes),
        TEST(edges_of_a_hole_are_zeroed),
        TEST(ranges_are_zeroed),
        TEST(space_is_always_there),
        TEST(all_is_data),
        cmocka_unit_test_setup_teardown(read_only_refuses, setup_read_only,
                                        teardown),
        TEST(nothing_is_created),
        TEST(growth_is_told),
    };

    alarm(60); /* a reply that never comes must not hang the suite */
    return cmocka_run_group_tests_name("fuse_ops", tests, NULL, NULL);
}
