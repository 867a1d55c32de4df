/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which requests are taken for copies of one that the reply cache remembers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "target/protocol/reply_cache.h"

#define START (100 * NS_PER_S)

static struct reply_cache *cache;

static int setup(void **state)
{
    (void)state;
    cache = reply_cache_new();
    return cache ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    reply_cache_free(cache);
    return 0;
}

static struct reply_cache_key write_key(uint32_t tag)
{
    static const uint8_t data[512] = "data";

    return (struct reply_cache_key){
        .client = {{2, 0, 0, 0, 0, 1}},
        .command = 0x34,
        .count = 1,
        .tag = tag,
        .lba = 7,
        .sum = reply_cache_sum(data, sizeof data),
    };
}

static void add(const struct reply_cache_key *key, uint64_t now)
{
    reply_cache_add(cache, key, (struct reply_cache_outcome){0, 512}, now);
}

static void a_copy_is_found(void **state)
{
    struct reply_cache_key key = write_key(1);
    const struct reply_cache_outcome *o;

    (void)state;
    assert_null(reply_cache_find(cache, &key, START));
    reply_cache_add(cache, &key, (struct reply_cache_outcome){-ENOSPC, 1024},
                    START);
    o = reply_cache_find(cache, &key, START + NS_PER_S);
    assert_non_null(o);
    assert_int_equal(o->result, -ENOSPC);
    assert_int_equal(o->done, 1024);
}

static void every_part_of_the_key_counts(void **state)
{
    struct reply_cache_key key = write_key(1), other;

    (void)state;
    add(&key, START);
    other = key, other.client.b[5]++;
    assert_null(reply_cache_find(cache, &other, START));
    other = key, other.command = 0x3d;
    assert_null(reply_cache_find(cache, &other, START));
    other = key, other.count++;
    assert_null(reply_cache_find(cache, &other, START));
    other = key, other.tag++;
    assert_null(reply_cache_find(cache, &other, START));
    other = key, other.lba++;
    assert_null(reply_cache_find(cache, &other, START));
    other = key, other.sum++;
    assert_null(reply_cache_find(cache, &other, START));
    assert_non_null(reply_cache_find(cache, &key, START));
}

static void age_is_bounded(void **state)
{
    struct reply_cache_key key = write_key(1);

    (void)state;
    add(&key, START);
    assert_non_null(reply_cache_find(cache, &key, START + REPLY_CACHE_NS));
    assert_null(reply_cache_find(cache, &key, START + REPLY_CACHE_NS + 1));
}

/* A client whose tags are not unique sends A, B, and A again, and means it. */
static void a_reused_tag_is_no_copy(void **state)
{
    struct reply_cache_key a = write_key(1), b = write_key(1);

    (void)state;
    b.sum++;
    add(&a, START);
    add(&b, START);
    assert_null(reply_cache_find(cache, &a, START));
    assert_non_null(reply_cache_find(cache, &b, START));
    b.lba++;
    add(&b, START);
    assert_null(reply_cache_find(cache, &a, START));
}

/* As from Linux: each write has a tag of its own, and the last ones are known,
 * however many there were. */
static void old_writes_are_evicted(void **state)
{
    unsigned found = 0;

    (void)state;
    for (uint32_t tag = 0; tag < 100 * REPLY_CACHE_WRITES; tag++) {
        struct reply_cache_key key = write_key(tag);

        add(&key, START + tag);
        assert_non_null(reply_cache_find(cache, &key, START + tag));
    }
    for (uint32_t back = 1; back <= REPLY_CACHE_WRITES; back++) {
        struct reply_cache_key key = write_key(100 * REPLY_CACHE_WRITES - back);
        bool known = reply_cache_find(cache, &key, START + REPLY_CACHE_NS);

        found += known;
        if (back <= 16)
            assert_true(known);
    }
    /* Tags do not fill the sets evenly, but most entries are of use. */
    assert_in_range(found, REPLY_CACHE_WRITES / 2, REPLY_CACHE_WRITES);
}

static void sums_differ(void **state)
{
    uint8_t data[1024] = {0};
    uint64_t zero = reply_cache_sum(data, sizeof data);

    (void)state;
    for (size_t i = 0; i < 8 * sizeof data; i++) {
        data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_true(reply_cache_sum(data, sizeof data) != zero);
        data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(reply_cache_sum(data, 512) != zero);
    data[0] = 1;
    data[8] = 2;
    zero = reply_cache_sum(data, sizeof data);
    data[0] = 2;
    data[8] = 1;
    assert_true(reply_cache_sum(data, sizeof data) != zero);
}

static void without_memory_nothing_is_kept(void **state)
{
    struct reply_cache_key key = write_key(1);

    (void)state;
    reply_cache_add(NULL, &key, (struct reply_cache_outcome){0, 512}, START);
    assert_null(reply_cache_find(NULL, &key, START));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(every_part_of_the_key_counts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(age_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reused_tag_is_no_copy, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(old_writes_are_evicted, setup,
                                        teardown),
        cmocka_unit_test(sums_differ),
        cmocka_unit_test(without_memory_nothing_is_kept),
    };

    return cmocka_run_group_tests_name("reply cache", tests, NULL, NULL);
}
