/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The disk engine against a target in memory, on a simulated wire and clock:
 * finding it, its paths, reading and writing.
 */
#include <stdlib.h>

#include "base/errors.h"
#include "tests/unit/disk_fixture.h"

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
    /* The Linux driver on the same host takes tags without bit 31 for its
     * own. */
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
    other = join(&f, "two");
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
    second = join(&f, "one");
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 0);
    assert_int_equal(run(&f, AOE_READ, bytes, sizeof bytes, 0), 0);
    assert_true(f.nas->reads > 20);
    assert_true(second->reads > 20);
    stop(&f);
}

static void a_failed_path_is_set_aside_and_used_again(void **state)
{
    static uint8_t bytes[512 * 256];
    struct aoe_path_info p[2];
    struct fixture f;
    struct model *second;
    uint64_t begun;

    (void)state;
    start(&f, 1500);
    second = join(&f, "one");
    assert_int_equal(run(&f, AOE_READ, bytes, sizeof bytes, 0), 0);
    second->silent = true;
    begun = f.w.now;
    for (int i = 0; i < 20; i++)
        assert_int_equal(run(&f, AOE_READ, bytes, sizeof bytes, 0), 0);
    assert_in_range(f.w.now - begun, 0, NS_PER_S);
    assert_int_equal(aoe_disk_paths(f.disk, p, 2), 2);
    assert_true(p[0].good);
    assert_false(p[1].good);
    second->silent = false;
    second->reads = 0;
    world_run(&f.w, 2 * NS_PER_S, NULL); /* it is probed now and then */
    assert_int_equal(run(&f, AOE_READ, bytes, sizeof bytes, 0), 0);
    assert_true(second->reads > 20);
    stop(&f);
}

static void flush_leaves_a_dead_path(bool first)
{
    struct fixture f;
    struct model *second;
    struct io io;

    start(&f, 1500);
    second = join(&f, "one");
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

/* The same serial number is the same cache. */
static void one_flush_is_for_all_paths(void **state)
{
    static uint8_t bytes[512 * 256];
    struct fixture f;
    struct model *second;

    (void)state;
    start(&f, 1500);
    second = join(&f, "one");
    assert_int_equal(run(&f, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    assert_true(f.nas->writes > 0 && second->writes > 0);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes + second->flushes, 1);
    stop(&f);
}

static uint64_t world_time(void *arg)
{
    return ((struct world *)arg)->now;
}

/* One address of the target over two local interfaces is one set of buffers. */
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

static void refuses_what_is_impossible(void **state)
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

/* Many requests at once, of every kind and alignment, against a shadow copy; no
 * two in a round overlap, so that each has one right answer. */
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
    assert_true(f.disk->time_wait.count < 2000);
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

/* It duplicates no frame: this target does not recognize copies, tests/sim's
 * does. */
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

static void open_flushing(struct fixture *f, bool ext, bool plain)
{
    memset(f, 0, sizeof *f);
    world_open(&f->w, 7, 1500);
    f->nas = world_add(&f->w, SECTORS, 1500, "one");
    f->nas->identity.flush_ext = ext;
    f->nas->identity.flush = plain;
    open_disk(f, AOE_TIMEOUT_DEFAULT);
    world_run(&f->w, NS_PER_S, NULL);
}

static void flushes_as_identify_says(void **state)
{
    struct fixture f;

    (void)state;
    open_flushing(&f, false, true); /* vblade */
    f.nas->no_flush_ext = true;
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes, 1);
    stop(&f);
    open_flushing(&f, false, false); /* ggaoed: there is nothing to ask */
    f.nas->no_flush_ext = f.nas->no_flush = true;
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    assert_int_equal(f.nas->flushes, 0);
    stop(&f);
}

static void a_refused_flush_is_an_error(void **state)
{
    uint8_t sector[512] = {0};
    struct fixture f;
    struct io io;

    (void)state;
    open_flushing(&f, true, true);
    f.nas->no_flush_ext = true;
    assert_int_equal(run(&f, AOE_WRITE, sector, 512, 0), 0);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), -EIO);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), -EIO);
    assert_int_equal(submit(&f, &io, AOE_WRITE, sector, 512, 0), 0);
    io.r.fua = true;
    world_run(&f.w, NS_PER_S, &io.done);
    assert_int_equal(io.status, -EIO);
    assert_int_equal(f.events[AOE_DISK_FLUSH_REFUSED], 1);
    assert_int_equal(f.disk->stats.flushes_refused, 3);
    f.nas->no_flush_ext = false; /* it is asked again */
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    f.nas->aoe_error = AOE_ERR_COMMAND; /* another way to say it */
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), -EIO);
    assert_int_equal(f.events[AOE_DISK_FLUSH_REFUSED], 2);
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
        cmocka_unit_test(a_failed_path_is_set_aside_and_used_again),
        cmocka_unit_test(a_dead_path_keeps_no_flush),
        cmocka_unit_test(one_flush_is_for_all_paths),
        cmocka_unit_test(paths_to_one_address_share_its_buffers),
        cmocka_unit_test(frame_size_fits),
        cmocka_unit_test(lba28_only),
        cmocka_unit_test(refuses_what_is_impossible),
        cmocka_unit_test(shadow_on_a_good_wire),
        cmocka_unit_test(shadow_on_a_bad_wire),
        cmocka_unit_test(scattered_memory),
        cmocka_unit_test(window_obeys_buffer_count),
        cmocka_unit_test(trims_and_flushes),
        cmocka_unit_test(flushes_as_identify_says),
        cmocka_unit_test(a_refused_flush_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
