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

#include "target/protocol/exchange.h"
#include "target/protocol/reply_cache.h"
#include "target/protocol/tag_record.h"

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
    other = key, other.sample++;
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

/* ---- the sample, and who is trusted with it -------------------------------
 */

static void every_sector_is_sampled(void **state)
{
    uint8_t data[4 * AOE_SECTOR + 1] = {0};
    uint32_t zero = reply_cache_sample(data, 4 * AOE_SECTOR);

    (void)state;
    for (unsigned at = 0; at < 4 * AOE_SECTOR; at += AOE_SECTOR) {
        data[at + 15] = 1;
        assert_true(reply_cache_sample(data, 4 * AOE_SECTOR) != zero);
        data[at + 15] = 0;
    }
    /* It is the same wherever the data lies in memory. */
    data[1] = 7;
    zero = reply_cache_sample(data + 1, 4 * AOE_SECTOR);
    memmove(data, data + 1, 4 * AOE_SECTOR);
    assert_int_equal(reply_cache_sample(data, 4 * AOE_SECTOR), zero);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Each bit that it looks at; each byte that all may have; two that change
 * alike; two sectors that change places. */
static void samples_differ(void **state)
{
    enum { BITS = 4 * 16 * 8, BYTES = 256, SEEN = BITS + BYTES + 6 + 2 };
    uint8_t data[4 * AOE_SECTOR] = {0};
    uint32_t seen[SEEN], *next = seen;

    (void)state;
    for (unsigned i = 0; i < BITS; i++) {
        uint8_t *at = data + i / 128 * AOE_SECTOR + i % 128 / 8;

        *at = (uint8_t)(1 << i % 8);
        *next++ = reply_cache_sample(data, sizeof data);
        *at = 0;
    }
    for (unsigned i = 0; i < BYTES; i++) {
        memset(data, (int)i, sizeof data);
        *next++ = reply_cache_sample(data, sizeof data);
    }
    for (unsigned i = 0; i < 6; i++) {
        unsigned one = i % 3, two = i < 3 ? 3 : (one + 1) % 3;

        memset(data, 0, sizeof data);
        memset(data + one * AOE_SECTOR, 0xff, 8);
        memset(data + two * AOE_SECTOR, 0xff, 8);
        *next++ = reply_cache_sample(data, sizeof data);
    }
    memset(data, 0, sizeof data);
    data[AOE_SECTOR] = 7;
    data[2 * AOE_SECTOR] = 9;
    *next++ = reply_cache_sample(data, sizeof data);
    data[AOE_SECTOR] = 9;
    data[2 * AOE_SECTOR] = 7;
    *next++ = reply_cache_sample(data, sizeof data);
    assert_ptr_equal(next, seen + SEEN);
    qsort(seen, SEEN, sizeof seen[0], by_value);
    for (unsigned i = 1; i < SEEN; i++)
        assert_true(seen[i] != seen[i - 1]);
}

/* A write of two sectors to one of four places, with data that its sample does
 * not tell from any other. */
static struct reply_cache_key hidden_write(uint32_t tag, uint32_t number)
{
    static uint8_t data[2 * AOE_SECTOR];
    struct exchange x = {
        .header = {.src = {{2, 0, 0, 0, 0, 1}}, .tag = tag},
        .ata = {.command = 0x34,
                .count = 2,
                .lba = number % 4,
                .data = data,
                .data_len = sizeof data},
    };

    struct reply_cache_key key;

    memcpy(data + 100, &number, sizeof number);
    reply_cache_key_of(&key, cache, &x);
    return key;
}

/* Writes of which each is new, and must not be taken for a copy.  `tags` are
 * used in turn, 0: never again.  Returns how many were remembered by their
 * sample alone. */
static unsigned write_on(uint32_t tags, uint32_t count)
{
    unsigned sampled = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct reply_cache_key key = hidden_write(tags ? i % tags : i, i);

        assert_null(reply_cache_find(cache, &key, START + i));
        add(&key, START + i);
        assert_non_null(reply_cache_find(cache, &key, START + i));
        sampled += !key.sum;
    }
    return sampled;
}

/* However many tags a client has, as long as the cache holds a write that a
 * later one could be taken for a copy of. */
static void few_tags_are_never_trusted(void **state)
{
    static const uint32_t tags[] = {1,   2,   3,   16,   31,   64,
                                    128, 256, 512, 1000, 2000, 4000};

    (void)state;
    for (unsigned i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        reply_cache_free(cache);
        cache = reply_cache_new();
        assert_non_null(cache);
        write_on(tags[i], 40000);
    }
}

static void counted_tags_are_trusted(void **state)
{
    (void)state;
    assert_int_equal(write_on(0, 2 * TAG_RECORD_PROOF), TAG_RECORD_PROOF);
}

/* An original that was summed, and a copy that is only sampled. */
static void a_copy_is_found_across_the_proof(void **state)
{
    struct reply_cache_key last, copy;

    (void)state;
    write_on(0, TAG_RECORD_PROOF - 1);
    last = hidden_write(TAG_RECORD_PROOF, 3);
    assert_true(last.sum);
    add(&last, START);
    copy = hidden_write(TAG_RECORD_PROOF, 3);
    assert_false(copy.sum);
    assert_non_null(reply_cache_find(cache, &copy, START));
}

static void trust_ends_with_a_tag_used_again(void **state)
{
    struct reply_cache_key key;

    (void)state;
    write_on(0, TAG_RECORD_PROOF);
    key = hidden_write(TAG_RECORD_PROOF - 1, TAG_RECORD_PROOF);
    add(&key, START + TAG_RECORD_PROOF);
    assert_true(hidden_write(1, 1).sum);
}

static void other_clients_are_not_trusted(void **state)
{
    struct tag_record t = {0};
    struct aoe_mac mac = {{2, 0, 0, 0, 0, 0}};

    (void)state;
    assert_false(tag_record_proved(&t, &mac));
    for (unsigned i = 0; i < TAG_RECORD_PROOF; i++)
        tag_record_write(&t, &mac, false);
    assert_true(tag_record_proved(&t, &mac));
    for (mac.b[5] = 1; mac.b[5] < TAG_RECORD_CLIENTS; mac.b[5]++) {
        assert_false(tag_record_proved(&t, &mac));
        tag_record_write(&t, &mac, false);
    }
    mac.b[5] = 0;
    assert_true(tag_record_proved(&t, &mac));
    mac.b[5] = TAG_RECORD_CLIENTS;
    tag_record_write(&t, &mac, false);
    mac.b[5] = 0;
    assert_false(tag_record_proved(&t, &mac));
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
        cmocka_unit_test(every_sector_is_sampled),
        cmocka_unit_test(samples_differ),
        cmocka_unit_test_setup_teardown(few_tags_are_never_trusted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(counted_tags_are_trusted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_copy_is_found_across_the_proof, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(trust_ends_with_a_tag_used_again, setup,
                                        teardown),
        cmocka_unit_test(other_clients_are_not_trusted),
        cmocka_unit_test(without_memory_nothing_is_kept),
    };

    return cmocka_run_group_tests_name("reply cache", tests, NULL, NULL);
}
