/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two disks behind one network address: both answer every request.  (Two disks
 * at two addresses: test_disk.c.)
 */

#include "base/errors.h"
#include "tests/unit/disk_fixture.h"

static void open_world(struct fixture *f, const char *other_serial)
{
    memset(f, 0, sizeof *f);
    world_open(&f->w, 3, 1500);
    f->nas = world_add(&f->w, 1024, 1500, "one");
    f->nas->other_serial = other_serial;
    /* With the defaults for options. */
    assert_int_equal(aoe_disk_open(f->w.aoe, 1, 2, NULL, on_event, f, &f->disk),
                     0);
    world_run(&f->w, NS_PER_S, NULL);
}

static int write_one(struct fixture *f)
{
    static uint8_t sector[512];

    return run(f, AOE_WRITE, sector, sizeof sector, 0);
}

static void names_both(struct fixture *f)
{
    const char *trouble = aoe_disk_trouble(f->disk);

    assert_non_null(strstr(trouble, "e1.2"));
    assert_non_null(strstr(trouble, "\"one\""));
    assert_non_null(strstr(trouble, "\"two\""));
    assert_non_null(strstr(trouble, "02:00:00:00:00:0a"));
    assert_non_null(strstr(trouble, "client0"));
}

static void neither_is_opened(void **state)
{
    struct fixture f;

    (void)state;
    open_world(&f, "two");
    assert_int_equal(f.events[AOE_DISK_READY], 0);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 1);
    assert_int_equal(write_one(&f), -ENOTUNIQ);
    names_both(&f);
    stop(&f);
}

/* The wire doubled a request: two answers, one disk. */
static void two_answers_of_one_disk(void **state)
{
    struct fixture f;

    (void)state;
    open_world(&f, "one");
    assert_int_equal(f.events[AOE_DISK_READY], 1);
    assert_int_equal(f.events[AOE_DISK_CONFLICT], 0);
    assert_int_equal(write_one(&f), 0);
    stop(&f);
}

static void another_disk_joins_and_leaves(void **state)
{
    struct fixture f;
    unsigned writes;

    (void)state;
    open_world(&f, NULL);
    assert_int_equal(write_one(&f), 0);
    writes = f.nas->writes;
    f.nas->other_serial = "two";
    model_announce(f.nas);
    for (int i = 0; i < 200; i++) { /* the conflict stays reported */
        world_run(&f.w, 50 * NS_PER_MS, NULL);
        assert_int_equal(write_one(&f), -ESTALE);
    }
    assert_int_equal(f.nas->writes, writes);
    assert_int_equal(f.events[AOE_DISK_CHANGED], 1);
    names_both(&f);
    f.nas->other_serial = NULL;
    world_run(&f.w, 5 * NS_PER_S, NULL);
    assert_int_equal(f.events[AOE_DISK_BACK], 1);
    assert_int_equal(write_one(&f), 0);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_is_opened),
        cmocka_unit_test(two_answers_of_one_disk),
        cmocka_unit_test(another_disk_joins_and_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
