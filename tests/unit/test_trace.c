/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The trace: each kind of line appears when what it tells happens, in the form
 * that aoe.h promises, and nothing appears below its level.
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
    assert_int_equal(
        sscanf(lines[0], "e1.2 retransmit: tag %8x, copy %u, ", &tag, &copy),
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_when_off),
        cmocka_unit_test(frames_at_level_two),
        cmocka_unit_test(retransmissions_and_why),
        cmocka_unit_test(paths_and_the_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
