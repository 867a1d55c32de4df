/* SPDX-License-Identifier: BSD-2-Clause
 *
 * AoE's own commands against a hand-written peer: what is sent, how often, and
 * the result of each answer.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "initiator/libaoe/context.h"
#include "tests/lib/link_pair.h"
#include "tests/lib/model_target.h"

static const struct aoe_mac peer_mac = {{2, 0, 0, 0, 0, 0x77}};

struct fixture {
    struct world w;
    struct link *peer;
    unsigned heard; /* requests that came */
    /* Turns a request into its answer; returns the length, 0 for none. */
    size_t (*answer)(struct fixture *f, uint8_t *frame, struct aoe_header *h);
    uint8_t error; /* for the answers below */
    const char *string;
    struct aoe_control control;
    bool done;
    int status;
};

static void on_done(struct aoe_control *c, int status)
{
    struct fixture *f = c->arg;

    assert_false(f->done);
    f->done = true;
    f->status = status;
}

static void start(struct fixture *f, enum aoe_control_op op)
{
    struct link_options o = {.rx_frames = 64};

    memset(f, 0, sizeof *f);
    world_open(&f->w, 5, 1500);
    assert_int_equal(
        wire_open(&f->peer, f->w.wire, "nas0", &peer_mac, 1500, &o), 0);
    f->control = (struct aoe_control){.op = op,
                                      .shelf = 1,
                                      .slot = 2,
                                      .interface = "client0",
                                      .done = on_done,
                                      .arg = f};
    memcpy(f->control.mac, peer_mac.b, AOE_MAC);
}

static void stop(struct fixture *f)
{
    aoe_close(f->w.aoe);
    link_close(f->peer);
    wire_free(f->w.wire);
}

static void peer_runs(struct fixture *f)
{
    struct link_frame *in;

    while (link_recv(f->peer, &in, 1) == 1) {
        struct aoe_header h;
        uint8_t frame[2200] = {0};
        struct link_out out = {.iov[0] = {.iov_base = frame}, .iovcnt = 1};

        f->heard++;
        memcpy(frame, in->data, in->len);
        link_release(f->peer, in);
        assert_int_equal(aoe_header_parse(frame, sizeof frame, &h), 0);
        h.dst = h.src;
        h.src = peer_mac;
        h.flags = AOE_FLAG_RESPONSE;
        out.iov[0].iov_len = f->answer ? f->answer(f, frame, &h) : 0;
        aoe_header_build(frame, &h);
        if (out.iov[0].iov_len)
            link_send(f->peer, &out, 1);
    }
}

/* Submits the command and lets a minute pass, a millisecond per turn. */
static int run(struct fixture *f)
{
    int err = aoe_control_submit(f->w.aoe, &f->control);

    if (err)
        return err;
    for (int i = 0; i < 60000 && !f->done; i++) {
        f->w.now += NS_PER_MS;
        wire_advance(f->w.wire, f->w.now);
        peer_runs(f);
        wire_advance(f->w.wire, f->w.now);
        aoe_service(f->w.aoe);
    }
    assert_true(f->done);
    return f->status;
}

/* ---- answers --------------------------------------------------------------
 */

static size_t answer_config(struct fixture *f, uint8_t *frame,
                            struct aoe_header *h)
{
    struct aoe_config c = {.buffer_count = 7,
                           .firmware = 3,
                           .sector_count = 2,
                           .string = (const uint8_t *)f->string,
                           .length = (uint16_t)strlen(f->string)};

    if (f->error) {
        h->flags |= AOE_FLAG_ERROR;
        h->error = f->error;
    }
    return aoe_config_build(frame, &c);
}

static size_t answer_second_time(struct fixture *f, uint8_t *frame,
                                 struct aoe_header *h)
{
    return f->heard < 2 ? 0 : answer_config(f, frame, h);
}

static size_t answer_as_another(struct fixture *f, uint8_t *frame,
                                struct aoe_header *h)
{
    h->src.b[5]++;
    return answer_config(f, frame, h);
}

static size_t answer_as_other_disk(struct fixture *f, uint8_t *frame,
                                   struct aoe_header *h)
{
    h->addr.slot++;
    return answer_config(f, frame, h);
}

static size_t answer_other_tag(struct fixture *f, uint8_t *frame,
                               struct aoe_header *h)
{
    h->tag++;
    return answer_config(f, frame, h);
}

/* The list that was asked to be added, and what `error` says. */
static size_t answer_mask(struct fixture *f, uint8_t *frame,
                          struct aoe_header *h)
{
    struct aoe_mask m;

    (void)h;
    assert_int_equal(aoe_mask_parse(frame, 2200, &m), 0);
    m.error = f->error;
    return aoe_mask_build(frame, &m) + (size_t)m.count * AOE_MASK_DIRECTIVE;
}

static size_t answer_short_list(struct fixture *f, uint8_t *frame,
                                struct aoe_header *h)
{
    frame[AOE_MASK_HEADER - 1] = 200; /* directives, in 60 bytes */
    (void)f, (void)h;
    return AOE_FRAME_MIN;
}

static size_t answer_reserve(struct fixture *f, uint8_t *frame,
                             struct aoe_header *h)
{
    struct aoe_reserve r;

    if (f->error) {
        h->flags |= AOE_FLAG_ERROR;
        h->error = f->error;
    }
    assert_int_equal(aoe_reserve_parse(frame, 2200, &r), 0);
    return aoe_reserve_build(frame, &r);
}

/* ---- tests ----------------------------------------------------------------
 */

static void a_query_is_answered(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, AOE_CONTROL_CONFIG_READ);
    f.answer = answer_config;
    f.string = "hello";
    assert_int_equal(run(&f), 0);
    assert_int_equal(f.heard, 1);
    assert_int_equal(f.control.response.buffer_count, 7);
    assert_int_equal(f.control.response.sector_count, 2);
    assert_int_equal(f.control.response.firmware, 3);
    assert_int_equal(f.control.response.length, 5);
    assert_memory_equal(f.control.response.string, "hello", 5);
    assert_memory_equal(f.control.response.mac, peer_mac.b, AOE_MAC);
    assert_true(f.control.response.rtt > 0);
    stop(&f);
}

static void everyone_may_be_queried_but_not_changed(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, AOE_CONTROL_CONFIG_READ);
    f.answer = answer_config;
    f.string = "";
    memset(f.control.mac, 0xff, AOE_MAC);
    assert_int_equal(run(&f), 0);
    assert_memory_equal(f.control.response.mac, peer_mac.b, AOE_MAC);
    f.control.op = AOE_CONTROL_CONFIG_FORCE;
    assert_int_equal(aoe_control_submit(f.w.aoe, &f.control), -EINVAL);
    stop(&f);
}

static void silence_is_a_time_out(void **state)
{
    struct fixture f;
    uint64_t begun;

    (void)state;
    start(&f, AOE_CONTROL_CONFIG_READ);
    f.control.timeout = 2 * NS_PER_S;
    begun = f.w.now;
    assert_int_equal(run(&f), -ETIMEDOUT);
    assert_in_range((f.w.now - begun) / NS_PER_MS, 2000, 2010);
    assert_in_range(f.heard, 3, 6);
    stop(&f);
    start(&f, AOE_CONTROL_CONFIG_READ);
    f.control.tries = 1;
    assert_int_equal(run(&f), -ETIMEDOUT);
    assert_int_equal(f.heard, 1);
    stop(&f);
}

static void a_lost_frame_is_sent_again(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, AOE_CONTROL_CONFIG_READ);
    f.answer = answer_second_time;
    f.string = "x";
    assert_int_equal(run(&f), 0);
    assert_int_equal(f.heard, 2);
    assert_int_equal(f.control.response.rtt, 0); /* of which copy? */
    stop(&f);
}

static void responses_of_others_do_not_count(void **state)
{
    static size_t (*const others[])(struct fixture *, uint8_t *,
                                    struct aoe_header *) = {
        answer_as_another, answer_as_other_disk, answer_other_tag};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct fixture f;

        start(&f, AOE_CONTROL_CONFIG_READ);
        f.answer = others[i];
        f.string = "";
        assert_int_equal(run(&f), -ETIMEDOUT);
        assert_true(f.heard > 1);
        stop(&f);
    }
}

static void set_string(struct fixture *f, const char *theirs, int status)
{
    start(f, AOE_CONTROL_CONFIG_SET);
    f->answer = answer_config;
    f->error = AOE_ERR_CONFIG_PRESENT;
    f->string = theirs;
    f->control.string = "ours";
    f->control.length = 4;
    assert_int_equal(run(f), status);
}

static void a_string_that_is_set_already(void **state)
{
    struct fixture f;

    (void)state;
    set_string(&f, "theirs", -EEXIST);
    assert_int_equal(f.control.response.length, 6);
    stop(&f);
    set_string(&f, "ours", 0); /* it was set, but the answer was lost */
    stop(&f);
}

/* A list of addresses that goes there, the answer's error, what comes of it. */
struct listed {
    uint8_t error;
    int status;
};

static void send_list(enum aoe_control_op op,
                      size_t (*answer)(struct fixture *f, uint8_t *frame,
                                       struct aoe_header *h),
                      const struct listed *cases, size_t count)
{
    static const uint8_t macs[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 1, 1, 1, 1, 1}};

    for (size_t i = 0; i < count; i++) {
        struct fixture f;

        start(&f, op);
        f.answer = answer;
        f.error = cases[i].error;
        f.control.macs = macs;
        f.control.mac_count = 2;
        assert_int_equal(run(&f), cases[i].status);
        if (!f.error) {
            assert_int_equal(f.control.response.mac_count, 2);
            assert_memory_equal(f.control.response.macs, macs, sizeof macs);
        }
        stop(&f);
    }
}

static void errors_become_errno(void **state)
{
    static const struct listed cases[] = {
        {AOE_ERR_COMMAND, -EOPNOTSUPP}, {AOE_ERR_ARGUMENT, -EINVAL},
        {AOE_ERR_UNAVAILABLE, -ENODEV}, {AOE_ERR_VERSION, -EPROTO},
        {AOE_ERR_RESERVED, -EBUSY},     {0, 0}};

    (void)state;
    send_list(AOE_CONTROL_RESERVE_SET, answer_reserve, cases,
              sizeof cases / sizeof cases[0]);
}

static void a_mask_list(void **state)
{
    static const struct listed cases[] = {{AOE_MERROR_NONE, 0},
                                          {AOE_MERROR_FULL, -ENOSPC},
                                          {AOE_MERROR_UNSPECIFIED, -EIO}};

    (void)state;
    send_list(AOE_CONTROL_MASK_ADD, answer_mask, cases,
              sizeof cases / sizeof cases[0]);
}

static void a_list_longer_than_its_frame(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, AOE_CONTROL_MASK_READ);
    f.answer = answer_short_list;
    assert_int_equal(run(&f), -EPROTO);
    stop(&f);
}

static void what_cannot_be_sent(void **state)
{
    static const uint8_t macs[AOE_LIST_MAX][6];
    struct fixture f;

    (void)state;
    start(&f, AOE_CONTROL_MASK_ADD);
    f.control.macs = macs;
    f.control.mac_count = AOE_LIST_MAX; /* 2068 bytes on MTU 1500 */
    assert_int_equal(aoe_control_submit(f.w.aoe, &f.control), -EMSGSIZE);
    f.control.mac_count = AOE_LIST_MAX + 1;
    assert_int_equal(aoe_control_submit(f.w.aoe, &f.control), -EINVAL);
    f.control.mac_count = 1;
    f.control.shelf = 0xffff;
    assert_int_equal(aoe_control_submit(f.w.aoe, &f.control), -EINVAL);
    f.control.shelf = 1;
    f.control.length = AOE_CONFIG_MAX + 1;
    assert_int_equal(aoe_control_submit(f.w.aoe, &f.control), -EINVAL);
    f.control.length = 0;
    f.control.interface = "client1";
    assert_int_equal(aoe_control_submit(f.w.aoe, &f.control), -ENODEV);
    stop(&f);
    assert_false(f.done);
}

static void closing_ends_it(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, AOE_CONTROL_CONFIG_READ);
    assert_int_equal(aoe_control_submit(f.w.aoe, &f.control), 0);
    assert_false(f.done);
    stop(&f);
    assert_true(f.done);
    assert_int_equal(f.status, -ECANCELED);
}

static void an_interface_has_an_address(void **state)
{
    static const uint8_t own[6] = {2, 0, 0, 0, 0, 1};
    struct fixture f;
    uint8_t mac[6];

    (void)state;
    start(&f, AOE_CONTROL_CONFIG_READ);
    assert_int_equal(aoe_interface_mac(f.w.aoe, "client0", mac), 0);
    assert_memory_equal(mac, own, sizeof own);
    assert_int_equal(aoe_interface_mac(f.w.aoe, "client1", mac), -ENODEV);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_answered),
        cmocka_unit_test(everyone_may_be_queried_but_not_changed),
        cmocka_unit_test(silence_is_a_time_out),
        cmocka_unit_test(a_lost_frame_is_sent_again),
        cmocka_unit_test(responses_of_others_do_not_count),
        cmocka_unit_test(a_string_that_is_set_already),
        cmocka_unit_test(errors_become_errno),
        cmocka_unit_test(a_mask_list),
        cmocka_unit_test(a_list_longer_than_its_frame),
        cmocka_unit_test(what_cannot_be_sent),
        cmocka_unit_test(closing_ends_it),
        cmocka_unit_test(an_interface_has_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
