/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of the disk engine share: a world with one target, a disk
 * opened there, and requests.  A header, since each test program is one file.
 */
#ifndef TESTS_UNIT_DISK_FIXTURE_H
#define TESTS_UNIT_DISK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "initiator/libaoe/disk.h"
#include "tests/lib/model_target.h"

#define SECTORS 4096

struct fixture {
    struct world w;
    struct model *nas;
    struct aoe_disk *disk;
    unsigned events[16]; /* by enum aoe_event */
};

/* One request and its outcome. */
struct io {
    struct aoe_request r;
    struct iovec iov;
    bool done;
    int status;
};

static inline void on_event(void *arg, struct aoe_disk *disk,
                            enum aoe_event event)
{
    struct fixture *f = arg;

    assert_ptr_equal(disk, f->disk);
    f->events[event]++;
}

static inline void open_disk(struct fixture *f, uint64_t timeout)
{
    struct aoe_disk_options o = {.timeout = timeout};

    assert_int_equal(aoe_disk_open(f->w.aoe, 1, 2, &o, on_event, f, &f->disk),
                     0);
}

static inline void start(struct fixture *f, unsigned mtu)
{
    memset(f, 0, sizeof *f);
    world_open(&f->w, 7, mtu);
    f->nas = world_add(&f->w, SECTORS, mtu, "one");
    open_disk(f, AOE_TIMEOUT_DEFAULT);
    world_run(&f->w, NS_PER_S, NULL);
    assert_true(aoe_disk_ready(f->disk));
}

/* Another target with the same address joins: with the same serial number it is
 * another path to the disk. */
static inline struct model *join(struct fixture *f, const char *serial)
{
    struct model *other = world_add(&f->w, SECTORS, 1500, serial);

    model_announce(other);
    world_run(&f->w, NS_PER_S, NULL);
    return other;
}

static inline void stop(struct fixture *f)
{
    world_close(&f->w);
}

static inline void io_done(struct aoe_request *r, int status)
{
    struct io *io = r->arg;

    assert_false(io->done);
    io->done = true;
    io->status = status;
}

static inline int submit(struct fixture *f, struct io *io, enum aoe_op op,
                         void *buffer, uint64_t length, uint64_t offset)
{
    memset(io, 0, sizeof *io);
    io->iov = (struct iovec){buffer, (size_t)length};
    io->r = (struct aoe_request){.op = op,
                                 .offset = offset,
                                 .length = length,
                                 .iov = &io->iov,
                                 .iovcnt = 1,
                                 .done = io_done,
                                 .arg = io};
    return aoe_submit(f->disk, &io->r);
}

static inline int run(struct fixture *f, enum aoe_op op, void *buffer,
                      uint64_t length, uint64_t offset)
{
    struct io io;
    int err = submit(f, &io, op, buffer, length, offset);

    if (err)
        return err;
    assert_false(io.done); /* never from within aoe_submit */
    world_run(&f->w, 1000 * NS_PER_S, &io.done);
    assert_true(io.done);
    return io.status;
}

#endif
