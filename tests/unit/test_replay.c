/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A target that is restarted: what the user is told, and what is written again.
 */
#include "tests/unit/disk_fixture.h"

static void start_replay(struct fixture *f, uint64_t replay)
{
    struct aoe_disk_options o = {.timeout = 60 * NS_PER_S, .replay = replay};

    memset(f, 0, sizeof *f);
    world_open(&f->w, 7, 1500);
    f->nas = world_add(&f->w, SECTORS, 1500, "one");
    f->nas->identity.write_cache = true;
    assert_int_equal(aoe_disk_open(f->w.aoe, 1, 2, &o, on_event, f, &f->disk),
                     0);
    world_run(&f->w, NS_PER_S, NULL);
    assert_true(aoe_disk_ready(f->disk));
}

static void fill(struct fixture *f, uint8_t byte, uint64_t length,
                 uint64_t offset)
{
    static uint8_t bytes[512 * 256];

    memset(bytes, byte, (size_t)length);
    assert_int_equal(run(f, AOE_WRITE, bytes, length, offset), 0);
}

/* Its power fails, and it has nothing left of what was not flushed. */
static void power_fails(struct fixture *f)
{
    memset(f->nas->disk, 0, SECTORS * 512);
}

/* ---- what the user is told ------------------------------------------------
 */

static void a_loss_is_reported(void **state)
{
    struct fixture f;

    (void)state;
    start_replay(&f, 0);
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_RESTARTED], 0); /* nothing written */
    fill(&f, 1, 512, 0);
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_RESTARTED], 1);
    model_announce(f.nas); /* said already */
    fill(&f, 1, 512, 0);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    model_announce(f.nas); /* all is flushed */
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_RESTARTED], 1);
    world_close(&f.w);
}

static void silence_is_a_restart(void **state)
{
    uint8_t sector[512];
    struct fixture f;
    struct io io;

    (void)state;
    start_replay(&f, 0);
    fill(&f, 1, 512, 0);
    world_run(&f.w, 30 * NS_PER_S, NULL); /* nothing asked, nothing missed */
    fill(&f, 1, 512, 0);
    assert_int_equal(f.events[AOE_DISK_RESTARTED], 0);
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_READ, sector, 512, 0), 0);
    world_run(&f.w, 5 * NS_PER_S, NULL);
    f.nas->silent = false;
    world_run(&f.w, 5 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(f.events[AOE_DISK_RESTARTED], 1);
    world_close(&f.w);
}

/* ---- writing again --------------------------------------------------------
 */

static void unflushed_writes_are_written_again(void **state)
{
    static const uint8_t zeroes[512 * 16];
    struct fixture f;

    (void)state;
    start_replay(&f, 1 << 20);
    fill(&f, 1, 512 * 40, 0);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    fill(&f, 2, 512 * 20, 512 * 30);
    fill(&f, 3, 700, 512 * 33 + 100); /* with partial sectors */
    assert_int_equal(run(&f, AOE_ZERO, NULL, 512, 512 * 40), 0);
    power_fails(&f);
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_REPLAYED], 1);
    assert_int_equal(f.events[AOE_DISK_RESTARTED], 0);
    assert_int_equal(f.nas->disk[0], 0); /* it was flushed: not our business */
    assert_int_equal(f.nas->disk[512 * 30], 2);
    assert_int_equal(f.nas->disk[512 * 33 + 99], 2);
    assert_int_equal(f.nas->disk[512 * 33 + 100], 3);
    assert_int_equal(f.nas->disk[512 * 33 + 799], 3);
    assert_int_equal(f.nas->disk[512 * 33 + 800], 2);
    assert_memory_equal(f.nas->disk + 512 * 40, zeroes, 512);
    assert_int_equal(f.nas->disk[512 * 50 - 1], 2);
    assert_memory_equal(f.nas->disk + 512 * 50, zeroes, sizeof zeroes);
    world_close(&f.w);
}

/* A read that the target answers before everything has been replayed must not
 * be trusted, not even if it is the first sign of life. */
static void no_read_sees_the_loss(void **state)
{
    uint8_t sector[512];
    struct fixture f;
    struct io io;

    (void)state;
    start_replay(&f, 1 << 20);
    fill(&f, 7, 512, 0);
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_READ, sector, 512, 0), 0);
    world_run(&f.w, 4 * NS_PER_S, NULL);
    power_fails(&f);
    f.nas->silent = false;
    world_run(&f.w, 20 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_int_equal(sector[0], 7);
    world_close(&f.w);
}

/* The acknowledged half is lost like everything else. */
static void half_a_write_starts_again(void **state)
{
    static uint8_t bytes[512 * 64];
    struct fixture f;
    struct io io;

    (void)state;
    start_replay(&f, 1 << 20);
    memset(bytes, 5, sizeof bytes);
    f.nas->buffer_count = 4;
    assert_int_equal(submit(&f, &io, AOE_WRITE, bytes, sizeof bytes, 0), 0);
    while (f.nas->writes < 12)
        world_run(&f.w, 1, NULL);
    f.nas->silent = true;
    world_run(&f.w, 4 * NS_PER_S, NULL);
    power_fails(&f);
    f.nas->silent = false;
    world_run(&f.w, 20 * NS_PER_S, &io.done);
    assert_int_equal(io.status, 0);
    assert_memory_equal(f.nas->disk, bytes, sizeof bytes);
    world_close(&f.w);
}

static void what_cannot_be_written_again_is_reported(void **state)
{
    struct fixture f;

    (void)state;
    start_replay(&f, 1 << 20);
    fill(&f, 1, 512 * 8, 0);
    f.nas->bad_lba = 3;
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_RESTARTED], 1);
    assert_int_equal(f.events[AOE_DISK_REPLAYED], 0);
    world_close(&f.w);
}

static void its_memory_is_bounded(void **state)
{
    struct fixture f;

    (void)state;
    start_replay(&f, 64 << 10);
    for (uint64_t i = 0; i < 100; i++)
        fill(&f, 1, 4096, i * 4096);
    assert_in_range(f.nas->flushes, 5, 60); /* of our own */
    power_fails(&f);
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    assert_in_range(f.disk->stats.replayed, 4096, 64 << 10);
    assert_int_equal(f.nas->disk[100 * 4096 - 1], 1);
    world_run(&f.w, NS_PER_S, NULL); /* idle: flushed, and queried no more */
    f.nas->queries = f.nas->identifies = f.nas->flushes = 0;
    world_run(&f.w, 10 * NS_PER_S, NULL);
    assert_int_equal(f.nas->flushes + f.nas->identifies, 0);
    world_close(&f.w);
}

static void too_large_is_flushed_first(void **state)
{
    struct fixture f;

    (void)state;
    start_replay(&f, 16 << 10);
    fill(&f, 1, 512 * 256, 0);
    assert_int_equal(f.nas->flushes, 1);
    world_close(&f.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_is_reported),
        cmocka_unit_test(silence_is_a_restart),
        cmocka_unit_test(unflushed_writes_are_written_again),
        cmocka_unit_test(no_read_sees_the_loss),
        cmocka_unit_test(half_a_write_starts_again),
        cmocka_unit_test(what_cannot_be_written_again_is_reported),
        cmocka_unit_test(its_memory_is_bounded),
        cmocka_unit_test(too_large_is_flushed_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
