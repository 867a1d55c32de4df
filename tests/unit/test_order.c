/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Order of overlapping requests, against a model that compares each pair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "target/protocol/order.h"

enum { ENTRIES = 48, STEPS = 200000, DISK = 64 };

struct model {
    struct order_entry e;
    bool present, running;
    unsigned arrival;
};

static struct model models[ENTRIES];
static struct order order;
static unsigned arrivals, released_count;

static struct model *model_of(struct order_entry *e)
{
    return list_entry(e, struct model, e);
}

/* Overlapping ones keep their order, and flushes after the writes before them.
 */
static bool conflict(const struct model *later, const struct model *earlier)
{
    bool overlap =
        later->e.start < earlier->e.end && earlier->e.start < later->e.end;

    if (later->e.kind == ORDER_FLUSH)
        return earlier->e.kind == ORDER_WRITE;
    if (earlier->e.kind == ORDER_FLUSH)
        return false;
    return overlap &&
           (later->e.kind == ORDER_WRITE || earlier->e.kind == ORDER_WRITE);
}

static bool held_back(const struct model *m)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        if (models[i].present && models[i].arrival < m->arrival &&
            conflict(m, &models[i]))
            return true;
    return false;
}

static void released(void *arg, struct order_entry *e)
{
    struct model *m = model_of(e);

    assert_ptr_equal(arg, &order);
    assert_true(m->present);
    assert_false(m->running);
    m->running = true;
    released_count++;
}

/* An entry runs if and only if nothing before it blocks it. */
static void check_all(void)
{
    for (unsigned i = 0; i < ENTRIES; i++)
        if (models[i].present)
            assert_int_equal(models[i].running, !held_back(&models[i]));
}

static void enter(struct model *m, enum order_kind kind, uint64_t start,
                  uint64_t end)
{
    m->e.kind = kind;
    m->e.start = start;
    m->e.end = end;
    m->present = true;
    m->arrival = arrivals++;
    m->running = order_enter(&order, &m->e);
}

static void leave(struct model *m)
{
    m->present = m->running = false;
    order_leave(&order, &m->e, released, &order);
}

static int setup(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ENTRIES; i++)
        models[i] = (struct model){0};
    order_init(&order);
    return 0;
}

static void random_schedules(void **state)
{
    (void)state;
    srand(7);
    for (unsigned step = 0; step < STEPS; step++) {
        struct model *m = &models[(unsigned)rand() % ENTRIES];
        uint64_t start = (unsigned)rand() % DISK;

        if (!m->present)
            enter(m, (enum order_kind)(rand() % 8 == 0 ? 2 : rand() % 2), start,
                  start + 1 + (unsigned)rand() % 8);
        else if (m->running)
            leave(m);
        check_all();
    }
    assert_true(released_count > 1000);
}

static void adjacent_requests_do_not_wait(void **state)
{
    (void)state;
    enter(&models[0], ORDER_WRITE, 0, 512);
    enter(&models[1], ORDER_WRITE, 512, 1024);
    assert_true(models[0].running && models[1].running);
}

static void readers_share_writers_do_not(void **state)
{
    (void)state;
    enter(&models[0], ORDER_READ, 0, 512);
    enter(&models[1], ORDER_READ, 0, 512);
    enter(&models[2], ORDER_WRITE, 0, 512);
    enter(&models[3], ORDER_READ, 0, 512); /* must not see the past */
    assert_true(models[1].running);
    assert_false(models[2].running);
    assert_false(models[3].running);
    leave(&models[1]);
    assert_false(models[2].running);
    leave(&models[0]);
    assert_true(models[2].running);
    assert_false(models[3].running);
    leave(&models[2]);
    assert_true(models[3].running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(adjacent_requests_do_not_wait, setup),
        cmocka_unit_test_setup(readers_share_writers_do_not, setup),
        cmocka_unit_test_setup(random_schedules, setup),
    };

    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
