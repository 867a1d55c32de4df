/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The disk engine against a target in memory: order, late copies, and every way
 * in which it can fail.
 */
#include <errno.h>
#include <stdlib.h>

#include "initiator/libaoe/abort.h"
#include "tests/unit/disk_fixture.h"

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

static void time_wait_holds_newer_write(void **state)
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
    assert_int_equal(f.disk->time_wait.count, 1);
    assert_int_equal(submit(&f, &io, AOE_WRITE, new, 512, 0), 0);
    assert_int_equal(run(&f, AOE_WRITE, other, 512, 4096), 0);
    world_run(&f.w, NS_PER_S, &io.done);
    assert_false(io.done);
    assert_int_equal(f.nas->writes, 3);
    world_run(&f.w, 2 * NS_PER_S, &io.done);
    assert_true(io.done);
    assert_int_equal(f.nas->disk[0], 2);
    assert_int_equal(f.disk->time_wait.count, 0);
    assert_int_equal(f.disk->stats.time_waits, 1);
    stop(&f);
}

/* The network duplicates an answer, and the other copy of the write is late. */
static void time_wait_outlives_a_duplicated_response(void **state)
{
    static uint8_t old[512], new[512];
    struct fixture f;
    struct io a, b;

    (void)state;
    start(&f, 1500);
    memset(old, 1, 512);
    memset(new, 2, 512);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &a, AOE_WRITE, old, 512, 0), 0);
    world_run(&f.w, 300 * NS_PER_MS, NULL);
    assert_int_equal(f.nas->held, 2); /* one retransmission */
    for (int i = 0; i < 2; i++) {
        f.nas->held = 1;
        model_release(f.nas);
        world_run(&f.w, 10 * NS_PER_MS, NULL);
    }
    assert_true(a.done);
    f.nas->hold = false;
    assert_int_equal(submit(&f, &b, AOE_WRITE, new, 512, 0), 0);
    world_run(&f.w, NS_PER_S, &b.done);
    assert_false(b.done);
    f.nas->kept[0] = f.nas->kept[1];
    f.nas->held = 1;
    model_release(f.nas);
    assert_int_equal(f.nas->disk[0], 1);
    world_run(&f.w, 2 * NS_PER_S, &b.done);
    assert_int_equal(b.status, 0);
    assert_int_equal(f.nas->disk[0], 2);
    assert_int_equal(f.disk->time_wait.count, 0);
    stop(&f);
}

/* One copy of an abandoned write was sent, and answered after all. */
static void time_wait_ends_with_the_only_response(void **state)
{
    static uint8_t old[512], new[512];
    struct fixture f;
    struct io a, b;

    (void)state;
    start(&f, 1500);
    f.nas->hold = true;
    assert_int_equal(submit(&f, &a, AOE_WRITE, old, 512, 0), 0);
    world_run(&f.w, 10 * NS_PER_MS, NULL);
    assert_int_equal(f.nas->held, 1);
    disk_fail_all(f.disk, -EIO);
    assert_int_equal(f.disk->time_wait.count, 1);
    f.nas->hold = false;
    model_release(f.nas);
    assert_int_equal(submit(&f, &b, AOE_WRITE, new, 512, 0), 0);
    world_run(&f.w, 10 * NS_PER_MS, &b.done);
    assert_true(a.done && b.done);
    assert_int_equal(f.disk->time_wait.count, 0);
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

static void short_reads_are_not_data(void **state)
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

    /* It recovers without help. */
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
    second = join(&f, "one");
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

static void growth_is_noticed_unannounced(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 1500);
    f.nas->identity.sectors = 2 * SECTORS;
    world_run(&f.w, 70 * NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_RESIZED], 1);
    stop(&f);
}

/* Once the write is answered, the flush's silence counts. */
static void flush_of_fua_ends(void **state)
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
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_WRITE, sector, 512, 0), 0);
    io.r.fua = true;
    world_run(&f.w, 2 * NS_PER_S, NULL);
    f.nas->silent = false;
    while (f.nas->writes == 0)
        world_run(&f.w, 100 * NS_PER_US, NULL);
    f.nas->silent = true; /* the flush is on its way */
    begun = f.w.now;
    world_run(&f.w, 1000 * NS_PER_S, &io.done);
    assert_int_equal(io.status, -EIO);
    assert_in_range(f.w.now - begun, 4 * NS_PER_S, 5 * NS_PER_S);
    stop(&f);
}

static void a_smaller_mtu_splits_again(void **state)
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
    for (int i = 0; i < 4; i++) /* one waits for another, one is unaligned */
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
        cmocka_unit_test(no_two_overlapping_writes),
        cmocka_unit_test(time_wait_holds_newer_write),
        cmocka_unit_test(time_wait_outlives_a_duplicated_response),
        cmocka_unit_test(time_wait_ends_with_the_only_response),
        cmocka_unit_test(reports_the_bad_sector),
        cmocka_unit_test(aoe_errors_end_requests),
        cmocka_unit_test(short_reads_are_not_data),
        cmocka_unit_test(every_request_ends),
        cmocka_unit_test(outage_within_the_deadline),
        cmocka_unit_test(another_disk_comes_back),
        cmocka_unit_test(another_disk_after_a_restart),
        cmocka_unit_test(work_leaves_a_refused_path),
        cmocka_unit_test(growth_is_published),
        cmocka_unit_test(growth_is_noticed_unannounced),
        cmocka_unit_test(flush_of_fua_ends),
        cmocka_unit_test(a_smaller_mtu_splits_again),
        cmocka_unit_test(closing_cancels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
