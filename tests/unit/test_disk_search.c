/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding the disks that the user named, or saying which of them is missing.
 */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "initiator/client/disk_search.h"
#include "tests/unit/disk_fixture.h"

struct searching {
    struct world w;
    struct client_options options;
    struct disk_search search;
    struct aoe_disk *disks[2];
    unsigned found, failed;
    char said[1024]; /* what was logged as an error, a line each */
};

static struct searching s;

static void on_found(void *arg)
{
    assert_ptr_equal(arg, &s);
    s.found++;
}

static void on_failed(void *arg)
{
    assert_ptr_equal(arg, &s);
    s.failed++;
    if (s.search.loop)
        loop_stop(s.search.loop, 0);
}

static void heard(void *arg, const char *line)
{
    (void)arg;
    snprintf(s.said + strlen(s.said), sizeof s.said - strlen(s.said), "%s\n",
             line);
}

static void pass_on(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    disk_search_event(arg, disk, event);
}

static int open_named(uint8_t slot)
{
    return disk_search_open(&s.search, s.w.aoe, 1, slot, pass_on, &s.search,
                            &s.disks[s.search.count]);
}

static int begin(void **state)
{
    (void)state;
    memset(&s, 0, sizeof s);
    world_open(&s.w, 7, 1500);
    client_options_init(&s.options);
    s.search = (struct disk_search){.trying = "test",
                                    .options = &s.options,
                                    .found = on_found,
                                    .failed = on_failed,
                                    .arg = &s};
    log_hear(heard, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    log_hear(NULL, NULL);
    world_close(&s.w);
    client_options_free(&s.options);
    return 0;
}

static void let_them_answer(void)
{
    world_run(&s.w, 2 * NS_PER_S, NULL);
}

/* ---- found ----------------------------------------------------------------
 */

static void the_last_one_ends_it(void **state)
{
    struct model *second = world_add(&s.w, SECTORS, 1500, "two");

    (void)state;
    second->addr.slot = 3;
    assert_int_equal(open_named(2), 0);
    assert_int_equal(open_named(3), 0);
    let_them_answer();
    assert_int_equal(s.found, 0); /* one of two */
    assert_true(aoe_disk_ready(s.disks[1]));
    world_add(&s.w, SECTORS, 1500, "one");
    let_them_answer();
    assert_int_equal(s.found, 1);
    disk_search_give_up(&s.search); /* too late */
    assert_int_equal(s.failed, 0);
    assert_string_equal(s.said, "");
}

/* ---- or not ---------------------------------------------------------------
 */

static void who_does_not_answer_is_named(void **state)
{
    (void)state;
    world_add(&s.w, SECTORS, 1500, "one");
    assert_int_equal(open_named(2), 0);
    assert_int_equal(open_named(9), 0);
    let_them_answer();
    disk_search_give_up(&s.search);
    assert_int_equal(s.failed, 1);
    assert_non_null(strstr(s.said, "test: e1.9: no answer"));
    assert_null(strstr(s.said, "e1.2"));
    disk_search_give_up(&s.search);
    assert_int_equal(s.failed, 1);
}

static void who_answers_after_that_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(open_named(2), 0);
    disk_search_give_up(&s.search);
    world_add(&s.w, SECTORS, 1500, "one");
    let_them_answer();
    assert_true(aoe_disk_ready(s.disks[0]));
    assert_int_equal(s.found, 0);
    assert_int_equal(s.failed, 1);
}

/* Waiting would not help. */
static void two_disks_at_one_address_end_it_at_once(void **state)
{
    (void)state;
    world_add(&s.w, SECTORS, 1500, "one");
    world_add(&s.w, SECTORS, 1500, "two");
    assert_int_equal(open_named(2), 0);
    let_them_answer();
    assert_int_equal(s.failed, 1);
    assert_int_equal(s.found, 0);
    assert_non_null(strstr(s.said, "one"));
    assert_non_null(strstr(s.said, "two"));
}

static void a_wildcard_is_not_opened(void **state)
{
    struct aoe_disk *disk;

    (void)state;
    assert_int_equal(disk_search_open(&s.search, s.w.aoe, 0xffff, 2, pass_on,
                                      &s.search, &disk),
                     -EINVAL);
    assert_int_equal(s.search.count, 0);
    assert_non_null(strstr(s.said, "e65535.2: Invalid argument"));
}

/* ---- with a loop ----------------------------------------------------------
 */

static void it_gives_up_when_the_time_is_over(void **state)
{
    struct loop *loop;

    (void)state;
    s.options.wait = NS_PER_MS;
    assert_int_equal(open_named(9), 0);
    assert_int_equal(loop_open(&loop), 0);
    assert_int_equal(disk_search_start(&s.search, loop), 0);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(s.failed, 1);
    assert_non_null(strstr(s.said, "e1.9: no answer on  within 0.001 s"));
    loop_close(loop);
}

static void stop_soon(void *arg)
{
    loop_stop(arg, 0);
}

static void what_was_stopped_does_not_fail(void **state)
{
    struct loop_timer later = {.expired = stop_soon};
    struct loop *loop;

    (void)state;
    s.options.wait = NS_PER_MS;
    assert_int_equal(open_named(9), 0);
    assert_int_equal(loop_open(&loop), 0);
    later.arg = loop;
    assert_int_equal(disk_search_start(&s.search, loop), 0);
    assert_int_equal(
        loop_timer_set(loop, &later, loop_clock(loop) + 2 * NS_PER_MS), 0);
    disk_search_stop(&s.search);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(s.failed, 0);
    loop_close(loop);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_one_ends_it),
        TEST(who_does_not_answer_is_named),
        TEST(who_answers_after_that_is_not_found),
        TEST(two_disks_at_one_address_end_it_at_once),
        TEST(a_wildcard_is_not_opened),
        TEST(it_gives_up_when_the_time_is_over),
        TEST(what_was_stopped_does_not_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
