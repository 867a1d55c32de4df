/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The receive buffers of a link: alignment, exhaustion, and growing while
 * frames are out.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/link_backend.h"

/* These tests receive nothing. */
static const struct link_ops no_ops = {.name = "none"};

static void init(struct link *l, unsigned frames, unsigned size, unsigned align,
                 unsigned align_at)
{
    const struct link_options o = {
        .rx_frames = frames, .align = align, .align_at = align_at};

    assert_int_equal(link_init(l, &no_ops, "test0", size, &o), 0);
}

static void fill(struct link_frame *f)
{
    memset(f->data, 0x5a, f->capacity);
    f->len = f->capacity;
    f->age_ns = 1;
}

static void takes_all_and_no_more(void **state)
{
    struct link_frame *frames[5];
    struct link l;

    (void)state;
    init(&l, 5, 1514, 0, 0);
    assert_string_equal(l.ifname, "test0");
    assert_int_equal(l.fd, -1);
    assert_int_equal(l.free_count, 5);
    for (int i = 0; i < 5; i++) {
        frames[i] = link_take(&l);
        assert_non_null(frames[i]);
        assert_int_equal(frames[i]->capacity, 1514);
        assert_false(list_linked(&frames[i]->link));
        fill(frames[i]);
        for (int j = 0; j < i; j++) {
            uint8_t *a = frames[i]->data, *b = frames[j]->data;

            assert_true(a + 1514 <= b || b + 1514 <= a);
        }
    }
    assert_int_equal(l.free_count, 0);
    assert_null(link_take(&l));
    for (int i = 0; i < 5; i++)
        link_release(&l, frames[i]);
    assert_int_equal(l.free_count, 5);
    link_fini(&l);
}

static void default_count(void **state)
{
    struct link l;

    (void)state;
    init(&l, 0, 1514, 0, 0);
    assert_int_equal(l.free_count, LINK_BATCH);
    link_fini(&l);
}

/* A user may have moved data and len: a frame comes out reset. */
static void released_frames_are_reset(void **state)
{
    struct link_frame *f;
    struct link l;
    uint8_t *data;

    (void)state;
    init(&l, 1, 1514, 0, 0);
    f = link_take(&l);
    data = f->data;
    f->data += 36;
    f->capacity -= 36;
    f->len = 3;
    f->age_ns = 4;
    link_release(&l, f);
    f = link_take(&l);
    assert_ptr_equal(f->data, data);
    assert_int_equal(f->capacity, 1514);
    assert_int_equal(f->len, 0);
    assert_int_equal(f->age_ns, 0);
    link_release(&l, f);
    link_fini(&l);
}

static void aligned(unsigned size, unsigned align, unsigned align_at)
{
    struct link_frame *frames[9];
    struct link l;

    init(&l, 9, size, align, align_at);
    for (int i = 0; i < 9; i++) {
        frames[i] = link_take(&l);
        assert_int_equal(((uintptr_t)frames[i]->data + align_at) % align, 0);
        assert_int_equal((uintptr_t)frames[i]->data % AOE_FRAME_ALIGN, 0);
        assert_true(frames[i]->capacity >= size);
        fill(frames[i]);
    }
    link_fini(&l);
}

static void alignment(void **state)
{
    (void)state;
    for (unsigned align = 1; align <= 8192; align *= 2) {
        aligned(1514, align, 36);
        aligned(9022, align, 36);
        aligned(1514, align, 0);
        aligned(1514, align, 5000);
    }
}

/* Headers at a stride of a large power of two would share cache sets. */
static void packed_buffers_spread_over_the_cache(void **state)
{
    static const unsigned sizes[] = {1514, 1522, 1536, 2048, 4096, 9022, 65558};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t sets = 0;
        struct link l;

        init(&l, 64, sizes[i], 0, 0);
        for (int j = 0; j < 64; j++)
            sets |= UINT64_C(1) << ((uintptr_t)link_take(&l)->data / 64 % 64);
        assert_true(sets == UINT64_MAX);
        link_fini(&l);
    }
}

static void growing_with_all_free(void **state)
{
    struct link_frame *f;
    struct link l;

    (void)state;
    init(&l, 3, link_capacity(1500), 4096, 36);
    assert_int_equal(link_grow(&l, link_capacity(1500)), 0);
    assert_int_equal(link_grow(&l, link_capacity(9000)), 0);
    assert_int_equal(l.free_count, 3);
    f = link_take(&l);
    assert_true(f->capacity >= 9014);
    assert_int_equal(((uintptr_t)f->data + 36) % 4096, 0);
    fill(f);
    link_release(&l, f);
    /* It never shrinks: the frames would only have to grow again. */
    assert_int_equal(link_grow(&l, link_capacity(1500)), 0);
    assert_true(link_take(&l)->capacity >= 9014);
    link_fini(&l);
}

static void growing_while_frames_are_out(void **state)
{
    struct link_frame *old[3], *middle[2], *f;
    struct link l;

    (void)state;
    init(&l, 3, link_capacity(1500), 0, 0);
    old[0] = link_take(&l);
    old[1] = link_take(&l);
    assert_int_equal(link_grow(&l, link_capacity(4200)), 0);
    assert_int_equal(l.free_count, 3);
    middle[0] = link_take(&l);
    middle[1] = link_take(&l);
    assert_int_equal(link_grow(&l, link_capacity(9000)), 0);
    assert_int_equal(l.free_count, 3);
    /* All three generations can be written, and be returned in any order. */
    fill(old[0]);
    fill(old[1]);
    fill(middle[0]);
    fill(middle[1]);
    link_release(&l, middle[1]);
    link_release(&l, old[0]);
    fill(old[1]);
    link_release(&l, old[1]);
    fill(middle[0]);
    assert_int_equal(l.free_count, 3);
    f = link_take(&l);
    assert_true(f->capacity >= 9014);
    fill(f);
    link_release(&l, f);
    link_release(&l, middle[0]);
    assert_int_equal(l.free_count, 3);
    link_fini(&l);
}

static void closing_with_old_frames_out(void **state)
{
    struct link l;

    (void)state;
    init(&l, 3, link_capacity(1500), 0, 0);
    link_take(&l);
    assert_int_equal(link_grow(&l, link_capacity(9000)), 0);
    link_take(&l);
    link_fini(&l);
}

static void capacities(void **state)
{
    (void)state;
    assert_true(link_capacity(1500) >= 1514);
    assert_true(link_capacity(9000) >= 9014);
    assert_int_equal(link_capacity(68),
                     1514); /* the minimum of IPv6, and of IPv4 */
    assert_int_equal(link_capacity(0), 1514);
}

/* ---- refused frames ------------------------------------------------------ */

static void refused(int error, int at, int expected_taken, bool expected_on,
                    unsigned expected_errors)
{
    struct link l = {0};
    int taken = at;

    assert_int_equal(link_refused(&l, error, &taken, 10), expected_on);
    assert_int_equal(taken, expected_taken);
    assert_int_equal(l.tx_errors, expected_errors);
}

static void refusals(void **state)
{
    (void)state;
    refused(EINTR, 0, 0, true, 0);
    refused(EAGAIN, 0, 0, false, 0);
    refused(EAGAIN, 4, 4, false, 0);
    /* One frame is dropped only when nothing else was achieved. */
    refused(ENOBUFS, 0, 1, false, 1);
    refused(ENOBUFS, 4, 4, false, 0);
    refused(EMSGSIZE, 0, 1, true, 1);
    refused(EMSGSIZE, 9, 10, true, 1);
    refused(EPERM, 3, 4, true, 1);
    refused(ENETDOWN, 0, 10, false, 10);
    refused(ENXIO, 4, 10, false, 6);
    refused(ENODEV, 9, 10, false, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_and_no_more),
        cmocka_unit_test(default_count),
        cmocka_unit_test(released_frames_are_reset),
        cmocka_unit_test(alignment),
        cmocka_unit_test(packed_buffers_spread_over_the_cache),
        cmocka_unit_test(growing_with_all_free),
        cmocka_unit_test(growing_while_frames_are_out),
        cmocka_unit_test(closing_with_old_frames_out),
        cmocka_unit_test(capacities),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
