/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The trace: each kind of line appears when its event happens, in the form that
 * aoe.h promises, and nothing appears below its level.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/disk_fixture.h"

enum { LINES = 4096, TEXT = 640 };

static char lines[LINES][TEXT];
static unsigned count;
static uint8_t data[64 * 1024];

static void collect(void *arg, const char *text)
{
    (void)arg;
    for (const char *c = text; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
    assert_true(strncmp(text, "e1.2 ", 5) == 0 ||
                strncmp(text, "client", 6) == 0);
    assert_true(count < LINES);
    snprintf(lines[count++], TEXT, "%s", text);
}

/* How many lines begin with `start` and hold `part`. */
static unsigned told(const char *start, const char *part)
{
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++)
        n += strncmp(lines[i], start, strlen(start)) == 0 &&
             strstr(lines[i], part) != NULL;
    return n;
}

/* The first that begins with `start`. */
static const char *line(const char *start)
{
    for (unsigned i = 0; i < count; i++)
        if (strncmp(lines[i], start, strlen(start)) == 0)
            return lines[i];
    fail_msg("no line begins with \"%s\"", start);
    return NULL;
}

static void begin(struct fixture *f, int level)
{
    start(f, 1500);
    count = 0;
    aoe_trace(f->w.aoe, level, collect, NULL);
}

static void nothing_when_off(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 1);
    aoe_trace(f.w.aoe, 0, collect, NULL);
    f.nas->mute = 2;
    assert_int_equal(run(&f, AOE_READ, data, 512, 0), 0);
    aoe_trace(f.w.aoe, 2, NULL, NULL);
    assert_int_equal(run(&f, AOE_READ, data, 512, 0), 0);
    assert_int_equal(count, 0);
    stop(&f);
}

static void frames_at_level_two(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 1);
    assert_int_equal(run(&f, AOE_READ, data, 512, 0), 0);
    assert_int_equal(count, 0); /* all is well: nothing to decide */
    aoe_trace(f.w.aoe, 2, collect, NULL);
    assert_int_equal(run(&f, AOE_READ, data, 512, 512), 0);
    assert_int_equal(told("e1.2 send: tag ", "lba 1, 1 sectors, path client0 "
                                             "02:00:00:00:00:0a"),
                     1);
    assert_int_equal(told("client0 receive: e1.2, tag ", "02:00:00:00:00:0a"),
                     1);
    stop(&f);
}

static void retransmissions_and_why(void **state)
{
    struct fixture f;
    struct io io[2];
    unsigned tag, copy;

    (void)state;
    begin(&f, 1);
    f.nas->mute = 1;
    assert_int_equal(submit(&f, &io[0], AOE_READ, data, 512, 0), 0);
    world_run(&f.w, 10 * NS_PER_S, &io[0].done);
    assert_true(io[0].done);
    assert_int_equal(told("e1.2 retransmit: ", "no response for "), 1);
    assert_int_equal(sscanf(line("e1.2 retransmit: "),
                            "e1.2 retransmit: tag %8x, copy %u, ", &tag, &copy),
                     2);
    assert_int_equal(tag, f.nas->last_tag);
    assert_int_equal(copy, 2);
    stop(&f);
}

static void paths_and_the_disk(void **state)
{
    struct fixture f;
    struct io io;

    (void)state;
    begin(&f, 1);
    f.nas->silent = true;
    assert_int_equal(submit(&f, &io, AOE_READ, data, 512, 0), 0);
    world_run(&f.w, 100 * NS_PER_S, &io.done);
    assert_int_equal(io.status, -EIO);
    assert_int_equal(told("e1.2 path: good -> silent, ", ", path client0 "), 1);
    assert_int_equal(told("e1.2 event: lost", ""), 1);
    f.nas->silent = false;
    world_run(&f.w, 10 * NS_PER_S, NULL);
    assert_int_equal(told("e1.2 path: silent -> good, our disk answers", ""),
                     1);
    assert_int_equal(told("e1.2 event: back", ""), 1);
    stop(&f);
}

/* ---- each kind of line ----------------------------------------------------
 */

enum { WORDS = 1, REPLAY = 2 };

static void open_traced(struct fixture *f, int how)
{
    struct aoe_disk_options o = {.timeout = 5 * NS_PER_S,
                                 .replay = how & REPLAY ? 1 << 20 : 0};

    memset(f, 0, sizeof *f);
    count = 0;
    world_open(&f->w, 7, 9000);
    f->nas = world_add(&f->w, SECTORS, 9000, "one");
    f->nas->identity.write_cache = true;
    if (how & WORDS)
        model_speak(f->nas);
    aoe_trace(f->w.aoe, 1, collect, NULL);
    assert_int_equal(aoe_disk_open(f->w.aoe, 1, 2, &o, on_event, f, &f->disk),
                     0);
    world_run(&f->w, NS_PER_S, NULL);
}

static void identity_and_mtu(void **state)
{
    struct wire_faults hole = {.frame_max = 1514, .delay_ns = 50000};
    struct fixture f;

    (void)state;
    open_traced(&f, 0);
    line("e1.2 identity: serial \"one\", model ");
    line("e1.2 disk: searching -> settling");
    line("e1.2 disk: settling -> ready");
    line("e1.2 path: new -> good, our disk answers");
    line("e1.2 mtu probe: 16 sectors, tag ");
    line("e1.2 mtu: 16 sectors pass, 16 in use, path client0 ");
    count = 0;
    wire_port_faults(f.w.client, WIRE_TX, &hole);
    for (int i = 0; i < 8; i++)
        assert_int_equal(run(&f, AOE_WRITE, data, sizeof data, 0), 0);
    world_run(&f.w, 5 * NS_PER_S, NULL);
    line("e1.2 window: ");
    line("e1.2 mtu: a black hole for 16 sectors?");
    line("e1.2 mtu: black hole, 16 -> 2 sectors");
    line("e1.2 event: path MTU");
    count = 0;
    snprintf(f.nas->identity.serial, sizeof f.nas->identity.serial, "t\nwo");
    model_announce(f.nas);
    world_run(&f.w, NS_PER_S, NULL);
    line("e1.2 restart: the target announced itself");
    line("e1.2 identity: another disk, serial \"t?wo\", ");
    line("e1.2 path: new -> refused, another disk answers");
    line("e1.2 disk: ready -> stale");
    stop(&f);
}

static void losses_and_replays(void **state)
{
    struct fixture f;

    (void)state;
    open_traced(&f, WORDS | REPLAY);
    assert_int_equal(run(&f, AOE_WRITE, data, 4096, 0), 0);
    model_lose(f.nas);
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), 0);
    line("e1.2 flush: the loss epoch moved, it is tried again");
    line("e1.2 loss: 1 unflushed changes, the disk failed to keep them, they "
         "are in the replay log");
    line("e1.2 replay: begins, 1 blocks");
    line("e1.2 replay: ends, all is written again");
    stop(&f);
}

static void refused_flushes(void **state)
{
    struct fixture f;

    (void)state;
    open_traced(&f, 0);
    f.nas->no_flush_ext = true;
    assert_int_equal(run(&f, AOE_FLUSH, NULL, 0, 0), -EIO);
    line("e1.2 flush: the target refused it, it fails");
    line("e1.2 event: flush refused");
    stop(&f);
}

static void what_waits_and_what_is_given_up(void **state)
{
    struct fixture f;
    struct io io;

    (void)state;
    open_traced(&f, 0);
    f.nas->mute = 1; /* executed, but not answered */
    assert_int_equal(run(&f, AOE_WRITE, data, 512, 0), 0);
    assert_int_equal(run(&f, AOE_WRITE, data, 512, 0), 0);
    line("e1.2 time-wait: 1 sectors at 0 wait until late copies have expired");
    f.nas->stuck = 8;
    assert_int_equal(submit(&f, &io, AOE_READ, data, 512, 4096), 0);
    for (int i = 0; i < 100 && !io.done; i++) {
        run(&f, AOE_READ, data, 512, 0);
        world_run(&f.w, NS_PER_S, &io.done);
    }
    assert_true(io.done);
    line("e1.2 deadline: a request of 1 sectors at 8 is given up");
    f.nas->silent = true;
    world_run(&f.w, 10 * NS_PER_S, NULL);
    assert_int_equal(submit(&f, &io, AOE_READ, data, 512, 0), 0);
    world_run(&f.w, 4 * NS_PER_S, NULL);
    f.nas->silent = false;
    world_run(&f.w, 10 * NS_PER_S, &io.done);
    line("e1.2 restart: first response after ");
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_when_off),
        cmocka_unit_test(frames_at_level_two),
        cmocka_unit_test(retransmissions_and_why),
        cmocka_unit_test(paths_and_the_disk),
        cmocka_unit_test(identity_and_mtu),
        cmocka_unit_test(losses_and_replays),
        cmocka_unit_test(refused_flushes),
        cmocka_unit_test(what_waits_and_what_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
