/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The disk engine against a target in memory, on a wire and a clock of our own:
 * finding it, reading and writing, and every way in which it can go wrong.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "initiator/disk.h"
#include "tests/lib/model_target.h"

#define SECTORS 4096

struct fixture {
    struct world w;
    struct model *nas;
    struct aoe_disk *disk;
    unsigned events[16]; /* by enum aoe_event */
};

/* One request and what became of it. */
struct io {
    struct aoe_request r;
    struct iovec iov;
    bool done;
    int status;
};

static void on_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct fixture *f = arg;

    assert_ptr_equal(disk, f->disk);
    f->events[event]++;
}

static void open_disk(struct fixture *f, uint64_t timeout)
{
    struct aoe_disk_options o = {.timeout = timeout};

    assert_int_equal(aoe_disk_open(f->w.aoe, 1, 2, &o, on_event, f, &f->disk),
                     0);
}

static void start(struct fixture *f, unsigned mtu)
{
    memset(f, 0, sizeof *f);
    world_open(&f->w, 7, mtu);
    f->nas = world_add(&f->w, SECTORS, mtu, "one");
    open_disk(f, AOE_TIMEOUT_DEFAULT);
    world_run(&f->w, NS_PER_S, NULL);
    assert_true(aoe_disk_ready(f->disk));
}

static void stop(struct fixture *f)
{
    world_close(&f->w);
}

static void io_done(struct aoe_request *r, int status)
{
    struct io *io = r->arg;

    assert_false(io->done);
    io->done = true;
    io->status = status;
}

static int submit(struct fixture *f, struct io *io, enum aoe_op op,
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

static int run(struct fixture *f, enum aoe_op op, void *buffer, uint64_t length,
               uint64_t offset)
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

/* ---- finding --------------------------------------------------------------
 */

static void finds_the_disk(void **state)
{
    struct fixture f;
    struct aoe_path_info p;

    (void)state;
    start(&f, 1500);
    assert_int_equal(f.events[AOE_DISK_READY], 1);
    assert_string_equal(aoe_disk_name(f.disk), "e1.2");
    assert_string_equal(aoe_disk_identity(f.disk)->serial, "one");
    assert_int_equal(aoe_disk_identity(f.disk)->size, SECTORS * 512);
    assert_int_equal(aoe_disk_paths(f.disk, &p, 1), 1);
    assert_int_equal(p.payload, 1024);
    assert_int_equal(p.mac[5], 10);
    /* The Linux driver on the same host takes tags without bit 31 for its. */
    assert_true(f.nas->last_tag >> 31);
    stop(&f);
}

static void prefers_whole_blocks(void **state)
{
    struct fixture f;
    struct aoe_path_info p;

    (void)state;
    start(&f, 9000); /* 17 sectors would fit */
    aoe_disk_paths(f.disk, &p, 1);
    assert_int_equal(p.payload, 16 * 512);
    stop(&f);
}

static void two_disks_at_one_address(void **state)
{
    struct fixture f = {0};

    (void)state;
    world_open(&f.w, 1, 1500);
    world_add(&f.w, SECTORS, 1500, "one");
    world_add(&f.w, SECTORS, 1500, "two");
    open_disk(&f, 0);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_READY], 0);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 1);
    assert_non_null(strstr(aoe_disk_trouble(f.disk), "one"));
    assert_non_null(strstr(aoe_disk_trouble(f.disk), "two"));
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), -ENOTUNIQ);
    stop(&f);
}

static void same_serial_other_size(void **state)
{
    struct fixture f = {0};

    (void)state;
    world_open(&f.w, 1, 1500); /* two vblades of one host */
    world_add(&f.w, SECTORS, 1500, "1.2:host");
    world_add(&f.w, SECTORS * 2, 1500, "1.2:host");
    open_disk(&f, 0);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 1);
    stop(&f);
}

static void another_disk_joins_later(void **state)
{
    struct fixture f;
    struct model *other;
    uint8_t sector[512] = {1};

    (void)state;
    start(&f, 1500);
    other = world_add(&f.w, SECTORS, 1500, "two");
    model_announce(other);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 1);
    for (int i = 0; i < 50; i++)
        assert_int_equal(run(&f, AOE_WRITE, sector, 512, 512 * i), 0);
    assert_int_equal(other->writes, 0);
    assert_int_equal(f.nas->writes, 50);
    stop(&f);
}

static void two_paths_share_the_work(void **state)
{
    static uint8_t bytes[512 * 256];
    struct fixture f;
    struct model *second;

    (void)state;
    start(&f, 1500);
    second = world_add(&f.w, SECTORS, 1500, "one");
    model_announce(second);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 0);
    assert_int_equal(run(&f, AOE_READ, bytes, sizeof bytes, 0), 0);
    assert_true(f.nas->reads > 20);
    assert_true(second->reads > 20);
    stop(&f);
}

static void flush_leaves_a_dead_path(bool first)
{
    struct fixture f;
    struct model *second;
    struct io io;

    start(&f, 1500);
    second = world_add(&f.w, SECTORS, 1500, "one");
    model_announce(second);
    world_run(&f.w, NS_PER_S, NULL);
    f.nas->silent = second->silent = true;
    assert_int_equal(submit(&f, &io, AOE_FLUSH, NULL, 0, 0), 0);
    world_run(&f.w, 100 * NS_PER_MS, NULL);
    *(first ? &f.nas->silent : &second->silent) = false;
    world_run(&f.w, 1000 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    stop(&f);
}

static void a_dead_path_keeps_no_flush(void **state)
{
    (void)state;
    flush_leaves_a_dead_path(true);
    flush_leaves_a_dead_path(false);
}

static uint64_t world_time(void *arg)
{
    return ((struct world *)arg)->now;
}

/* One address of the target by two local interfaces is one set of buffers. */
static void paths_to_one_address_share_its_buffers(void **state)
{
    static uint8_t bytes[512 * 256];
    struct aoe_mac mac = {{2, 0, 0, 0, 0, 1}};
    struct link_options lo = {.filter.responses = true, .rx_frames = 64};
    struct aoe_path_info p[2];
    struct fixture f = {0};
    struct link *links[2];
    struct io io;

    (void)state;
    world_open(&f.w, 1, 1500);
    aoe_close(f.w.aoe);
    for (uint8_t i = 0; i < 2; i++) {
        mac.b[4] = i;
        assert_int_equal(wire_open(&links[i], f.w.wire, "two", &mac, 1500, &lo),
                         0);
    }
    f.w.client = links[0];
    assert_int_equal(aoe_open_links(&f.w.aoe, links, 2, world_time, &f.w,
                                    UINT32_C(0x91000000), 1),
                     0);
    f.nas = world_add(&f.w, SECTORS, 1500, "one");
    f.nas->buffer_count = 6;
    open_disk(&f, 0);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(aoe_disk_paths(f.disk, p, 2), 2);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &io, AOE_READ, bytes, sizeof bytes, 0), 0);
    world_run(&f.w, 5 * NS_PER_MS, NULL);
    assert_int_equal(f.nas->held, 6);
    f.nas->hold = false;
    model_release(f.nas);
    world_run(&f.w, 1000 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    stop(&f);
}

/* ---- reading and writing --------------------------------------------------
 */

static void frame_size_fits(void **state)
{
    static uint8_t bytes[512 * 21];
    struct fixture f;

    (void)state;
    start(&f, 1500);
    assert_int_equal(run(&f, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    assert_int_equal(f.nas->writes, 11);
    assert_int_equal(run(&f, AOE_READ, bytes, sizeof bytes, 512), 0);
    assert_int_equal(f.nas->reads, 11);
    stop(&f);
}

static void lba28_only(void **state)
{
    uint8_t out[1024], in[1024];
    struct fixture f = {0};

    (void)state;
    world_open(&f.w, 7, 1500);
    f.nas = world_add(&f.w, SECTORS, 1500, "old");
    f.nas->identity.lba48 = false;
    f.nas->identity.flush_ext = false;
    open_disk(&f, 0);
    world_run(&f.w, NS_PER_S, NULL);
    memset(out, 0x5a, sizeof out);
    assert_int_equal(run(&f, AOE_WRITE, out, 1024, 4094 * 512), 0);
    assert_int_equal(run(&f, AOE_READ, in, 1024, 4094 * 512), 0);
    assert_memory_equal(in, out, 1024);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes, 1);
    stop(&f);
}

static void refuses_what_cannot_be(void **state)
{
    static uint8_t b[1024];
    struct fixture f;
    struct io io;

    (void)state;
    start(&f, 1500);
    assert_int_equal(submit(&f, &io, AOE_READ, b, 1024, SECTORS * 512 - 512),
                     -ENXIO);
    assert_int_equal(submit(&f, &io, AOE_WRITE, b, 1024, SECTORS * 512 - 512),
                     -ENOSPC);
    assert_int_equal(submit(&f, &io, AOE_WRITE, b, 1, UINT64_MAX), -EINVAL);
    assert_int_equal(submit(&f, &io, AOE_ZERO, NULL, UINT64_MAX, 1), -EINVAL);
    memset(&io, 0, sizeof io);
    io.iov = (struct iovec){b, 100};
    io.r = (struct aoe_request){
        .op = AOE_WRITE, .length = 512, .iov = &io.iov, .iovcnt = 1};
    assert_int_equal(aoe_submit(f.disk, &io.r), -EINVAL);
    f.disk->options.read_only = true;
    assert_int_equal(submit(&f, &io, AOE_ZERO, NULL, 512, 0), -EROFS);
    stop(&f);
}

/* Many requests at once, of every kind and alignment, against a shadow; no two
 * of one round overlap, so that each has one right answer. */
static void shadow_round(struct fixture *f, uint8_t *shadow, unsigned *seed)
{
    enum { AT_ONCE = 24, SLICE = SECTORS * 512 / AT_ONCE };
    static uint8_t buffers[AT_ONCE][SLICE];
    struct io io[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++) {
        size_t from = (size_t)rand_r(seed) % SLICE;
        size_t length = 1 + (size_t)rand_r(seed) % (SLICE - from);
        uint64_t at = (uint64_t)i * SLICE + from;
        enum aoe_op op =
            (enum aoe_op[]){AOE_READ, AOE_WRITE, AOE_ZERO}[rand_r(seed) % 3];

        if (rand_r(seed) % 2 && length > 3000)
            length = 3000;
        for (size_t k = 0; k < length; k++)
            buffers[i][k] = (uint8_t)rand_r(seed);
        assert_int_equal(submit(f, &io[i], op, buffers[i], length, at), 0);
        if (op == AOE_WRITE)
            memcpy(shadow + at, buffers[i], length);
        else if (op == AOE_ZERO)
            memset(shadow + at, 0, length);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        world_run(&f->w, 10000 * NS_PER_S, &io[i].done);
        assert_int_equal(io[i].status, 0);
        if (io[i].r.op == AOE_READ)
            assert_memory_equal(buffers[i], shadow + io[i].r.offset,
                                io[i].r.length);
    }
}

static void check_shadow(unsigned mtu, const struct wire_faults *faults,
                         int rounds)
{
    uint8_t *shadow = calloc(SECTORS, 512);
    unsigned seed = 11;
    struct fixture f;

    start(&f, mtu);
    wire_port_faults(f.w.client, WIRE_TX, faults);
    wire_port_faults(f.w.client, WIRE_RX, faults);
    for (int i = 0; i < rounds; i++)
        shadow_round(&f, shadow, &seed);
    assert_memory_equal(f.nas->disk, shadow, SECTORS * 512);
    assert_true(f.disk->fence.count < 2000);
    stop(&f);
    free(shadow);
}

static void shadow_on_a_good_wire(void **state)
{
    struct wire_faults none = {.delay_ns = 50000};

    (void)state;
    check_shadow(1500, &none, 6);
    check_shadow(9000, &none, 6);
}

/* It doubles no frame: this target does not know copies, tests/sim's does. */
static void shadow_on_a_bad_wire(void **state)
{
    struct wire_faults bad = {.loss = 50000,
                              .reorder = 50000,
                              .truncate = 10000,
                              .delay_ns = 50000,
                              .jitter_ns = 20000,
                              .hold_ns = 20 * NS_PER_MS};

    (void)state;
    check_shadow(1500, &bad, 4);
    check_shadow(9000, &bad, 6);
}

static void scattered_memory(void **state)
{
    static uint8_t bytes[512 * 40 + 77];
    struct iovec iov[] = {{bytes, 1},
                          {bytes + 1, 700},
                          {bytes + 701, 0},
                          {bytes + 701, sizeof bytes - 701}};
    struct aoe_request r = {.op = AOE_WRITE,
                            .offset = 300,
                            .length = sizeof bytes,
                            .iov = iov,
                            .iovcnt = 4,
                            .done = io_done};
    struct fixture f;
    struct io io = {0};

    (void)state;
    start(&f, 1500);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    r.arg = &io;
    assert_int_equal(aoe_submit(f.disk, &r), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_memory_equal(f.nas->disk + 300, bytes, sizeof bytes);
    memset(bytes, 0, sizeof bytes);
    io.done = false;
    r.op = AOE_READ;
    assert_int_equal(aoe_submit(f.disk, &r), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_memory_equal(f.nas->disk + 300, bytes, sizeof bytes);
    stop(&f);
}

static void window_obeys_buffer_count(void **state)
{
    static uint8_t bytes[512 * 256];
    struct fixture f = {0};
    struct io io;

    (void)state;
    world_open(&f.w, 7, 1500);
    f.nas = world_add(&f.w, SECTORS, 1500, "one");
    f.nas->buffer_count = 3;
    open_disk(&f, 0);
    world_run(&f.w, NS_PER_S, NULL);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    world_run(&f.w, NS_PER_MS, NULL);
    assert_int_equal(f.nas->held, 3);
    f.nas->hold = false;
    model_release(f.nas);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    stop(&f);
}

static void trims_and_flushes(void **state)
{
    struct fixture f;
    struct io io;
    uint8_t sector[512] = {0};

    (void)state;
    start(&f, 1500);
    assert_int_equal(run(&f, AOE_TRIM, NULL, 70000 * 16, 100), 0);
    assert_int_equal(f.nas->trims, 1);
    assert_int_equal(f.nas->disk[0], 0); /* only whole sectors */
    assert_int_equal(f.nas->disk[512], 0xdd);
    assert_int_equal(run(&f, AOE_TRIM, NULL, 100, 100), 0);
    assert_int_equal(f.nas->trims, 1);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes, 1);
    assert_int_equal(submit(&f, &io, AOE_WRITE, sector, 512, 0), 0);
    io.r.fua = true;
    world_run(&f.w, NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(f.nas->flushes, 2);
    stop(&f);
}

static void flush_falls_back(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 1500);
    f.nas->no_flush_ext = true; /* vblade */
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes, 2);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes, 3);
    f.nas->no_flush = true; /* nothing at all */
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes, 4);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes, 4);
    stop(&f);
}

/* ---- safety ---------------------------------------------------------------
 */

static void no_two_overlapping_writes(void **state)
{
    static uint8_t one[1024], two[1024];
    struct fixture f;
    struct io a, b, c;

    (void)state;
    start(&f, 1500);
    memset(one, 1, sizeof one);
    memset(two, 2, sizeof two);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &a, AOE_WRITE, one, 1024, 512), 0);
    assert_int_equal(submit(&f, &b, AOE_WRITE, two, 1024, 1024), 0);
    assert_int_equal(submit(&f, &c, AOE_WRITE, two, 512, 8192), 0);
    world_run(&f.w, NS_PER_MS, NULL);
    assert_int_equal(f.nas->held, 2); /* a and c, but not b */
    model_release(f.nas);
    world_run(&f.w, NS_PER_MS, NULL);
    assert_true(a.done && c.done && !b.done);
    model_release(f.nas);
    world_run(&f.w, NS_PER_MS, &b.done);
    assert_true(b.done);
    assert_int_equal(f.nas->disk[1023], 1);
    assert_int_equal(f.nas->disk[1024], 2);
    stop(&f);
}

static void fence_holds_newer_write(void **state)
{
    static uint8_t old[512], new[512], other[512];
    struct fixture f;
    struct io io;

    (void)state;
    start(&f, 1500);
    memset(old, 1, 512);
    memset(new, 2, 512);
    f.nas->mute = 1; /* the first copy's answer is lost */
    assert_int_equal(run(&f, AOE_WRITE, old, 512, 0), 0);
    assert_int_equal(f.nas->writes, 2);
    assert_int_equal(f.disk->fence.count, 1);
    assert_int_equal(submit(&f, &io, AOE_WRITE, new, 512, 0), 0);
    assert_int_equal(run(&f, AOE_WRITE, other, 512, 4096), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_false(io.done);
    assert_int_equal(f.nas->writes, 3);
    world_run(&f.w, 2 * NS_PER_S, &io.done);
    assert_true(io.done);
    assert_int_equal(f.nas->disk[0], 2);
    assert_int_equal(f.disk->fence.count, 0);
    assert_int_equal(f.disk->stats.fenced, 1);
    stop(&f);
}

static void fence_ends_with_the_last_answer(void **state)
{
    static uint8_t old[512], new[512];
    struct fixture f;
    struct io a, b;

    (void)state;
    start(&f, 1500);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &a, AOE_WRITE, old, 512, 0), 0);
    world_run(&f.w, 300 * NS_PER_MS, NULL);
    assert_int_equal(f.nas->held, 2); /* one retransmission */
    f.nas->hold = false;
    model_release(f.nas);
    assert_int_equal(submit(&f, &b, AOE_WRITE, new, 512, 0), 0);
    world_run(&f.w, 10 * NS_PER_MS, &b.done);
    assert_true(a.done && b.done);
    assert_int_equal(f.disk->fence.count, 0);
    assert_int_equal(f.disk->stats.late, 1);
    stop(&f);
}

/* ---- errors ---------------------------------------------------------------
 */

static void reports_the_bad_sector(void **state)
{
    static uint8_t bytes[64 * 512];
    struct fixture f;
    struct io io;

    (void)state;
    start(&f, 9000);
    f.nas->bad_lba = 37;
    assert_int_equal(submit(&f, &io, AOE_READ, bytes, sizeof bytes, 512), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_int_equal(io.status, -EIO);
    assert_int_equal(io.r.error_offset, 37 * 512);
    assert_true(aoe_disk_ready(f.disk));
    stop(&f);
}

static void aoe_errors_end_requests(void **state)
{
    static const struct {
        uint8_t error;
        int status;
    } cases[] = {{1, -EOPNOTSUPP}, {2, -EINVAL}, {3, -ENODEV},
                 {5, -EPROTO},     {6, -EBUSY},  {99, -EPROTO}};
    uint8_t b[512];
    struct fixture f;

    (void)state;
    start(&f, 1500);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f.nas->aoe_error = cases[i].error;
        assert_int_equal(run(&f, AOE_READ, b, 512, 0), cases[i].status);
    }
    stop(&f);
}

static void short_reads_are_no_data(void **state)
{
    uint8_t b[512];
    struct fixture f;

    (void)state;
    start(&f, 1500);
    f.nas->short_reads = true;
    assert_int_equal(run(&f, AOE_READ, b, 512, 0), -EIO);
    stop(&f);
}

static void every_request_ends(void **state)
{
    static uint8_t bytes[64][4096];
    struct io io[64];
    struct fixture f;

    (void)state;
    start(&f, 1500);
    f.nas->silent = true;
    for (int i = 0; i < 64; i++)
        assert_int_equal(submit(&f, &io[i], i % 2 ? AOE_WRITE : AOE_READ,
                                bytes[i], 4096 - (i % 3), (uint64_t)i * 4096),
                         0);
    world_run(&f.w, 59 * NS_PER_S, NULL);
    for (int i = 0; i < 64; i++)
        assert_false(io[i].done);
    world_run(&f.w, 2 * NS_PER_S, NULL);
    for (int i = 0; i < 64; i++) {
        assert_true(io[i].done);
        assert_int_equal(io[i].status, -EIO);
    }
    assert_int_equal(f.events[AOE_DISK_LOST], 1);
    assert_int_equal(submit(&f, &io[0], AOE_READ, bytes[0], 512, 0), -EIO);

    /* It comes back by itself. */
    f.nas->silent = false;
    world_run(&f.w, 3 * NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_BACK], 1);
    assert_int_equal(run(&f, AOE_WRITE, bytes[0], 4096, 0), 0);
    stop(&f);
}

static void outage_within_the_deadline(void **state)
{
    static uint8_t bytes[65536];
    struct fixture f;
    struct io io;
    uint64_t back;

    (void)state;
    start(&f, 1500);
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    world_run(&f.w, 20 * NS_PER_S, NULL);
    f.nas->silent = false;
    back = f.w.now;
    world_run(&f.w, 30 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_true(f.w.now - back < 3 * NS_PER_S / 2);
    assert_int_equal(f.events[AOE_DISK_LOST], 0);
    stop(&f);
}

static void another_disk_comes_back(void **state)
{
    uint8_t b[512] = {0};
    struct fixture f;

    (void)state;
    start(&f, 1500);
    f.nas->silent = true;
    assert_int_equal(run(&f, AOE_READ, b, 512, 0), -EIO);
    f.nas->silent = false;
    strcpy(f.nas->identity.serial, "two");
    world_run(&f.w, 5 * NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_CHANGED], 1);
    assert_int_equal(run(&f, AOE_WRITE, b, 512, 0), -ESTALE);
    assert_int_equal(f.nas->writes, 0);
    strcpy(f.nas->identity.serial, "one");
    model_announce(f.nas);
    world_run(&f.w, 5 * NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_BACK], 1);
    assert_int_equal(run(&f, AOE_WRITE, b, 512, 0), 0);
    stop(&f);
}

static void another_disk_after_a_restart(void **state)
{
    uint8_t b[512] = {0};
    struct fixture f;
    struct io io;

    (void)state;
    start(&f, 1500);
    strcpy(f.nas->identity.serial, "two");
    model_announce(f.nas);
    wire_advance(f.w.wire, f.w.now);
    aoe_service(f.w.aoe); /* has heard the announcement, no more */
    assert_int_equal(submit(&f, &io, AOE_WRITE, b, 512, 0), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_int_equal(io.status, -ESTALE);
    assert_int_equal(f.nas->writes, 0);
    stop(&f);
}

/* One of two paths turns into another disk in the middle of the work. */
static void work_leaves_a_refused_path(void **state)
{
    static uint8_t bytes[64 * 1024];
    struct fixture f;
    struct model *second;
    struct io io;

    (void)state;
    start(&f, 1500);
    second = world_add(&f.w, SECTORS, 1500, "one");
    model_announce(second);
    world_run(&f.w, NS_PER_S, NULL);
    memset(bytes, 7, sizeof bytes);
    second->hold = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    world_run(&f.w, NS_PER_MS, NULL);
    assert_true(second->held > 0);
    second->held = 0;
    strcpy(second->identity.serial, "two");
    model_announce(second);
    world_run(&f.w, 5 * NS_PER_S, &io.done);
    assert_true(io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 1);
    assert_int_equal(second->writes, 0);
    assert_memory_equal(f.nas->disk, bytes, sizeof bytes);
    stop(&f);
}

static void growth_is_published(void **state)
{
    uint8_t b[512];
    struct fixture f;

    (void)state;
    start(&f, 1500);
    f.nas->identity.sectors = SECTORS / 2;
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_RESIZED], 1);
    assert_int_equal(run(&f, AOE_READ, b, 512, SECTORS / 2 * 512), -ENXIO);
    f.nas->identity.sectors = SECTORS;
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_RESIZED], 2);
    assert_int_equal(run(&f, AOE_READ, b, 512, SECTORS / 2 * 512), 0);
    stop(&f);
}

static void growth_is_noticed_without_a_word(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 1500);
    f.nas->identity.sectors = 2 * SECTORS;
    world_run(&f.w, 70 * NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_RESIZED], 1);
    stop(&f);
}

/* The flush behind a FUA write has no deadline of its own. */
static void fua_has_one_deadline(void **state)
{
    struct wire_faults slow = {.delay_ns = NS_PER_MS};
    uint8_t sector[512] = {0};
    struct fixture f = {0};
    uint64_t begun;
    struct io io;

    (void)state;
    world_open(&f.w, 7, 1500);
    f.nas = world_add(&f.w, SECTORS, 1500, "one");
    open_disk(&f, 4 * NS_PER_S);
    world_run(&f.w, NS_PER_S, NULL);
    wire_port_faults(f.w.client, WIRE_TX, &slow);
    begun = f.w.now;
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, sector, 512, 0), 0);
    io.r.fua = true;
    world_run(&f.w, 2 * NS_PER_S, NULL);
    f.nas->silent = false;
    while (f.nas->writes == 0)
        world_run(&f.w, 100 * NS_PER_US, NULL);
    f.nas->silent = true; /* the flush is on its way */
    world_run(&f.w, 1000 * NS_PER_S, &io.done);
    assert_int_equal(io.status, -EIO);
    assert_in_range(f.w.now - begun, 4 * NS_PER_S, 5 * NS_PER_S);
    stop(&f);
}

static void smaller_mtu_recuts(void **state)
{
    static uint8_t bytes[128 * 512];
    struct fixture f;
    struct io io;

    (void)state;
    start(&f, 9000);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 3);
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    world_run(&f.w, NS_PER_S, NULL);
    wire_port_mtu(f.w.client, 1500);
    f.nas->silent = false;
    world_run(&f.w, 20 * NS_PER_S, &io.done);
    assert_true(io.done);
    assert_int_equal(io.status, 0);
    assert_memory_equal(f.nas->disk, bytes, sizeof bytes);
    assert_int_equal(f.nas->writes, 64);
    stop(&f);
}

static void closing_cancels(void **state)
{
    static uint8_t bytes[4][4096];
    struct fixture f;
    struct io io[4];

    (void)state;
    start(&f, 1500);
    f.nas->hold = true;
    for (int i = 0; i < 4; i++) /* one waits for another, one has edges */
        assert_int_equal(submit(&f, &io[i], AOE_WRITE, bytes[i],
                                4096 - (i == 2), (uint64_t)(i / 2) * 8192),
                         0);
    world_run(&f.w, NS_PER_MS, NULL);
    aoe_disk_close(f.disk);
    for (int i = 0; i < 4; i++) {
        assert_true(io[i].done);
        assert_int_equal(io[i].status, -ECANCELED);
    }
    model_release(f.nas); /* answers to nobody */
    world_run(&f.w, NS_PER_S, NULL);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_disk),
        cmocka_unit_test(prefers_whole_blocks),
        cmocka_unit_test(two_disks_at_one_address),
        cmocka_unit_test(same_serial_other_size),
        cmocka_unit_test(another_disk_joins_later),
        cmocka_unit_test(two_paths_share_the_work),
        cmocka_unit_test(a_dead_path_keeps_no_flush),
        cmocka_unit_test(paths_to_one_address_share_its_buffers),
        cmocka_unit_test(frame_size_fits),
        cmocka_unit_test(lba28_only),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(shadow_on_a_good_wire),
        cmocka_unit_test(shadow_on_a_bad_wire),
        cmocka_unit_test(scattered_memory),
        cmocka_unit_test(window_obeys_buffer_count),
        cmocka_unit_test(trims_and_flushes),
        cmocka_unit_test(flush_falls_back),
        cmocka_unit_test(no_two_overlapping_writes),
        cmocka_unit_test(fence_holds_newer_write),
        cmocka_unit_test(fence_ends_with_the_last_answer),
        cmocka_unit_test(reports_the_bad_sector),
        cmocka_unit_test(aoe_errors_end_requests),
        cmocka_unit_test(short_reads_are_no_data),
        cmocka_unit_test(every_request_ends),
        cmocka_unit_test(outage_within_the_deadline),
        cmocka_unit_test(another_disk_comes_back),
        cmocka_unit_test(another_disk_after_a_restart),
        cmocka_unit_test(work_leaves_a_refused_path),
        cmocka_unit_test(growth_is_published),
        cmocka_unit_test(growth_is_noticed_without_a_word),
        cmocka_unit_test(fua_has_one_deadline),
        cmocka_unit_test(smaller_mtu_recuts),
        cmocka_unit_test(closing_cancels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
