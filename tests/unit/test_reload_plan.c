/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a new configuration means for each export, without real exports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/serve/reload_plan.h"

enum { DISKS = 4 };

static struct export_config served[DISKS], named[DISKS];
static struct plan_export current[DISKS];
static struct config wanted;
static struct reload_plan plan;

static void set(struct export_config *c, uint8_t slot, const char *path)
{
    char mistake[CONFIG_MISTAKE];

    export_config_init(c);
    c->addr = (struct aoe_addr){1, slot};
    assert_true(export_config_set(c, "interfaces", "eth0", mistake));
    assert_true(export_config_set(c, "file", path, mistake));
}

/* Disks e1.0 and so on are served, and wanted as they are. */
static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < DISKS; i++) {
        char path[8] = {(char)('a' + i)};

        set(&served[i], (uint8_t)i, path);
        set(&named[i], (uint8_t)i, path);
        current[i] = (struct plan_export){.config = &served[i]};
    }
    wanted = (struct config){.exports = named, .count = DISKS};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DISKS; i++) {
        export_config_free(&served[i]);
        export_config_free(&named[i]);
    }
    reload_plan_free(&plan);
    return 0;
}

static void make_plan(unsigned count)
{
    assert_int_equal(reload_plan(&plan, current, count, &wanted), 0);
}

static void expect(unsigned step, enum plan_action action,
                   enum plan_reason reason)
{
    assert_true(step < plan.count);
    assert_string_equal(plan_action_text(plan.steps[step].action),
                        plan_action_text(action));
    assert_string_equal(plan_reason_text(plan.steps[step].reason),
                        plan_reason_text(reason));
}

static void nothing_changed(void **state)
{
    (void)state;
    make_plan(DISKS);
    assert_int_equal(plan.count, DISKS);
    for (unsigned i = 0; i < DISKS; i++) {
        expect(i, PLAN_KEEP, PLAN_UNCHANGED);
        assert_int_equal(plan.steps[i].current, i);
    }
}

/* It matters only until it is served. */
static void forced_is_no_change(void **state)
{
    (void)state;
    named[0].force_address = named[1].force_file = true;
    make_plan(DISKS);
    assert_int_equal(reload_plan_count(&plan, PLAN_KEEP), DISKS);
}

static void added_and_removed(void **state)
{
    (void)state;
    named[3].addr.slot = 9;
    make_plan(DISKS);
    assert_int_equal(plan.count, DISKS + 1);
    expect(3, PLAN_OPEN, PLAN_ADDED);
    expect(4, PLAN_CLOSE, PLAN_REMOVED);
    assert_int_equal(plan.steps[4].current, 3);
    assert_int_equal(reload_plan_count(&plan, PLAN_OPEN), 1);
    assert_int_equal(reload_plan_count(&plan, PLAN_CLOSE), 1);
}

static void changed(void **state)
{
    (void)state;
    named[1].read_only = true;
    current[2].storage_changed = true;
    make_plan(DISKS);
    assert_int_equal(plan.count, DISKS + 2);
    expect(0, PLAN_KEEP, PLAN_UNCHANGED);
    expect(1, PLAN_RECONFIGURE, PLAN_CONFIG_CHANGED);
    assert_int_equal(plan.steps[1].current, 1);
    expect(2, PLAN_RECONFIGURE, PLAN_STORAGE_CHANGED);
    assert_int_equal(plan.steps[2].current, 2);
    expect(4, PLAN_CLOSE, PLAN_REPLACED);
    expect(5, PLAN_CLOSE, PLAN_REPLACED);
    /* What is reopened does not count as stopped. */
    assert_int_equal(reload_plan_count(&plan, PLAN_CLOSE), 0);
    assert_int_equal(reload_plan_count(&plan, PLAN_RECONFIGURE), 2);
}

/* It was removed a moment ago, and is wanted again just as it was. */
static void back_before_it_was_closed(void **state)
{
    (void)state;
    current[0].closing = true;
    make_plan(DISKS);
    assert_int_equal(plan.count, DISKS);
    expect(0, PLAN_RECONFIGURE, PLAN_STILL_CLOSING);
    assert_int_equal(plan.steps[0].current, 0);
}

/* What is closing already is not closed again. */
static void closing_is_left_alone(void **state)
{
    (void)state;
    current[3].closing = true;
    wanted.count = 2;
    make_plan(DISKS);
    assert_int_equal(plan.count, 3);
    expect(2, PLAN_CLOSE, PLAN_REMOVED);
    assert_int_equal(plan.steps[2].current, 2);
}

/* An address may exist once per interface: the export that is kept passes
 * nothing on to the other. */
static void one_address_on_two_interfaces(void **state)
{
    (void)state;
    served[1].addr = named[1].addr = served[0].addr;
    strcpy(served[1].interfaces[0], "eth1");
    strcpy(named[1].interfaces[0], "eth1");
    named[1].sync = true;
    wanted.count = 2;
    make_plan(2);
    assert_int_equal(plan.count, 3);
    expect(0, PLAN_KEEP, PLAN_UNCHANGED);
    expect(1, PLAN_RECONFIGURE, PLAN_CONFIG_CHANGED);
    assert_int_equal(plan.steps[1].current, 1);
    expect(2, PLAN_CLOSE, PLAN_REPLACED);
    assert_int_equal(plan.steps[2].current, 1);
    reload_plan_free(&plan);
    wanted.count = 1;
    make_plan(2);
    expect(1, PLAN_CLOSE, PLAN_REMOVED);
}

static void from_and_to_nothing(void **state)
{
    (void)state;
    make_plan(0);
    assert_int_equal(reload_plan_count(&plan, PLAN_OPEN), DISKS);
    reload_plan_free(&plan);
    wanted.count = 0;
    make_plan(DISKS);
    assert_int_equal(reload_plan_count(&plan, PLAN_CLOSE), DISKS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nothing_changed),           CASE(forced_is_no_change),
        CASE(added_and_removed),         CASE(changed),
        CASE(back_before_it_was_closed), CASE(closing_is_left_alone),
        CASE(from_and_to_nothing),       CASE(one_address_on_two_interfaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
