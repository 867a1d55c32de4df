/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the tests of lost writes share: a disk with a write cache, which reports
 * its losses (WORDS) or does not, and a client with or without a replay log.
 */
#ifndef TESTS_UNIT_LOSS_FIXTURE_H
#define TESTS_UNIT_LOSS_FIXTURE_H

#include "tests/unit/disk_fixture.h"

enum { WORDS = 1, REPLAY = 2 };

static inline void begin(struct fixture *f, int how)
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

/* A user's own request. */
static inline int run_as(struct fixture *f, struct aoe_writer *w,
                         enum aoe_op op, bool fua)
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

static inline void fill(struct fixture *f, uint8_t byte, uint64_t length,
                        uint64_t offset)
{
    static uint8_t bytes[512 * 256];

    memset(bytes, byte, (size_t)length);
    assert_int_equal(run(f, AOE_WRITE, bytes, length, offset), 0);
}

static inline int flush(struct fixture *f)
{
    return run(f, AOE_FLUSH, NULL, 0, 0);
}

static inline void look(struct fixture *f)
{
    model_announce(f->nas);
    world_run(&f->w, NS_PER_S, NULL);
}

static inline unsigned heard(const struct fixture *f)
{
    return f->events[AOE_DISK_RESTARTED] + f->events[AOE_DISK_REPLAYED] +
           f->events[AOE_DISK_LOST_WRITES] + f->events[AOE_DISK_MENDED] +
           f->events[AOE_DISK_FLUSH_REFUSED];
}

static inline void on_medium(const struct fixture *f, uint8_t byte,
                             uint64_t length, uint64_t offset)
{
    for (uint64_t i = offset; i < offset + length; i++)
        assert_int_equal(f->nas->medium[i], byte);
}

#endif
