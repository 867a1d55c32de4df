/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which clients are told that acknowledged writes in the cache of the target's
 * disk are lost, and by which reply.
 */
#include "tests/unit/failing_medium.h"

static void each_writer_is_told_once(void **state)
{
    (void)state;
    write_one(1, 1, 10);
    write_one(2, 2, 11);
    assert_true(good(1) && good(2));
    flush_one(4, 3);
    assert_true(good(3)); /* settled: all of it is on the medium */
    medium.bad[12] = true;
    write_one(1, 4, 12);
    write_one(2, 5, 13);
    assert_true(good(4) && good(5));
    flush_one(1, 6);
    assert_false(good(6));
    flush_one(2, 7);
    flush_one(3, 8); /* wrote nothing */
    assert_false(good(7));
    assert_true(good(8));
    flush_one(1, 9);
    flush_one(2, 10);
    assert_true(good(9) && good(10));
    assert_int_equal(announced, 1);
}

static void a_commit_takes_no_error(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    write_one(2, 2, 13);
    turn();
    disk_commit(&disk);
    turn();
    assert_int_equal(medium.flushes, 1);
    assert_true(epochs_untold(&disk.epochs));
    flush_one(1, 3);
    flush_one(2, 4);
    assert_false(good(3));
    assert_false(good(4));
    assert_false(epochs_untold(&disk.epochs));
}

static void flush_for_an_epoch(void **state)
{
    (void)state;
    write_one(1, 1, 12);
    assert_true(good(1));
    ask((struct ask){1, 2, ATA_FLUSH_CACHE_EXT, 77, 0xae, 0});
    assert_true(good(2));
    ask((struct ask){1, 3, ATA_FLUSH_CACHE_EXT, 78, 0xae, 0});
    assert_false(good(3));
    assert_int_equal(answer[3].lba, 77);
    medium.bad[12] = true;
    write_one(1, 4, 12);
    assert_true(good(4));
    ask((struct ask){1, 5, ATA_FLUSH_CACHE_EXT, 77, 0xae, 0});
    assert_false(good(5));
    assert_int_not_equal(disk.export.vendor.epoch, 77);
    assert_int_equal(answer[5].lba, disk.export.vendor.epoch);
    /* A client that knows the new epoch need not be told again. */
    ask((struct ask){1, 6, ATA_FLUSH_CACHE_EXT, disk.export.vendor.epoch, 0xae,
                     0});
    assert_true(good(6));
}

static void a_trim_is_a_write(void **state)
{
    (void)state;
    medium.bad[12] = true;
    ask((struct ask){1, 1, ATA_DATA_SET_MANAGEMENT, 12, ATA_FEATURE_TRIM, 0});
    assert_true(good(1));
    disk_commit(&disk);
    turn();
    flush_one(1, 2);
    assert_false(good(2));
    disk.export.write_cache = false;
    ask((struct ask){1, 3, ATA_DATA_SET_MANAGEMENT, 12, ATA_FEATURE_TRIM, 0});
    assert_false(good(3));
}

/* Its ranges may differ in length. */
static void a_copy_of_a_trim_is_answered(void **state)
{
    (void)state;
    for (unsigned copy = 0; copy < 2; copy++) {
        answered[1] = false;
        ask((struct ask){1, 1, ATA_DATA_SET_MANAGEMENT, 12, ATA_FEATURE_TRIM,
                         10});
        assert_true(good(1));
        assert_int_equal(disk.export.counts[COUNT_COPIES], copy);
    }
}

static void a_reopened_disk_remembers(void **state)
{
    struct epochs kept;

    (void)state;
    write_one(1, 1, 12);
    assert_true(good(1));
    disk_abandon(&disk);
    epochs_init(&kept);
    epochs_inherit(&kept, &disk.epochs);
    flush_one(1, 2);
    assert_true(good(2));
    epochs_inherit(&disk.epochs, &kept);
    flush_one(1, 3);
    assert_false(good(3));
}

/* With two flushes, nobody knows which answer the client evaluates. */
static void every_flush_in_progress_reports(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    assert_true(good(1));
    medium.hang = true;
    flush_one(1, 2);
    turn();
    flush_one(1, 3); /* waits for a sync of its own, which succeeds */
    flush_one(2, 4);
    medium.hang = false;
    let_go(0);
    assert_false(good(2));
    assert_false(good(3));
    assert_true(good(4)); /* somebody else's */
    flush_one(1, 5);
    assert_true(good(5));
}

/* The answer that reported the loss may not have arrived. */
static void a_copy_of_a_failed_flush_fails(void **state)
{
    (void)state;
    medium.bad[12] = true;
    write_one(1, 1, 12);
    assert_true(good(1));
    flush_one(1, 2);
    assert_false(good(2));
    answered[2] = false;
    flush_one(1, 2);
    assert_false(good(2));
    disk.export.vendor.epoch = 77;
    ask((struct ask){1, 3, ATA_FLUSH_CACHE_EXT, 77, 0xae, 0});
    assert_true(good(3));
}

/* The client has its answer, and waits for no other. */
static void a_copy_of_a_good_flush_reports_nothing(void **state)
{
    (void)state;
    flush_one(1, 1);
    assert_true(good(1));
    medium.bad[12] = true;
    write_one(1, 2, 12);
    assert_true(good(2));
    answered[1] = false;
    flush_one(1, 1);
    assert_false(good(1));
    flush_one(1, 3);
    assert_false(good(3));
    flush_one(1, 4);
    assert_true(good(4));
}

/* The client is told of the loss first, and takes what is answered afterwards
 * for newer. */
static void a_write_in_progress_is_repeated(void **state)
{
    struct store_op *late;

    (void)state;
    medium.hang = true;
    write_one(1, 1, 12);
    turn();
    late = list_entry(medium.held.next, struct store_op, link);
    put(&medium, late); /* in the cache, but not complete */
    medium.bad[12] = true;
    medium.hang = false;
    flush_one(1, 2);
    assert_false(answered[2]); /* behind the write */
    disk_commit(&disk);
    write_one(2, 3, 13);
    assert_true(good(3));
    disk_commit(&disk);
    turn(); /* loses sector 12 */
    medium.bad[12] = false;
    list_remove(&late->link);
    late->result = 0;
    late->done = late->length;
    late->complete(late);
    assert_true(good(1));
    assert_false(good(2));
    flush_one(1, 4);
    assert_true(good(4));
    assert_int_equal(medium.kept[12], 1);
}

/* The device has come back.  The old store must be left in peace until its last
 * operation has ended, and only then closed; new ones wait. */
static void a_busy_store_is_not_exchanged(void **state)
{
    static struct medium other;

    (void)state;
    other = medium;
    list_init(&other.held);
    medium.hang = true;
    write_one(1, 1, 0);
    turn();
    disk_exchange_store(&disk, &other.store);
    write_one(1, 2, 8);
    turn();
    assert_ptr_equal(disk.store, &medium.store);
    let_go(0);
    assert_true(good(1));
    assert_ptr_equal(disk.store, &other.store);
    assert_true(good(2));
    assert_int_equal(other.cache[8], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_writer_is_told_once),
        TEST(a_commit_takes_no_error),
        TEST(flush_for_an_epoch),
        TEST(a_trim_is_a_write),
        TEST(a_copy_of_a_trim_is_answered),
        TEST(a_reopened_disk_remembers),
        TEST(every_flush_in_progress_reports),
        TEST(a_copy_of_a_failed_flush_fails),
        TEST(a_copy_of_a_good_flush_reports_nothing),
        TEST(a_write_in_progress_is_repeated),
        TEST(a_busy_store_is_not_exchanged),
    };

    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
