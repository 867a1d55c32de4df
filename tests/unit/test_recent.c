/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which requests are taken for copies of a recent write.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/protocol/recent.h"

#define START (100 * NS_PER_S)

static struct recent *recent;

static int setup(void **state)
{
    (void)state;
    recent = recent_new();
    return recent ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    recent_free(recent);
    return 0;
}

static struct recent_key write_key(uint32_t tag)
{
    static const uint8_t data[512] = "data";

    return (struct recent_key){
        .client = {{2, 0, 0, 0, 0, 1}},
        .command = 0x34,
        .count = 1,
        .tag = tag,
        .lba = 7,
        .sum = recent_sum(data, sizeof data),
    };
}

static void add(const struct recent_key *key, uint64_t now)
{
    recent_add(recent, key, (struct recent_outcome){0, 512}, now);
}

static void a_copy_is_found(void **state)
{
    struct recent_key key = write_key(1);
    const struct recent_outcome *o;

    (void)state;
    assert_null(recent_find(recent, &key, START));
    recent_add(recent, &key, (struct recent_outcome){-ENOSPC, 1024}, START);
    o = recent_find(recent, &key, START + NS_PER_S);
    assert_non_null(o);
    assert_int_equal(o->result, -ENOSPC);
    assert_int_equal(o->done, 1024);
}

static void every_part_of_the_key_counts(void **state)
{
    struct recent_key key = write_key(1), other;

    (void)state;
    add(&key, START);
    other = key, other.client.b[5]++;
    assert_null(recent_find(recent, &other, START));
    other = key, other.command = 0x3d;
    assert_null(recent_find(recent, &other, START));
    other = key, other.count++;
    assert_null(recent_find(recent, &other, START));
    other = key, other.tag++;
    assert_null(recent_find(recent, &other, START));
    other = key, other.lba++;
    assert_null(recent_find(recent, &other, START));
    other = key, other.sum++;
    assert_null(recent_find(recent, &other, START));
    assert_non_null(recent_find(recent, &key, START));
}

static void age_is_bounded(void **state)
{
    struct recent_key key = write_key(1);

    (void)state;
    add(&key, START);
    assert_non_null(recent_find(recent, &key, START + RECENT_NS));
    assert_null(recent_find(recent, &key, START + RECENT_NS + 1));
}

/* A client whose tags are not unique sends A, B, and A again, and means it. */
static void a_tag_used_again_is_no_copy(void **state)
{
    struct recent_key a = write_key(1), b = write_key(1);

    (void)state;
    b.sum++;
    add(&a, START);
    add(&b, START);
    assert_null(recent_find(recent, &a, START));
    assert_non_null(recent_find(recent, &b, START));
    b.lba++;
    add(&b, START);
    assert_null(recent_find(recent, &a, START));
}

/* As from Linux: each write has a tag of its own, and the last ones are known,
 * however many there were. */
static void old_writes_make_room(void **state)
{
    unsigned found = 0;

    (void)state;
    for (uint32_t tag = 0; tag < 100 * RECENT_WRITES; tag++) {
        struct recent_key key = write_key(tag);

        add(&key, START + tag);
        assert_non_null(recent_find(recent, &key, START + tag));
    }
    for (uint32_t back = 1; back <= RECENT_WRITES; back++) {
        struct recent_key key = write_key(100 * RECENT_WRITES - back);
        bool known = recent_find(recent, &key, START + RECENT_NS);

        found += known;
        if (back <= 16)
            assert_true(known);
    }
    /* Tags do not fill the rows evenly; most of the places are of use. */
    assert_in_range(found, RECENT_WRITES / 2, RECENT_WRITES);
}

static void sums_differ(void **state)
{
    uint8_t data[1024] = {0};
    uint64_t zero = recent_sum(data, sizeof data);

    (void)state;
    for (size_t i = 0; i < 8 * sizeof data; i++) {
        data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_true(recent_sum(data, sizeof data) != zero);
        data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(recent_sum(data, 512) != zero);
    data[0] = 1;
    data[8] = 2;
    zero = recent_sum(data, sizeof data);
    data[0] = 2;
    data[8] = 1;
    assert_true(recent_sum(data, sizeof data) != zero);
}

static void without_memory_nothing_is_known(void **state)
{
    struct recent_key key = write_key(1);

    (void)state;
    recent_add(NULL, &key, (struct recent_outcome){0, 512}, START);
    assert_null(recent_find(NULL, &key, START));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(every_part_of_the_key_counts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(age_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tag_used_again_is_no_copy, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(old_writes_make_room, setup, teardown),
        cmocka_unit_test(sums_differ),
        cmocka_unit_test(without_memory_nothing_is_known),
    };

    return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}
