/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of the FUSE bridge: a kernel played by the test.  libfuse takes any
 * descriptor for /dev/fuse, so one end of a socket pair carries requests and
 * replies as <linux/fuse.h> defines them.  No mount, no privilege.
 */
#ifndef TESTS_UNIT_FUSE_BENCH_H
#define TESTS_UNIT_FUSE_BENCH_H

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
    int drained; /* the status it ended with; 1: it is under way */
};

/* ---- the kernel -----------------------------------------------------------
 */

static inline void reply_ready(void *arg, short revents)
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

static inline void ask(struct bench *b, uint32_t opcode, uint64_t ino,
                       const void *arg, size_t arg_length, const void *data,
                       size_t length)
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

static inline int answers(struct bench *b)
{
    loop_run(b->loop);
    return b->reply.head.error;
}

static inline int call(struct bench *b, uint32_t opcode, uint64_t ino,
                       const void *arg, size_t length)
{
    ask(b, opcode, ino, arg, length, NULL, 0);
    return answers(b);
}

static inline void ask_write(struct bench *b, uint64_t ino, uint64_t offset,
                             const void *data, uint32_t size)
{
    struct fuse_write_in in = {.offset = offset, .size = size};

    ask(b, FUSE_WRITE, ino, &in, sizeof in, data, size);
}

static inline int do_write(struct bench *b, uint64_t ino, uint64_t offset,
                           const void *data, uint32_t size)
{
    ask_write(b, ino, offset, data, size);
    return answers(b);
}

static inline int do_read(struct bench *b, uint64_t ino, uint64_t offset,
                          uint32_t size, uint64_t fh)
{
    struct fuse_read_in in = {.offset = offset, .size = size, .fh = fh};

    return call(b, FUSE_READ, ino, &in, sizeof in);
}

static inline int do_open(struct bench *b, uint64_t ino, uint32_t flags)
{
    struct fuse_open_in in = {.flags = flags};

    return call(b, FUSE_OPEN, ino, &in, sizeof in);
}

/* An open file, by its handle. */
static inline uint64_t open_file(struct bench *b, uint64_t ino, uint32_t flags)
{
    struct fuse_open_out out;

    assert_int_equal(do_open(b, ino, flags), 0);
    memcpy(&out, b->reply.body, sizeof out);
    return out.fh;
}

static inline int write_file(struct bench *b, uint64_t ino, uint64_t fh,
                             uint32_t flags)
{
    struct {
        struct fuse_write_in in;
        char data[3];
    } w = {{.size = 3, .fh = fh, .flags = flags}, "abc"};

    return call(b, FUSE_WRITE, ino, &w, sizeof w.in + 3);
}

static inline int fsync_file(struct bench *b, uint64_t ino, uint64_t fh)
{
    struct fuse_fsync_in in = {.fh = fh};

    return call(b, FUSE_FSYNC, ino, &in, sizeof in);
}

static inline int do_release(struct bench *b, uint64_t ino, uint32_t flags,
                             uint64_t fh)
{
    struct fuse_release_in in = {.flags = flags, .fh = fh};

    return call(b, FUSE_RELEASE, ino, &in, sizeof in);
}

static inline int do_fallocate(struct bench *b, uint32_t mode, uint64_t offset,
                               uint64_t length)
{
    struct fuse_fallocate_in in = {
        .mode = mode, .offset = offset, .length = length};

    return call(b, FUSE_FALLOCATE, DISK, &in, sizeof in);
}

static inline void do_init(struct bench *b)
{
    struct fuse_init_in in = {.major = FUSE_KERNEL_VERSION,
                              .minor = 38,
                              .max_readahead = 131072,
                              .flags = 0x7fffffff & ~FUSE_INIT_EXT};

    assert_int_equal(call(b, FUSE_INIT, 0, &in, sizeof in), 0);
}

/* ---- the bench ------------------------------------------------------------
 */

static inline void service(void *arg)
{
    struct bench *b = arg;

    fake_service(&b->fakes[0]);
    fake_service(&b->fakes[1]);
}

static inline void usable(void *arg)
{
    struct bench *b = arg;

    b->usable = true;
}

static inline void ended(void *arg, int status)
{
    struct bench *b = arg;

    assert_int_equal(status, 0);
    b->ended = true;
}

static inline void open_bench(struct bench *b,
                              const struct aoefs_options *options)
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

static inline struct bench *bench_of(void **state)
{
    return *state;
}

static inline int setup_with(void **state, const struct aoefs_options *o)
{
    static struct bench b;

    open_bench(&b, o);
    *state = &b;
    return 0;
}

static inline int setup(void **state)
{
    return setup_with(state, &plain);
}

static inline int teardown(void **state)
{
    struct bench *b = *state;

    aoefs_close(&b->fs);
    close(b->kernel);
    loop_close(b->loop);
    fake_disk_close(&b->fakes[0]);
    fake_disk_close(&b->fakes[1]);
    return 0;
}

#endif
