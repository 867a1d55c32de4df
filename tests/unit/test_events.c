/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Any event callback of a disk may close that disk, and others.  Run it under
 * AddressSanitizer: what the engine must not touch afterwards is freed.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/disk_fixture.h"

enum { WORDS = 1, REPLAY = 2, REQUESTS = 4 };

static uint8_t bytes[64 * 1024];

/* A world in which one event closes a disk. */
struct closing {
    struct fixture f;
    enum aoe_event at;
    bool other;              /* another disk, still being discovered */
    struct aoe_disk *second; /* that one */
    struct io io[REQUESTS];  /* of the first, in flight */
    unsigned told;           /* of `at` */
};

static void close_at(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct closing *c = arg;

    assert_non_null(c->f.disk); /* nothing is told of a closed disk */
    assert_ptr_equal(disk, c->f.disk);
    if (event != c->at)
        return;
    c->told++;
    if (c->other && c->second) {
        aoe_disk_close(c->second);
        c->second = NULL;
    } else if (!c->other) {
        aoe_disk_close(disk);
        c->f.disk = NULL;
    }
}

static void begin(struct closing *c, enum aoe_event at, bool other, int how)
{
    struct aoe_disk_options o = {.timeout = 5 * NS_PER_S,
                                 .replay = how & REPLAY ? 1 << 20 : 0};

    memset(c, 0, sizeof *c);
    c->at = at;
    c->other = other;
    world_open(&c->f.w, 7, 9000);
    c->f.nas = world_add(&c->f.w, SECTORS, 9000, "one");
    c->f.nas->identity.write_cache = true;
    if (how & WORDS)
        model_speak(c->f.nas);
    assert_int_equal(
        aoe_disk_open(c->f.w.aoe, 1, 2, &o, close_at, c, &c->f.disk), 0);
    assert_int_equal(
        aoe_disk_open(c->f.w.aoe, 1, 3, &o, NULL, NULL, &c->second), 0);
}

static void later(struct closing *c, uint64_t ns)
{
    world_run(&c->f.w, ns, NULL);
}

static void attempt(struct closing *c, struct io *io, enum aoe_op op,
                    uint64_t length, uint64_t offset)
{
    if (c->f.disk)
        submit(&c->f, io, op, bytes, length, offset);
}

/* One at a time, each until it ends. */
static void finish(struct closing *c, enum aoe_op op, uint64_t length)
{
    struct io io;

    if (!c->f.disk)
        return;
    assert_int_equal(submit(&c->f, &io, op, bytes, length, 0), 0);
    world_run(&c->f.w, 100 * NS_PER_S, &io.done);
    assert_true(io.done);
}

static void announce(struct closing *c)
{
    model_announce(c->f.nas);
    later(c, 2 * NS_PER_S);
}

/* ---- what brings each event about -----------------------------------------
 */

static void ready(struct closing *c)
{
    later(c, NS_PER_S);
}

static void lost(struct closing *c)
{
    ready(c);
    c->f.nas->silent = true;
    for (int i = 0; i < REQUESTS; i++) /* one is unaligned, one waits */
        attempt(c, &c->io[i], i % 2 ? AOE_WRITE : AOE_READ, 5000, 700);
    later(c, 20 * NS_PER_S);
}

static void back(struct closing *c)
{
    lost(c);
    c->f.nas->silent = false;
    later(c, 5 * NS_PER_S);
}

static void resized(struct closing *c)
{
    ready(c);
    c->f.nas->identity.sectors = SECTORS - 8;
    announce(c);
}

static void changed(struct closing *c)
{
    ready(c);
    c->f.nas->hold = true;
    for (int i = 0; i < REQUESTS; i++)
        attempt(c, &c->io[i], AOE_WRITE, 5000, 700);
    later(c, NS_PER_MS);
    snprintf(c->f.nas->identity.serial, sizeof c->f.nas->identity.serial,
             "two");
    announce(c);
}

static void conflict(struct closing *c)
{
    ready(c);
    model_announce(world_add(&c->f.w, SECTORS, 1500, "two"));
    later(c, 2 * NS_PER_S);
}

static void restarted(struct closing *c)
{
    ready(c);
    finish(c, AOE_WRITE, 4096);
    announce(c);
}

static void path_mtu(struct closing *c)
{
    struct wire_faults hole = {.frame_max = 1514, .delay_ns = 50000};

    wire_port_faults(c->f.w.client, WIRE_TX, &hole);
    later(c, 5 * NS_PER_S);
}

static void lost_writes(struct closing *c)
{
    ready(c);
    finish(c, AOE_WRITE, 4096);
    model_lose(c->f.nas);
    for (int i = 0; i < REQUESTS; i++)
        attempt(c, &c->io[i], AOE_FLUSH, 0, 0);
    announce(c);
}

static void restarted_with_words(struct closing *c)
{
    ready(c);
    finish(c, AOE_WRITE, 4096);
    c->f.nas->identity.vendor.boot++;
    model_lose(c->f.nas);
    announce(c);
}

static void mended(struct closing *c)
{
    ready(c);
    finish(c, AOE_WRITE, 4096);
    model_lose(c->f.nas);
    finish(c, AOE_FLUSH, 0);
    later(c, NS_PER_S);
}

static void flush_refused(struct closing *c)
{
    ready(c);
    c->f.nas->no_flush_ext = c->f.nas->no_flush = true;
    finish(c, AOE_FLUSH, 0);
    later(c, NS_PER_S);
}

static void settled(struct closing *c)
{
    ready(c);
    finish(c, AOE_WRITE, 4096);
    finish(c, AOE_FLUSH, 0);
    later(c, NS_PER_S);
}

static const struct {
    enum aoe_event event;
    void (*bring_about)(struct closing *c);
    int how;
} cases[] = {
    {AOE_DISK_READY, ready, 0},
    {AOE_DISK_LOST, lost, 0},
    {AOE_DISK_LOST, lost, REPLAY},
    {AOE_DISK_BACK, back, 0},
    {AOE_DISK_BACK, back, REPLAY},
    {AOE_DISK_RESIZED, resized, 0},
    {AOE_DISK_CHANGED, changed, 0},
    {AOE_DISK_CONFLICT, conflict, 0},
    {AOE_DISK_RESTARTED, restarted, 0},
    {AOE_DISK_RESTARTED, restarted_with_words, WORDS},
    {AOE_DISK_REPLAYED, restarted, REPLAY},
    {AOE_DISK_REPLAYED, restarted_with_words, WORDS | REPLAY},
    {AOE_DISK_PATH_MTU, path_mtu, 0},
    {AOE_DISK_LOST_WRITES, lost_writes, WORDS},
    {AOE_DISK_MENDED, mended, WORDS | REPLAY},
    {AOE_DISK_FLUSH_REFUSED, flush_refused, 0},
    {AOE_DISK_FLUSH_REFUSED, flush_refused, REPLAY},
    {AOE_DISK_SETTLED, settled, WORDS},
    {AOE_DISK_SETTLED, settled, WORDS | REPLAY},
};

static void each_may_close(bool other)
{
    static struct closing c;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(&c, cases[i].event, other, cases[i].how);
        cases[i].bring_about(&c);
        later(&c, 5 * NS_PER_S);
        if (c.told == 0)
            fail_msg("case %zu: event %d never came", i, cases[i].event);
        assert_int_equal(c.f.disk == NULL, !other);
        assert_int_equal(c.second == NULL, other);
        if (!other) /* each request has ended */
            for (int k = 0; k < REQUESTS; k++)
                assert_true(!c.io[k].r.done || c.io[k].done);
        world_close(&c.f.w);
    }
}

static void each_may_close_its_disk(void **state)
{
    (void)state;
    each_may_close(false);
}

static void each_may_close_another(void **state)
{
    (void)state;
    each_may_close(true);
}

static void every_event_arrives(void **state)
{
    bool seen[AOE_DISK_SETTLED + 1] = {false};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        seen[cases[i].event] = true;
    for (int e = 0; e <= AOE_DISK_SETTLED; e++)
        assert_true(seen[e]);
}

/* ---- when they are told ---------------------------------------------------
 */

static bool submitting;

static void not_inside_submit(void *arg, struct aoe_disk *disk,
                              enum aoe_event event)
{
    struct fixture *f = arg;

    (void)disk;
    assert_false(submitting);
    f->events[event]++;
}

/* A target without a FLUSH: it ends as soon as it is submitted, and settles. */
static void never_inside_submit(void **state)
{
    struct fixture f;
    struct io io;

    (void)state;
    memset(&f, 0, sizeof f);
    world_open(&f.w, 7, 1500);
    f.nas = world_add(&f.w, SECTORS, 1500, "one");
    f.nas->identity.flush = f.nas->identity.flush_ext = false;
    model_speak(f.nas);
    assert_int_equal(
        aoe_disk_open(f.w.aoe, 1, 2, NULL, not_inside_submit, &f, &f.disk), 0);
    world_run(&f.w, NS_PER_S, NULL);
    submitting = true;
    assert_int_equal(submit(&f, &io, AOE_FLUSH, NULL, 0, 0), 0);
    submitting = false;
    assert_int_equal(f.events[AOE_DISK_SETTLED], 0);
    assert_int_equal(aoe_timeout(f.w.aoe), 0);
    aoe_push(f.w.aoe);
    assert_int_equal(f.events[AOE_DISK_SETTLED], 1);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_arrives),
        cmocka_unit_test(each_may_close_its_disk),
        cmocka_unit_test(each_may_close_another),
        cmocka_unit_test(never_inside_submit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
