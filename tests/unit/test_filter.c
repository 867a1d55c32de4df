/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The link filter's BPF, run on chosen and random frames of every length, and
 * compared with the filter's meaning and with libpcap's interpreter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#ifdef HAVE_PCAP
#include <pcap/pcap.h>
#endif

#include "base/bytes.h"
#include "tests/lib/bpf.h"
#include "tests/lib/exact.h"
#include "wire/filter.h"

static const struct link_filter filters[] = {
    {.responses = true},
    {.responses = true, .tag_mask = 0x80000000, .tag_value = 0x80000000},
    {.responses = true, .tag_mask = 0xff000000, .tag_value = 0xa5000000},
    {.responses = true, .tag_mask = 0xffffffff, .tag_value = 0xdeadbeef},
    {.responses = false},
    {.responses = false, .one_addr = true, .addr = {1, 2}},
    {.responses = false, .one_addr = true, .addr = {0xfffe, 0xfe}},
    {.responses = false, .one_addr = true, .addr = {0, 0}},
    {.responses = true,
     .tag_mask = 0xff000000,
     .tag_value = 0xa5000000,
     .one_addr = true,
     .addr = {1, 2}},
    {.responses = true, .one_addr = true, .addr = {1, 2}},
};

enum { FILTERS = sizeof(filters) / sizeof(filters[0]) };

/* The meaning of struct link_filter, in plain C. */
static bool wanted(const struct link_filter *f, const uint8_t *frame,
                   size_t len)
{
    uint32_t tag;

    if (len < 15 || get_be16(frame + 12) != AOE_ETHERTYPE)
        return false;
    if (f->one_addr && !f->responses && len >= 19 && frame[15] == 0 &&
        get_be16(frame + 16) == f->addr.shelf && frame[18] == f->addr.slot)
        return true;
    if (f->responses != !!(frame[14] & AOE_FLAG_RESPONSE))
        return false;
    if (f->responses && f->tag_mask) {
        if (len < 24)
            return false;
        tag = get_be32(frame + 20);
        if (tag != 0 && (tag & f->tag_mask) != f->tag_value)
            return false;
    }
    if (f->one_addr)
        return len >= 19 &&
               aoe_addr_matches(
                   (struct aoe_addr){get_be16(frame + 16), frame[18]}, f->addr);
    return true;
}

static bool machines_agree(const struct link_filter *f, const uint8_t *frame,
                           size_t len)
{
    struct filter_program p;
    bool ours;

    filter_compile(f, false, &p);
    ours = bpf_run(&p, frame, len, BPF_HOST);
#ifdef HAVE_PCAP
    assert_true(bpf_validate((void *)p.insn, (int)p.count));
    assert_int_equal(
        !!bpf_filter((void *)p.insn, frame, (unsigned)len, (unsigned)len),
        ours);
#endif
    /* A packet socket is bound to the EtherType. */
    if (len < 14 || get_be16(frame + 12) != AOE_ETHERTYPE)
        return ours;
    filter_compile(f, true, &p);
    assert_true(p.count <= FILTER_MAX);
    assert_int_equal(!!bpf_run(&p, frame, len, BPF_HOST), ours);
    assert_int_equal(!!bpf_run(&p, frame, len, BPF_BROADCAST), ours);
    assert_int_equal(!!bpf_run(&p, frame, len, BPF_MULTICAST), ours);
    assert_false(bpf_run(&p, frame, len, BPF_OTHERHOST));
    assert_false(bpf_run(&p, frame, len, BPF_OUTGOING));
    return ours;
}

static void build(uint8_t frame[60], uint8_t flags, struct aoe_addr addr,
                  uint32_t tag)
{
    struct aoe_header h = {
        .dst = aoe_mac_broadcast,
        .version = AOE_VERSION,
        .flags = flags,
        .addr = addr,
        .tag = tag,
    };

    aoe_pad(frame, aoe_header_build(frame, &h));
}

static bool passes(const struct link_filter *f, uint8_t flags,
                   struct aoe_addr addr, uint32_t tag)
{
    uint8_t frame[60];

    build(frame, flags, addr, tag);
    return machines_agree(f, frame, sizeof(frame));
}

static void responses(void **state)
{
    const struct link_filter *any = &filters[0];
    const struct link_filter *user = &filters[1];
    const struct link_filter *ours = &filters[2];
    const struct aoe_addr disk = {1, 2};
    const uint8_t r = AOE_FLAG_RESPONSE;

    (void)state;
    assert_true(passes(any, r, disk, 0x12345678));
    assert_false(passes(any, 0, disk, 0x12345678));
    assert_true(passes(any, r | AOE_FLAG_ERROR, disk, 1));
    assert_false(passes(any, AOE_FLAG_ERROR, disk, 1));
    /* The Linux driver's replies have bit 31 clear. */
    assert_false(passes(user, r, disk, 0x7fffffff));
    assert_true(passes(user, r, disk, 0x80000000));
    assert_true(passes(ours, r, disk, 0xa5000001));
    assert_false(passes(ours, r, disk, 0xa4ffffff));
    assert_false(passes(ours, 0, disk, 0xa5000001));
    /* Announcements. */
    assert_true(passes(ours, r, disk, 0));
    assert_true(passes(user, r, disk, 0));
}

static void responses_of_one_disk(void **state)
{
    const struct link_filter one = {.responses = true,
                                    .tag_mask = 0xff000000,
                                    .tag_value = 0xa5000000,
                                    .one_addr = true,
                                    .addr = {1, 2}};
    const struct aoe_addr same = {1, 2}, other = {1, 3};

    (void)state;
    assert_true(passes(&one, AOE_FLAG_RESPONSE, same, 0xa5000001));
    assert_true(passes(&one, AOE_FLAG_RESPONSE, same, 0));
    assert_false(passes(&one, AOE_FLAG_RESPONSE, same, 0xa4000001));
    assert_false(passes(&one, AOE_FLAG_RESPONSE, other, 0xa5000001));
    assert_false(passes(&one, AOE_FLAG_RESPONSE, other, 0));
}

static void requests(void **state)
{
    const struct link_filter *any = &filters[4];
    const struct link_filter *one = &filters[5];

    (void)state;
    assert_true(passes(any, 0, (struct aoe_addr){7, 7}, 1));
    assert_false(passes(any, AOE_FLAG_RESPONSE, (struct aoe_addr){7, 7}, 1));
    assert_true(passes(one, 0, (struct aoe_addr){1, 2}, 1));
    assert_true(passes(one, 0, (struct aoe_addr){0xffff, 0xff}, 1));
    assert_true(passes(one, 0, (struct aoe_addr){1, 0xff}, 1));
    assert_true(passes(one, 0, (struct aoe_addr){0xffff, 2}, 1));
    assert_false(passes(one, 0, (struct aoe_addr){1, 3}, 1));
    assert_false(passes(one, 0, (struct aoe_addr){2, 2}, 1));
    assert_false(passes(one, 0, (struct aoe_addr){0x0102, 2}, 1));
    /* A response can have this address only if another disk has it, too; the
     * target drops it. */
    assert_true(passes(one, AOE_FLAG_RESPONSE, (struct aoe_addr){1, 2}, 1));
    assert_false(passes(one, AOE_FLAG_RESPONSE, (struct aoe_addr){1, 3}, 1));
    assert_false(passes(one, AOE_FLAG_RESPONSE, (struct aoe_addr){1, 0xff}, 1));
}

/* A target must see other versions, to answer that it does not support them. */
static void versions(void **state)
{
    uint8_t frame[60];

    (void)state;
    build(frame, 0, (struct aoe_addr){1, 2}, 1);
    for (unsigned version = 0; version < 16; version++) {
        frame[14] = (uint8_t)(version << 4);
        assert_true(machines_agree(&filters[5], frame, sizeof(frame)));
    }
}

static void other_protocols(void **state)
{
    uint8_t frame[60];

    (void)state;
    build(frame, 0, (struct aoe_addr){1, 2}, 1);
    put_be16(frame + 12, 0x8100);
    assert_false(machines_agree(&filters[4], frame, sizeof(frame)));
    put_be16(frame + 12, 0x0800);
    assert_false(machines_agree(&filters[4], frame, sizeof(frame)));
}

/* A small generator is enough: it only has to reach every branch. */
static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void random_frames(void **state)
{
    static const uint8_t shelves[] = {0, 1, 2, 0xfe, 0xff};
    uint32_t seed = 1;
    unsigned passed[FILTERS] = {0};

    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint8_t frame[60];
        size_t len = draw(&seed) % (sizeof(frame) + 1);
        uint8_t *copy;

        for (size_t i = 0; i < sizeof(frame); i++)
            frame[i] = (uint8_t)draw(&seed);
        if (draw(&seed) % 8)
            put_be16(frame + 12, AOE_ETHERTYPE);
        for (unsigned i = 16; i < 19; i++)
            if (draw(&seed) % 4)
                frame[i] = shelves[draw(&seed) % sizeof(shelves)];
        if (draw(&seed) % 4 == 0)
            put_be32(frame + 20, 0);
        if (draw(&seed) % 4 == 0)
            put_be32(frame + 20, 0xdeadbeef);
        copy = exact_copy(frame, len);
        for (unsigned i = 0; i < FILTERS; i++) {
            bool w = wanted(&filters[i], copy, len);

            if (machines_agree(&filters[i], copy, len) != w)
                fail_msg("filter %u, round %d: should %spass", i, round,
                         w ? "" : "not ");
            passed[i] += w;
        }
        free(copy);
    }
    for (unsigned i = 0; i < FILTERS; i++)
        assert_true(passed[i] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses),
        cmocka_unit_test(responses_of_one_disk),
        cmocka_unit_test(requests),
        cmocka_unit_test(versions),
        cmocka_unit_test(other_protocols),
        cmocka_unit_test(random_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
