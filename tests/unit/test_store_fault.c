/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store that fails on demand.
 */
#include "tests/unit/stores.h"

static uint8_t data[16 * 512];

static int setup(void **state)
{
    (void)state;
    place_open("/dev/shm");
    assert_int_equal(truncate(place.path, 64 * 512), 0);
    assert_int_equal(place_store(&(struct store_file_options){0}), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    place_close();
    return 0;
}

static void wrap(const char *spec)
{
    struct store *inner = place.store;

    assert_int_equal(store_fault_open(&place.store, inner, spec, place.loop),
                     0);
    assert_int_equal(place.store->size, inner->size);
}

static void specifications(void **state)
{
    static const char *const good[] = {"read-error=7", "write-error=0-9",
                                       "flush-error", "delay=0.5",
                                       "trim-error=1,delay=1,read-error=0x10"};
    static const char *const bad[] = {"",
                                      "read-error",
                                      "read-error=",
                                      "read-error=9-7",
                                      "read-error=-7",
                                      "write-error=1x",
                                      "flush-error=1",
                                      "delay=x",
                                      "delay=0",
                                      "slow",
                                      "read-error=1,what"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(store_fault_check(good[i]), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(store_fault_check(bad[i]), -EINVAL);
}

static void bad_sectors(void **state)
{
    struct store_op op;

    (void)state;
    wrap("read-error=10-11,write-error=20");
    assert_int_equal(run_one(&op, STORE_READ, 0, 10, data), 0);
    assert_int_equal(run_one(&op, STORE_READ, 12, 4, data), 0);
    assert_int_equal(run_one(&op, STORE_READ, 8, 8, data), -EIO);
    assert_int_equal(op.done, 2 * 512);
    assert_int_equal(run_one(&op, STORE_READ, 11, 2, data), -EIO);
    assert_int_equal(op.done, 0);
    assert_int_equal(run_one(&op, STORE_VERIFY, 0, 16, NULL), -EIO);
    assert_int_equal(op.done, 10 * 512);
    memset(data, 5, sizeof data);
    assert_int_equal(run_one(&op, STORE_WRITE, 10, 2, data), 0);
    assert_int_equal(run_one(&op, STORE_WRITE, 19, 2, data), -EIO);
    assert_int_equal(op.done, 512);
    memset(data, 0, sizeof data);
    assert_int_equal(run_one(&op, STORE_READ, 19, 2, data), 0);
    assert_int_equal(data[511], 5); /* what came before was written */
    assert_int_equal(data[512], 0);
}

static void failing_flush(void **state)
{
    struct store_op op;

    (void)state;
    wrap("flush-error");
    assert_int_equal(run_one(&op, STORE_FLUSH, 0, 0, NULL), -EIO);
    assert_int_equal(run_one(&op, STORE_WRITE, 0, 1, data), 0);
}

/* Delayed operations come back, all of them, in the order of their ends. */
static void delay(void **state)
{
    struct store_op ops[3];
    uint64_t before = clock_ns();

    (void)state;
    wrap("delay=0.02");
    for (unsigned i = 0; i < 3; i++)
        add_op(&ops[i], STORE_READ, i * 4, 2, data + i * 1024);
    place_run();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ops[i].result, 0);
    assert_true(clock_ns() - before >= 20 * NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(specifications, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_sectors, setup, teardown),
        cmocka_unit_test_setup_teardown(failing_flush, setup, teardown),
        cmocka_unit_test_setup_teardown(delay, setup, teardown),
    };

    return cmocka_run_group_tests_name("store fault", tests, NULL, NULL);
}
