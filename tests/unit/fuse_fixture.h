/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of the FUSE bridge: a kernel played by the test.  libfuse takes any
 * descriptor for /dev/fuse, so one end of a socket pair carries requests and
 * replies as <linux/fuse.h> defines them.  No mount, no privilege.
 */
#ifndef TESTS_UNIT_FUSE_FIXTURE_H
#define TESTS_UNIT_FUSE_FIXTURE_H

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

#include "bridge/aoe-fuse/internal.h"
#include "tests/unit/fake_aoe.h"

#define MIB UINT64_C(1048576)

enum { DISK = AOEFS_FIRST_INO, INFO, STATS, DISK2, REPLY_MAX = 128 << 10 };

struct fuse_fixture {
    struct loop *loop;
    struct aoe_loop al;
    struct aoefs fs;
    struct aoefs_disk disks[2];
    struct aoe_disk fakes[2];
    struct loop_fd replies;
    int kernel;      /* the kernel's end */
    uint64_t unique; /* of the latest request */
    unsigned wanted; /* replies still expected */
    struct {
        struct fuse_out_header head;
        uint8_t body[REPLY_MAX];
        size_t length; /* of body */
    } reply;           /* the latest */
    int errors[256];   /* by unique */
    bool usable, ended;
    int ended_status;
    int drained; /* the status it ended with; 1: in progress */
};

/* ---- the kernel ---------------------------------------------------------- */

static inline void reply_ready(void *arg, short revents)
{
    struct fuse_fixture *f = arg;
    struct iovec iov[2] = {{&f->reply.head, sizeof f->reply.head},
                           {f->reply.body, sizeof f->reply.body}};
    ssize_t n = readv(f->kernel, iov, 2);

    (void)revents;
    assert_true(n >= (ssize_t)sizeof f->reply.head);
    assert_int_equal(n, f->reply.head.len);
    f->reply.length = (size_t)n - sizeof f->reply.head;
    if (f->reply.head.unique) /* else a notification */
        f->errors[f->reply.head.unique % 256] = f->reply.head.error;
    if (--f->wanted == 0)
        loop_stop(f->loop, 0);
}

static inline void ask(struct fuse_fixture *f, uint32_t opcode, uint64_t ino,
                       const void *arg, size_t arg_length, const void *data,
                       size_t length)
{
    struct fuse_in_header head = {
        .len = (uint32_t)(sizeof head + arg_length + length),
        .opcode = opcode,
        .unique = ++f->unique,
        .nodeid = ino};
    struct iovec iov[3] = {{&head, sizeof head},
                           {(void *)(uintptr_t)arg, arg_length},
                           {(void *)(uintptr_t)data, length}};

    assert_int_equal(writev(f->kernel, iov, 3), head.len);
    f->wanted++;
}

static inline int replies(struct fuse_fixture *f)
{
    loop_run(f->loop);
    return f->reply.head.error;
}

static inline int call(struct fuse_fixture *f, uint32_t opcode, uint64_t ino,
                       const void *arg, size_t length)
{
    ask(f, opcode, ino, arg, length, NULL, 0);
    return replies(f);
}

static inline void ask_write(struct fuse_fixture *f, uint64_t ino,
                             uint64_t offset, const void *data, uint32_t size)
{
    struct fuse_write_in in = {.offset = offset, .size = size};

    ask(f, FUSE_WRITE, ino, &in, sizeof in, data, size);
}

static inline int do_write(struct fuse_fixture *f, uint64_t ino,
                           uint64_t offset, const void *data, uint32_t size)
{
    ask_write(f, ino, offset, data, size);
    return replies(f);
}

static inline int do_read(struct fuse_fixture *f, uint64_t ino, uint64_t offset,
                          uint32_t size, uint64_t fh)
{
    struct fuse_read_in in = {.offset = offset, .size = size, .fh = fh};

    return call(f, FUSE_READ, ino, &in, sizeof in);
}

static inline int do_open(struct fuse_fixture *f, uint64_t ino, uint32_t flags)
{
    struct fuse_open_in in = {.flags = flags};

    return call(f, FUSE_OPEN, ino, &in, sizeof in);
}

/* An open file, by its handle. */
static inline uint64_t open_file(struct fuse_fixture *f, uint64_t ino,
                                 uint32_t flags)
{
    struct fuse_open_out out;

    assert_int_equal(do_open(f, ino, flags), 0);
    memcpy(&out, f->reply.body, sizeof out);
    return out.fh;
}

static inline int write_file(struct fuse_fixture *f, uint64_t ino, uint64_t fh,
                             uint32_t flags)
{
    struct {
        struct fuse_write_in in;
        char data[3];
    } w = {{.size = 3, .fh = fh, .flags = flags}, "abc"};

    return call(f, FUSE_WRITE, ino, &w, sizeof w.in + 3);
}

static inline int fsync_file(struct fuse_fixture *f, uint64_t ino, uint64_t fh)
{
    struct fuse_fsync_in in = {.fh = fh};

    return call(f, FUSE_FSYNC, ino, &in, sizeof in);
}

static inline int do_release(struct fuse_fixture *f, uint64_t ino,
                             uint32_t flags, uint64_t fh)
{
    struct fuse_release_in in = {.flags = flags, .fh = fh};

    return call(f, FUSE_RELEASE, ino, &in, sizeof in);
}

static inline int do_fallocate(struct fuse_fixture *f, uint32_t mode,
                               uint64_t offset, uint64_t length)
{
    struct fuse_fallocate_in in = {
        .mode = mode, .offset = offset, .length = length};

    return call(f, FUSE_FALLOCATE, DISK, &in, sizeof in);
}

static inline void do_init(struct fuse_fixture *f)
{
    struct fuse_init_in in = {.major = FUSE_KERNEL_VERSION,
                              .minor = 38,
                              .max_readahead = 131072,
                              .flags = 0x7fffffff & ~FUSE_INIT_EXT};

    assert_int_equal(call(f, FUSE_INIT, 0, &in, sizeof in), 0);
}

/* ---- the fixture --------------------------------------------------------- */

static inline void service(void *arg)
{
    struct fuse_fixture *f = arg;

    fake_service(&f->fakes[0]);
    fake_service(&f->fakes[1]);
}

static inline void usable(void *arg)
{
    struct fuse_fixture *f = arg;

    f->usable = true;
}

static inline void ended(void *arg, int status)
{
    struct fuse_fixture *f = arg;

    f->ended = true;
    f->ended_status = status;
}

static inline void fixture_open(struct fuse_fixture *f,
                                const struct aoefs_options *options)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    struct aoefs_options o = *options;
    char path[32];
    int ends[2];

    memset(f, 0, sizeof *f);
    f->drained = 1;
    assert_int_equal(loop_open(&f->loop), 0);
    f->al.loop = f->loop;
    f->al.task = (struct loop_task){.run = service, .arg = f};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    f->kernel = ends[0];
    f->replies =
        (struct loop_fd){.fd = f->kernel, .ready = reply_ready, .arg = f};
    loop_watch(f->loop, &f->replies, POLLIN);

    fuse_opt_add_arg(&args, "test");
    o.mount = &args;
    o.usable = usable;
    o.ended = ended;
    o.arg = f;
    assert_int_equal(aoefs_open(&f->fs, &o), 0);
    fuse_opt_free_args(&args);
    fake_disk_open(&f->fakes[0], "e1.2", 4 * MIB + 512);
    fake_disk_open(&f->fakes[1], "e3.4", MIB);
    for (int i = 0; i < 2; i++) {
        f->disks[i].fs = &f->fs;
        f->disks[i].disk = &f->fakes[i];
    }
    f->fs.disks = f->disks;
    f->fs.disk_count = 2;
    snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    assert_int_equal(aoefs_mount(&f->fs, path, f->loop, &f->al), 0);
}

static const struct aoefs_options plain = {
    .uid = 7, .gid = 8, .mode = 0640, .memory = AOEFS_MEMORY_MAX};

static inline struct fuse_fixture *fixture_of(void **state)
{
    return *state;
}

static inline int setup_with(void **state, const struct aoefs_options *o)
{
    static struct fuse_fixture f;

    fixture_open(&f, o);
    do_init(&f);
    *state = &f;
    return 0;
}

static inline int setup(void **state)
{
    return setup_with(state, &plain);
}

/* The kernel has not sent INIT yet. */
static inline int setup_without_init(void **state)
{
    static struct fuse_fixture f;

    fixture_open(&f, &plain);
    *state = &f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fuse_fixture *f = *state;

    aoefs_close(&f->fs);
    close(f->kernel);
    loop_close(f->loop);
    fake_disk_close(&f->fakes[0]);
    fake_disk_close(&f->fakes[1]);
    return 0;
}

#endif
