/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Durable writes on the target's disk: whose failure a sync reports, and that
 * one sync serves many.
 */
#include "tests/unit/failing_medium.h"

static void a_durable_neighbour_takes_no_error(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    assert_true(good(1));
    write_back(&medium, 0, SECTORS); /* when memory is short */
    ask((struct ask){2, 2, ATA_WRITE_DMA_FUA_EXT, 20, 0, 7});
    assert_true(good(2));
    assert_int_equal(medium.kept[20], 7);
    flush_one(1, 3);
    assert_false(good(3));
    flush_one(1, 4);
    assert_true(good(4));
}

static void a_durable_request_reports_to_its_own_client(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    assert_true(good(1));
    write_back(&medium, 0, SECTORS);
    ask((struct ask){1, 2, ATA_WRITE_DMA_FUA_EXT, 20, 0, 7});
    assert_false(good(2));
    flush_one(1, 3);
    assert_true(good(3));
}

/* Many at once with the cache off, of which some fail. */
static void which_of_the_durable_writes_fails(void **state)
{
    (void)state;
    disk.export.write_cache = false;
    medium.bad[3] = medium.bad[9] = true;
    for (uint32_t tag = 0; tag < 15; tag++)
        write_one(1, tag, tag);
    turn();
    for (uint32_t tag = 0; tag < 15; tag++) {
        assert_int_equal(good(tag), tag != 3 && tag != 9);
        if (good(tag))
            assert_int_equal(medium.kept[tag], (uint8_t)tag);
    }
    assert_int_equal(announced, 0); /* nothing that was answered is lost */
}

/* One flush for all of them, and none for a write on its own. */
static void durable_writes_share_a_flush(void **state)
{
    (void)state;
    disk.export.write_cache = false;
    for (uint32_t tag = 0; tag < 15; tag++)
        write_one(1, tag, tag);
    assert_true(good(14));
    assert_int_equal(medium.flushes, 1);
    assert_int_equal(medium.durable, 0);
    write_one(1, 20, 20);
    assert_true(good(20));
    assert_int_equal(medium.flushes, 1);
    assert_int_equal(medium.durable, 1);
}

/* If a durable write was in the cache when another's flush failed, the failure
 * may have been its own. */
static void a_write_in_progress_is_repeated(void **state)
{
    struct store_op *late;

    (void)state;
    disk.export.write_cache = false;
    medium.hang = true;
    flush_one(2, 1);
    turn();
    medium.bad[5] = true;
    write_one(1, 2, 5);
    turn();
    /* The write reaches the cache, but its completion comes later. */
    late = list_entry(medium.held.next->next, struct store_op, link);
    put(&medium, late);
    let_go(0); /* the flush writes it back, and fails */
    assert_false(good(1));
    medium.hang = false;
    list_remove(&late->link);
    late->result = 0;
    late->done = late->length;
    late->complete(late);
    assert_false(good(2));
}

/* Clients beyond those that can be remembered lose nothing either. */
static void a_client_too_many_writes_durably(void **state)
{
    (void)state;
    for (uint32_t tag = 1000; tag < 1000 + EPOCHS_CLIENTS; tag++) {
        write_one(0, tag, tag % SECTORS);
        assert_true(good(tag));
    }
    assert_int_equal(medium.durable, 0);
    write_one(1, 1, 5);
    assert_true(good(1));
    assert_int_equal(medium.durable, 1);
    flush_one(1, 2);
    assert_true(good(2));
    write_one(1, 3, 5);
    assert_true(good(3));
    assert_int_equal(medium.durable, 1); /* now there is room */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_durable_neighbour_takes_no_error),
        TEST(a_durable_request_reports_to_its_own_client),
        TEST(which_of_the_durable_writes_fails),
        TEST(durable_writes_share_a_flush),
        TEST(a_write_in_progress_is_repeated),
        TEST(a_client_too_many_writes_durably),
    };

    return cmocka_run_group_tests_name("durable writes", tests, NULL, NULL);
}
