/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pool of requests and buffers: what is reused, what is freed, and that
 * spare memory never gets in the way of what is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"

enum { KIB = 1 << 10, MIB = 1 << 20, LIMIT = 4 * MIB, KEEP = 64 * KIB };

struct object {
    uint64_t words[8];
};

static int setup(void **state)
{
    static struct pool pool;

    pool_open(&pool, sizeof(struct object), LIMIT, KEEP);
    *state = &pool;
    return 0;
}

static int teardown(void **state)
{
    pool_close(*state);
    return 0;
}

static void give(struct pool *pool, size_t capacity, unsigned count)
{
    void *buffers[16];

    for (unsigned i = 0; i < count; i++) {
        buffers[i] = pool_take_buffer(pool, capacity);
        assert_non_null(buffers[i]);
        memset(buffers[i], 0xa5, capacity);
    }
    for (unsigned i = 0; i < count; i++)
        pool_give_buffer(pool, buffers[i], capacity);
}

static void capacities_are_powers_of_two(void **state)
{
    const struct pool *pool = *state;

    assert_int_equal(pool_capacity(pool, 1), 4 * KIB);
    assert_int_equal(pool_capacity(pool, 4 * KIB), 4 * KIB);
    assert_int_equal(pool_capacity(pool, 4 * KIB + 1), 8 * KIB);
    assert_int_equal(pool_capacity(pool, 2 * MIB), 2 * MIB);
    /* Beyond that the last page is all that is wasted. */
    assert_int_equal(pool_capacity(pool, 2 * MIB + 1), 2 * MIB + 4 * KIB);
}

static void objects_are_reused_and_zeroed(void **state)
{
    struct pool *pool = *state;
    struct object *first = pool_take_object(pool), *again;

    assert_int_equal(first->words[0] | first->words[7], 0);
    memset(first, 0xff, sizeof *first);
    pool_give_object(pool, first);
    assert_int_equal(pool->objects_used, 0);
    again = pool_take_object(pool);
    assert_ptr_equal(again, first);
    assert_int_equal(again->words[0] | again->words[7], 0);
    assert_int_equal(pool->objects_used, 1);
    pool_give_object(pool, again);
}

static void spare_objects_are_bounded(void **state)
{
    struct pool *pool = *state;
    static struct object *objects[POOL_OBJECTS_MAX + 10];

    for (unsigned i = 0; i < POOL_OBJECTS_MAX + 10; i++)
        objects[i] = pool_take_object(pool);
    for (unsigned i = 0; i < POOL_OBJECTS_MAX + 10; i++)
        pool_give_object(pool, objects[i]);
    assert_int_equal(pool->objects_spare, POOL_OBJECTS_MAX);
}

static void buffers_are_reused(void **state)
{
    struct pool *pool = *state;
    void *first = pool_take_buffer(pool, 8 * KIB);

    assert_int_equal(pool->used, 8 * KIB);
    pool_give_buffer(pool, first, 8 * KIB);
    assert_int_equal(pool->used, 0);
    assert_int_equal(pool->spare, 8 * KIB);
    assert_ptr_equal(pool_take_buffer(pool, 8 * KIB), first);
    assert_int_equal(pool->spare, 0);
    pool_give_buffer(pool, first, 8 * KIB);
    pool_give_buffer(pool, NULL, 8 * KIB);
    assert_int_equal(pool->spare, 8 * KIB);
}

static void huge_buffers_are_not_kept(void **state)
{
    struct pool *pool = *state;

    give(pool, 2 * MIB + 4 * KIB, 1);
    assert_int_equal(pool->spare, 0);
    assert_int_equal(pool->used, 0);
}

static void trimming_keeps_a_little(void **state)
{
    struct pool *pool = *state;

    give(pool, 256 * KIB, 3);
    give(pool, 16 * KIB, 8);
    assert_int_equal(pool->spare, 3 * 256 * KIB + 8 * 16 * KIB);
    pool_trim(pool);
    assert_int_equal(pool->spare, KEEP); /* of the small ones */
    pool_trim(pool);
    assert_int_equal(pool->spare, KEEP);
}

/* Spare buffers of another size go before the limit is exceeded, and no sooner.
 */
static void spare_memory_is_given_up(void **state)
{
    struct pool *pool = *state;
    void *buffer;

    give(pool, 512 * KIB, 8); /* the limit is 4 MiB */
    assert_int_equal(pool->spare, LIMIT);
    buffer = pool_take_buffer(pool, MIB);
    assert_int_equal(pool->used, MIB);
    assert_int_equal(pool->spare, LIMIT - MIB);
    pool_charge(pool, MIB);
    pool_fit(pool, MIB);
    assert_int_equal(pool->spare, LIMIT - 3 * MIB);
    pool_discharge(pool, MIB);
    pool_give_buffer(pool, buffer, MIB);
}

static void reserved_memory_stays(void **state)
{
    struct pool *pool = *state;

    assert_int_equal(pool_reserve(pool, 3, 100 * KIB), 0);
    assert_int_equal(pool->objects_spare, 3);
    assert_int_equal(pool->spare, 3 * 128 * KIB);
    assert_int_equal(pool_capacity(pool, 1), 128 * KIB);
    give(pool, pool_capacity(pool, 512), 3);
    pool->limit = 0;
    pool_fit(pool, MIB);
    pool_trim(pool);
    assert_int_equal(pool->spare, 3 * 128 * KIB);
}

/* ---- spare memory elsewhere ---------------------------------------------- */

static unsigned elsewhere; /* pieces of 64 KiB */

static size_t discard(void *arg)
{
    assert_ptr_equal(arg, &elsewhere);
    if (elsewhere == 0)
        return 0;
    elsewhere--;
    return 64 * KIB;
}

static void spare_memory_elsewhere_goes_first(void **state)
{
    struct pool *pool = *state;

    pool->discard = discard;
    pool->arg = &elsewhere;
    elsewhere = 2;
    pool->spare += 2 * 64 * KIB;
    give(pool, 64 * KIB, 2);
    assert_int_equal(pool->spare, 4 * 64 * KIB);
    pool->keep = 3 * 64 * KIB;
    pool_trim(pool);
    assert_int_equal(elsewhere, 1);
    pool->keep = 64 * KIB;
    pool_trim(pool);
    assert_int_equal(elsewhere, 0);
    assert_int_equal(pool->spare, 64 * KIB);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(capacities_are_powers_of_two),
        TEST(objects_are_reused_and_zeroed),
        TEST(spare_objects_are_bounded),
        TEST(buffers_are_reused),
        TEST(huge_buffers_are_not_kept),
        TEST(trimming_keeps_a_little),
        TEST(spare_memory_is_given_up),
        TEST(reserved_memory_stays),
        TEST(spare_memory_elsewhere_goes_first),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
