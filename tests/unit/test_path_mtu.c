/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How much a frame carries: verified before use, on wires that drop long frames
 * in one direction or both, from the start or later; and back again.
 */
#include <errno.h>

#include "tests/unit/disk_fixture.h"

enum { SHORT = 1514, BYTES = 64 * 1024, WIRE_DELAY = 50000 };

/* The longest and the shortest WRITE that the client sent. */
static size_t longest, shortest;
static uint8_t out[BYTES], in[BYTES];
static uint64_t seed = 7; /* of the wire */

static void watch(void *arg, uint64_t now, enum wire_event e,
                  const struct link *port, const uint8_t *frame, size_t len)
{
    (void)arg;
    (void)now;
    (void)port;
    if (e != WIRE_SENT || frame[19] != AOE_CMD_ATA ||
        frame[27] != ATA_WRITE_SECTORS_EXT)
        return;
    longest = len > longest ? len : longest;
    shortest = len < shortest ? len : shortest;
}

/* A direction in which frames longer than `most` vanish; 0: none do. */
static void hole(struct fixture *f, enum wire_way way, uint32_t most)
{
    struct wire_faults faults = {.frame_max = most, .delay_ns = WIRE_DELAY};

    wire_port_faults(f->w.client, way, &faults);
}

static void open_world(struct fixture *f, unsigned mtu, uint32_t tx,
                       uint32_t rx)
{
    memset(f, 0, sizeof *f);
    longest = 0;
    shortest = SIZE_MAX;
    for (size_t i = 0; i < BYTES; i++)
        out[i] = (uint8_t)(i * 7 + i / 512);
    memset(in, 0, sizeof in);
    world_open(&f->w, seed, mtu);
    f->nas = world_add(&f->w, SECTORS, 9000, "one");
    wire_watch(f->w.wire, watch, NULL);
    hole(f, WIRE_TX, tx);
    hole(f, WIRE_RX, rx);
    open_disk(f, 10 * NS_PER_S);
    while (!aoe_disk_ready(f->disk))
        world_run(&f->w, NS_PER_MS, NULL);
}

static unsigned payload(struct fixture *f)
{
    struct aoe_path_info p = {0};

    aoe_disk_paths(f->disk, &p, 1);
    assert_true(p.good);
    return p.payload;
}

/* A write and a read in the same moment end within `most`. */
static void both_end(struct fixture *f, uint64_t most)
{
    uint64_t begun = f->w.now;
    struct io w, r;

    assert_int_equal(submit(f, &w, AOE_WRITE, out, BYTES, 0), 0);
    assert_int_equal(submit(f, &r, AOE_READ, in, BYTES, BYTES), 0);
    world_run(&f->w, 20 * NS_PER_S, &w.done);
    world_run(&f->w, 20 * NS_PER_S, &r.done);
    assert_true(w.done && r.done);
    assert_int_equal(w.status, 0);
    assert_int_equal(r.status, 0);
    assert_true(f->w.now - begun < most);
    assert_memory_equal(f->nas->disk, out, BYTES);
    assert_memory_equal(f->nas->disk + BYTES, in, BYTES);
    assert_int_equal(f->events[AOE_DISK_LOST], 0);
}

/* ---- from the beginning ---------------------------------------------------
 */

static void long_frames_on_a_good_wire(void **state)
{
    struct fixture f;

    (void)state;
    open_world(&f, 9000, 0, 0);
    assert_int_equal(payload(&f), 16 * 512); /* when it is ready, or sooner */
    assert_int_equal(f.events[AOE_DISK_PATH_MTU], 0);
    both_end(&f, NS_PER_S);
    assert_int_equal(longest, AOE_ATA_HEADER + 16 * 512);
    stop(&f);
}

static void nothing_to_verify_at_1500(void **state)
{
    struct fixture f;

    (void)state;
    open_world(&f, 1500, 0, 0);
    world_run(&f.w, 100 * NS_PER_S, NULL);
    assert_int_equal(payload(&f), 2 * 512);
    assert_int_equal(f.nas->reads, 0);
    stop(&f);
}

static void never_more_than_was_verified(void **state)
{
    static const struct {
        uint32_t tx, rx;
        unsigned payload;
    } holes[] = {
        {SHORT, 0, 1024},   {0, SHORT, 1024},   {SHORT, SHORT, 1024},
        {4200, 9014, 4096}, {9014, 4200, 4096}, {8227, 0, 4096},
    };

    (void)state;
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++) {
        struct fixture f;

        open_world(&f, 9000, holes[i].tx, holes[i].rx);
        both_end(&f, NS_PER_S);
        world_run(&f.w, 4 * NS_PER_S, NULL);
        assert_int_equal(payload(&f), holes[i].payload);
        both_end(&f, NS_PER_S);
        assert_int_equal(longest, AOE_ATA_HEADER + holes[i].payload);
        assert_int_equal(f.events[AOE_DISK_PATH_MTU], 1);
        assert_int_equal(aoe_disk_ready(f.disk), true);
        stop(&f);
    }
}

/* The probe tests the path: it must not need the disk's first sector. */
static void a_bad_sector_does_not_matter(void **state)
{
    struct fixture f;

    (void)state;
    open_world(&f, 1500, 0, 0);
    f.nas->bad_lba = 0;
    wire_port_mtu(f.w.client, 9000);
    world_run(&f.w, 2 * NS_PER_S, NULL);
    assert_int_equal(payload(&f), 16 * 512);
    stop(&f);
}

static void a_tiny_disk(void **state)
{
    struct fixture f;

    (void)state;
    open_world(&f, 1500, 0, 0);
    f.nas->identity.sectors = 5;
    model_announce(f.nas);
    wire_port_mtu(f.w.client, 9000);
    world_run(&f.w, 60 * NS_PER_S, NULL);
    assert_int_equal(payload(&f), 2 * 512);
    assert_int_equal(run(&f, AOE_WRITE, out, 5 * 512, 0), 0);
    stop(&f);
}

/* ---- in the middle --------------------------------------------------------
 */

static void a_black_hole_appears(void **state)
{
    static const struct {
        uint32_t tx, rx;
        unsigned payload;
    } holes[] = {{SHORT, 0, 1024},
                 {0, SHORT, 1024},
                 {SHORT, SHORT, 1024},
                 {5000, 0, 4096}};

    (void)state;
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++) {
        struct fixture f;

        open_world(&f, 9000, 0, 0);
        both_end(&f, NS_PER_S); /* so that its time is known */
        hole(&f, WIRE_TX, holes[i].tx);
        hole(&f, WIRE_RX, holes[i].rx);
        memset(f.nas->disk, 0, BYTES);
        both_end(&f, NS_PER_S / 2);
        world_run(&f.w, NS_PER_S, NULL);
        assert_int_equal(payload(&f), holes[i].payload);
        stop(&f);
    }
}

/* One request at a time: there is nothing behind it by which to see the loss.
 */
static void a_black_hole_appears_at_depth_one(void **state)
{
    struct fixture f;
    uint64_t begun;

    (void)state;
    for (enum wire_way way = WIRE_TX; way <= WIRE_RX; way++) {
        open_world(&f, 9000, 0, 0);
        both_end(&f, NS_PER_S);
        hole(&f, way, SHORT);
        begun = f.w.now;
        assert_int_equal(
            run(&f, way == WIRE_TX ? AOE_WRITE : AOE_READ, in, 4096, 0), 0);
        assert_true(f.w.now - begun < NS_PER_S / 4);
        stop(&f);
    }
}

static void grows_again(void **state)
{
    struct fixture f;

    (void)state;
    open_world(&f, 9000, 0, 0);
    both_end(&f, NS_PER_S);
    hole(&f, WIRE_RX, SHORT);
    both_end(&f, NS_PER_S / 2);
    assert_int_equal(payload(&f), 1024);
    world_run(&f.w, 600 * NS_PER_S, NULL); /* by now it is probed rarely */
    assert_int_equal(payload(&f), 1024);
    hole(&f, WIRE_RX, 0);
    assert_int_equal(f.events[AOE_DISK_PATH_MTU], 1); /* not each time */
    world_run(&f.w, PATH_MTU_RAISE_MAX + NS_PER_S, NULL);
    assert_int_equal(payload(&f), 16 * 512);
    assert_int_equal(f.events[AOE_DISK_PATH_MTU], 2);
    both_end(&f, NS_PER_S);
    stop(&f);
}

/* A disk that answers nothing, long or short, is slow, not a black hole. */
static void a_stall_is_no_black_hole(void **state)
{
    struct fixture f;
    struct io io;

    (void)state;
    open_world(&f, 9000, 0, 0);
    both_end(&f, NS_PER_S);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &io, AOE_READ, in, 4096, 0), 0);
    world_run(&f.w, 5 * NS_PER_S, NULL);
    assert_false(io.done);
    assert_int_equal(f.disk->state, DISK_READY);
    f.nas->hold = false;
    model_release(f.nas);
    world_run(&f.w, 5 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(payload(&f), 16 * 512);
    stop(&f);
}

/* Even heavy loss hardly ever looks like a black hole, and passes. */
static void loss_is_no_black_hole(void **state)
{
    struct wire_faults bad = {.loss = 100000, .delay_ns = WIRE_DELAY};
    struct fixture f;

    (void)state;
    open_world(&f, 9000, 0, 0);
    wire_port_faults(f.w.client, WIRE_TX, &bad);
    wire_port_faults(f.w.client, WIRE_RX, &bad);
    for (int i = 0; i < 200; i++)
        assert_int_equal(run(&f, i % 2 ? AOE_READ : AOE_WRITE, i % 2 ? in : out,
                             BYTES, (uint64_t)(i % 16) * BYTES),
                         0);
    world_run(&f.w, 2 * PATH_MTU_RAISE_MIN, NULL);
    assert_int_equal(payload(&f), 16 * 512);
    stop(&f);
}

/* It came back with a lower limit, and its announcement was lost. */
static void the_target_takes_less(void **state)
{
    struct fixture f;

    (void)state;
    open_world(&f, 9000, 0, 0);
    both_end(&f, NS_PER_S);
    f.nas->most = f.nas->sector_count = 2;
    both_end(&f, NS_PER_S);
    assert_int_equal(payload(&f), 1024);
    f.nas->most = f.nas->sector_count = 8;
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(payload(&f), 4096);
    stop(&f);
}

static void a_request_refused_at_any_length_fails(void **state)
{
    struct fixture f;
    struct io io;

    (void)state;
    open_world(&f, 9000, 0, 0);
    f.nas->most = 1;
    assert_int_equal(submit(&f, &io, AOE_WRITE, out, BYTES, 0), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_true(io.done);
    assert_int_equal(io.status, -EIO);
    stop(&f);
}

/* A disk that is gone says nothing about the length of frames. */
static void a_device_fault_refuses_no_length(void **state)
{
    struct fixture f;
    struct io io;

    (void)state;
    open_world(&f, 9000, 0, 0);
    both_end(&f, NS_PER_S);
    assert_int_equal(payload(&f), 16 * 512);
    f.nas->gone = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, out, BYTES, 0), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_true(io.done);
    assert_int_equal(io.status, -EIO);
    assert_int_equal(payload(&f), 16 * 512);
    stop(&f);
}

/* ---- data -----------------------------------------------------------------
 */

/* A long write is late on its way when its pieces have already gone; what is
 * written after them must not be undone by it. */
static void a_late_long_copy_lands_on_nothing_newer(void **state)
{
    struct wire_faults late = {.reorder = 1000000,
                               .delay_ns = WIRE_DELAY,
                               .hold_ns = 3 * NS_PER_S / 2};
    struct fixture f;
    uint8_t newer[4096];
    uint64_t begun;
    struct io io;

    (void)state;
    for (seed = 0; seed < 50; seed++) { /* another hold each time */
        open_world(&f, 9000, 0, 0);
        both_end(&f, NS_PER_S);
        wire_port_faults(f.w.client, WIRE_TX, &late);
        assert_int_equal(submit(&f, &io, AOE_WRITE, out, 4096, 0), 0);
        world_run(&f.w, NS_PER_US, NULL); /* it leaves */
        hole(&f, WIRE_TX, SHORT);
        begun = f.w.now;
        world_run(&f.w, 20 * NS_PER_S, &io.done);
        assert_int_equal(io.status, 0);
        assert_true(f.w.now - begun < NS_PER_S / 2);
        memset(newer, (int)seed + 1, sizeof newer);
        assert_int_equal(run(&f, AOE_WRITE, newer, sizeof newer, 0), 0);
        world_run(&f.w, 5 * NS_PER_S, NULL);
        assert_memory_equal(f.nas->disk, newer, sizeof newer);
        assert_int_equal(f.disk->time_wait.count, 0);
        stop(&f);
    }
    seed = 7;
}

/* Where another path carries the frame whole, it goes there as it is. */
static void the_other_path_takes_it(void **state)
{
    struct wire_faults faults = {.frame_max = SHORT};
    struct fixture f;
    struct model *second;
    struct io io;

    (void)state;
    open_world(&f, 9000, 0, 0);
    second = world_add(&f.w, SECTORS, 9000, "one");
    model_announce(second);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(run(&f, AOE_READ, in, BYTES, 0), 0);
    assert_true(second->reads > 0);
    wire_port_faults(second->link, WIRE_RX, &faults);
    assert_int_equal(submit(&f, &io, AOE_WRITE, out, BYTES, 0), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_true(io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(shortest, AOE_ATA_HEADER + 16 * 512);
    for (size_t at = 0; at < BYTES; at += 512) /* two halves of one disk */
        assert_memory_equal(
            (memcmp(f.nas->disk + at, out + at, 512) ? second : f.nas)->disk +
                at,
            out + at, 512);
    stop(&f);
}

/* ---- the interface --------------------------------------------------------
 */

static void the_mtu_changes_under_load(void **state)
{
    static const unsigned mtus[] = {1500, 9000, 4200, 9000, 1500, 576, 9000};
    struct fixture f;

    (void)state;
    open_world(&f, 9000, 0, 0);
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct io io;

        memset(f.nas->disk, 0, BYTES);
        assert_int_equal(submit(&f, &io, AOE_WRITE, out, BYTES, 0), 0);
        world_run(&f.w, 2 * WIRE_DELAY, NULL); /* in the middle of it */
        wire_port_mtu(f.w.client, mtus[i]);
        world_run(&f.w, 20 * NS_PER_S, &io.done);
        assert_true(io.done);
        assert_int_equal(io.status, 0);
        assert_memory_equal(f.nas->disk, out, BYTES);
        world_run(&f.w, 2 * NS_PER_S, NULL);
        assert_int_equal(payload(&f), mtus[i] == 9000   ? 16 * 512
                                      : mtus[i] == 4200 ? 8 * 512
                                      : mtus[i] == 1500 ? 2 * 512
                                                        : 512);
        assert_int_equal(f.events[AOE_DISK_LOST], 0);
    }
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_frames_on_a_good_wire),
        cmocka_unit_test(nothing_to_verify_at_1500),
        cmocka_unit_test(never_more_than_was_verified),
        cmocka_unit_test(a_bad_sector_does_not_matter),
        cmocka_unit_test(a_tiny_disk),
        cmocka_unit_test(a_black_hole_appears),
        cmocka_unit_test(a_black_hole_appears_at_depth_one),
        cmocka_unit_test(grows_again),
        cmocka_unit_test(a_stall_is_no_black_hole),
        cmocka_unit_test(loss_is_no_black_hole),
        cmocka_unit_test(the_target_takes_less),
        cmocka_unit_test(a_request_refused_at_any_length_fails),
        cmocka_unit_test(a_device_fault_refuses_no_length),
        cmocka_unit_test(a_late_long_copy_lands_on_nothing_newer),
        cmocka_unit_test(the_other_path_takes_it),
        cmocka_unit_test(the_mtu_changes_under_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
