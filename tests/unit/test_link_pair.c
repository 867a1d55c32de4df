/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The wire that other tests rely on: delivery, each fault by itself, ports that
 * change, and the same events from the same seed.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/lib/link_pair.h"

static const struct aoe_mac mac_a = {{2, 0, 0, 0, 0, 0xa}};
static const struct aoe_mac mac_b = {{2, 0, 0, 0, 0, 0xb}};
static const struct aoe_mac mac_c = {{2, 0, 0, 0, 0, 0xc}};

/* Three ports that receive requests. */
struct net {
    struct wire *w;
    struct link *a, *b, *c;
};

static void net_open(struct net *n, uint64_t seed)
{
    const struct link_options o = {.rx_frames = 0};

    n->w = wire_new(seed);
    assert_non_null(n->w);
    assert_int_equal(wire_open(&n->a, n->w, "a", &mac_a, 1500, &o), 0);
    assert_int_equal(wire_open(&n->b, n->w, "b", &mac_b, 1500, &o), 0);
    assert_int_equal(wire_open(&n->c, n->w, "c", &mac_c, 1500, &o), 0);
}

static void net_close(struct net *n)
{
    link_close(n->a);
    link_close(n->b);
    link_close(n->c);
    wire_free(n->w);
}

/* Sends a request of `len` bytes, in two pieces, with `tag`. */
static int send_one(struct link *from, const struct aoe_mac *to, uint32_t tag,
                    size_t len)
{
    static uint8_t frame[65536];
    struct aoe_header h = {.dst = *to,
                           .src = from->mac,
                           .version = AOE_VERSION,
                           .addr = {1, 2},
                           .tag = tag};
    struct link_out out = {.iovcnt = 2};

    memset(frame, 0x5a, sizeof(frame));
    aoe_header_build(frame, &h);
    out.iov[0] = (struct iovec){frame, AOE_HEADER};
    out.iov[1] = (struct iovec){frame + AOE_HEADER, len - AOE_HEADER};
    return link_send(from, &out, 1);
}

/* Receives one frame and returns its tag, or 0 if there is none. */
static uint32_t receive_one(struct link *l)
{
    struct link_frame *f;
    uint32_t tag;

    if (link_recv(l, &f, 1) <= 0)
        return 0;
    tag = get_be32(f->data + 20);
    link_release(l, f);
    return tag;
}

static unsigned receive_all(struct link *l)
{
    unsigned n = 0;

    while (receive_one(l))
        n++;
    return n;
}

static void unicast_and_broadcast(void **state)
{
    const struct aoe_mac nobody = {{2, 0, 0, 0, 0, 0xd}};
    struct link_frame *f;
    struct net n;

    (void)state;
    net_open(&n, 1);
    assert_true(wire_next(n.w) == WIRE_NEVER);
    assert_int_equal(wire_revents(n.b), POLLOUT);
    assert_int_equal(send_one(n.a, &mac_b, 7, 60), 1);
    assert_int_equal(wire_next(n.w), 0);
    assert_int_equal(wire_advance(n.w, 5), 1);
    assert_int_equal(wire_revents(n.b), POLLIN | POLLOUT);
    assert_int_equal(wire_revents(n.c), POLLOUT);
    assert_int_equal(wire_advance(n.w, 25), 0);
    assert_int_equal(link_recv(n.b, &f, 1), 1);
    assert_int_equal(f->len, 60);
    assert_int_equal(f->data[59], 0x5a);
    assert_int_equal(f->age_ns, 25);
    link_release(n.b, f);
    assert_int_equal(link_recv(n.b, &f, 1), 0);

    send_one(n.a, &aoe_mac_broadcast, 8, 60);
    assert_int_equal(wire_advance(n.w, 30), 2);
    assert_int_equal(receive_one(n.a), 0);
    assert_int_equal(receive_one(n.b), 8);
    assert_int_equal(receive_one(n.c), 8);

    send_one(n.a, &nobody, 9, 60);
    assert_int_equal(wire_advance(n.w, 30), 0);
    assert_int_equal(wire_count(n.w, WIRE_UNPLUGGED), 1);
    assert_int_equal(n.a->tx_frames, 3);
    assert_int_equal(n.a->tx_bytes, 180);
    assert_int_equal(n.b->rx_frames, 2);
    assert_int_equal(n.b->rx_bytes, 120);
    net_close(&n);
}

static void filters_like_a_real_link(void **state)
{
    const struct link_options o = {
        .filter = {.one_addr = true, .addr = {1, 3}}};
    struct net n;
    struct link *d;

    (void)state;
    net_open(&n, 1);
    assert_int_equal(wire_open(&d, n.w, "d", &(struct aoe_mac){{2}}, 1500, &o),
                     0);
    send_one(n.a, &d->mac, 7, 60);
    assert_int_equal(wire_advance(n.w, 0), 0);
    assert_int_equal(wire_count(n.w, WIRE_UNWANTED), 1);
    link_close(d);
    net_close(&n);
}

static void more_than_a_batch(void **state)
{
    enum { FRAMES = 3 * LINK_BATCH + 1 };
    static struct link_out out[FRAMES];
    struct link_frame *frames[LINK_BATCH];
    struct aoe_header h = {.dst = mac_b, .tag = 1};
    uint8_t frame[60] = {0};
    struct net n;

    (void)state;
    net_open(&n, 1);
    aoe_header_build(frame, &h);
    for (int i = 0; i < FRAMES; i++) {
        out[i].iov[0] = (struct iovec){frame, sizeof(frame)};
        out[i].iovcnt = 1;
    }
    assert_int_equal(link_send(n.a, out, FRAMES), FRAMES);
    assert_int_equal(wire_advance(n.w, 0), FRAMES);
    /* No more than the pool has, and the rest when it is given back. */
    assert_int_equal(link_recv(n.b, frames, LINK_BATCH), LINK_BATCH);
    assert_int_equal(n.b->free_count, 0);
    assert_int_equal(link_recv(n.b, frames, LINK_BATCH), 0);
    for (int i = 0; i < LINK_BATCH; i++)
        link_release(n.b, frames[i]);
    assert_int_equal(receive_all(n.b), FRAMES - LINK_BATCH);
    net_close(&n);
}

static void delay_keeps_order(void **state)
{
    const struct wire_faults f = {.delay_ns = NS_PER_MS, .jitter_ns = NS_PER_S};
    struct net n;

    (void)state;
    net_open(&n, 1);
    wire_port_faults(n.a, WIRE_TX, &f);
    for (uint32_t tag = 1; tag <= 50; tag++)
        send_one(n.a, &mac_b, tag, 60);
    assert_true(wire_next(n.w) >= NS_PER_MS);
    assert_int_equal(wire_advance(n.w, NS_PER_MS - 1), 0);
    assert_int_equal(wire_advance(n.w, 2 * NS_PER_S), 50);
    for (uint32_t tag = 1; tag <= 50; tag++)
        assert_int_equal(receive_one(n.b), tag);
    net_close(&n);
}

/* Delivery is at the due times, however coarse the caller's steps. */
static void age_counts_from_arrival(void **state)
{
    const struct wire_faults f = {.delay_ns = 100};
    struct link_frame *frame;
    struct net n;

    (void)state;
    net_open(&n, 1);
    wire_port_faults(n.a, WIRE_TX, &f);
    wire_port_faults(n.b, WIRE_RX, &f);
    send_one(n.a, &mac_b, 1, 60);
    assert_int_equal(wire_advance(n.w, 1000), 1);
    assert_int_equal(link_recv(n.b, &frame, 1), 1);
    assert_int_equal(frame->age_ns, 800);
    link_release(n.b, frame);
    net_close(&n);
}

static void loss(void **state)
{
    struct wire_faults f = {.loss = 1000000};
    struct net n;
    unsigned got;

    (void)state;
    net_open(&n, 1);
    wire_port_faults(n.b, WIRE_RX, &f);
    send_one(n.a, &aoe_mac_broadcast, 1, 60);
    wire_advance(n.w, 0);
    assert_int_equal(receive_all(n.b), 0);
    assert_int_equal(receive_all(n.c), 1);
    f.loss = 250000;
    wire_port_faults(n.b, WIRE_RX, &f);
    for (uint32_t tag = 1; tag <= 4000; tag++)
        send_one(n.a, &mac_b, tag, 60);
    wire_advance(n.w, 0);
    got = receive_all(n.b);
    assert_true(got > 2800 && got < 3200);
    assert_int_equal(got + wire_count(n.w, WIRE_LOST), 4001);
    net_close(&n);
}

static void duplication(void **state)
{
    const struct wire_faults f = {.duplicate = 1000000, .hold_ns = 1000};
    struct net n;

    (void)state;
    net_open(&n, 1);
    wire_port_faults(n.a, WIRE_TX, &f);
    send_one(n.a, &mac_b, 7, 60);
    assert_int_equal(wire_advance(n.w, 0), 1);
    assert_int_equal(receive_one(n.b), 7);
    assert_true(wire_next(n.w) <= 1000);
    assert_int_equal(wire_advance(n.w, 1000), 1);
    assert_int_equal(receive_one(n.b), 7);
    assert_int_equal(receive_one(n.b), 0);
    net_close(&n);
}

static void reordering(void **state)
{
    const struct wire_faults f = {.reorder = 200000, .hold_ns = NS_PER_MS};
    uint32_t last = 0;
    unsigned backwards = 0;
    struct net n;

    (void)state;
    net_open(&n, 1);
    wire_port_faults(n.a, WIRE_TX, &f);
    for (uint32_t tag = 1; tag <= 100; tag++) {
        wire_advance(n.w, tag * 10 * NS_PER_US);
        send_one(n.a, &mac_b, tag, 60);
    }
    wire_advance(n.w, NS_PER_S);
    for (int i = 0; i < 100; i++) {
        uint32_t tag = receive_one(n.b);

        assert_int_not_equal(tag, 0);
        backwards += tag < last;
        last = tag;
    }
    assert_true(backwards > 5);
    assert_int_equal(receive_one(n.b), 0);
    net_close(&n);
}

static void truncation(void **state)
{
    const struct wire_faults f = {.truncate = 1000000};
    struct link_frame *frame;
    unsigned shorter = 0;
    struct net n;

    (void)state;
    net_open(&n, 1);
    wire_port_faults(n.b, WIRE_RX, &f);
    for (uint32_t tag = 1; tag <= 100; tag++)
        send_one(n.a, &mac_b, tag, 100);
    wire_advance(n.w, 0);
    while (link_recv(n.b, &frame, 1) == 1) {
        assert_true(frame->len >= AOE_ETHER_HEADER && frame->len < 100);
        shorter++;
        link_release(n.b, frame);
    }
    /* The shortest lack what the filter looks at. */
    assert_int_equal(shorter + wire_count(n.w, WIRE_UNWANTED), 100);
    assert_true(shorter > 50);
    net_close(&n);
}

static void jumbo_black_hole(void **state)
{
    const struct wire_faults f = {.frame_max = 1000};
    struct net n;

    (void)state;
    net_open(&n, 1);
    wire_port_faults(n.a, WIRE_TX, &f);
    assert_int_equal(send_one(n.a, &mac_b, 1, 1001), 1);
    assert_int_equal(send_one(n.a, &mac_b, 2, 1000), 1);
    wire_advance(n.w, 0);
    assert_int_equal(receive_one(n.b), 2);
    assert_int_equal(receive_one(n.b), 0);
    assert_int_equal(n.a->tx_errors, 0);
    net_close(&n);
}

static void mtu(void **state)
{
    struct net n;

    (void)state;
    net_open(&n, 1);
    assert_int_equal(send_one(n.a, &mac_b, 1, 1515), 1);
    assert_int_equal(n.a->tx_errors, 1);
    assert_int_equal(send_one(n.a, &mac_b, 2, 1514), 1);
    wire_advance(n.w, 0);
    assert_int_equal(receive_one(n.b), 2);

    wire_port_mtu(n.a, 9000);
    assert_int_equal(n.a->mtu, 1500);
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MTU);
    assert_int_equal(n.a->mtu, 9000);
    assert_int_equal(link_refresh(n.a), 0);
    /* One end only: the other cannot take such frames. */
    assert_int_equal(send_one(n.a, &mac_b, 3, 9014), 1);
    wire_advance(n.w, 0);
    assert_int_equal(wire_count(n.w, WIRE_TOO_LONG), 1);
    /* The interface accepts them before the link knows: they fit no buffer. */
    wire_port_mtu(n.b, 9000);
    send_one(n.a, &mac_b, 4, 9014);
    wire_advance(n.w, 0);
    assert_int_equal(receive_one(n.b), 0);
    assert_int_equal(n.b->rx_drops, 1);
    link_refresh(n.b);
    send_one(n.a, &mac_b, 5, 9014);
    wire_advance(n.w, 0);
    assert_int_equal(receive_one(n.b), 5);
    net_close(&n);
}

static void down_and_up(void **state)
{
    struct link_frame *f;
    struct net n;

    (void)state;
    net_open(&n, 1);
    send_one(n.a, &mac_b, 1, 60);
    wire_port_up(n.b, false);
    assert_int_equal(wire_advance(n.w, 0), 0);
    assert_int_equal(wire_revents(n.b), POLLERR | POLLOUT);
    assert_int_equal(link_recv(n.b, &f, 1), -ENETDOWN);
    assert_false(n.b->up);
    assert_int_equal(wire_revents(n.b), POLLOUT);
    assert_int_equal(send_one(n.b, &mac_a, 2, 60), 1);
    assert_int_equal(n.b->tx_errors, 1);
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_STATE);
    assert_int_equal(link_refresh(n.b), 0);

    wire_port_up(n.b, true);
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_STATE);
    assert_true(n.b->up);
    send_one(n.a, &mac_b, 3, 60);
    wire_advance(n.w, 0);
    assert_int_equal(receive_one(n.b), 3);

    /* Down and up between two refreshes is still reported. */
    wire_port_up(n.b, false);
    link_recv(n.b, &f, 1);
    wire_port_up(n.b, true);
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_STATE);
    net_close(&n);
}

static void another_mac(void **state)
{
    struct net n;

    (void)state;
    net_open(&n, 1);
    wire_port_mac(n.b, &(struct aoe_mac){{2, 9}});
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_MAC);
    send_one(n.a, &mac_b, 1, 60);
    send_one(n.a, &n.b->mac, 2, 60);
    wire_advance(n.w, 0);
    assert_int_equal(receive_one(n.b), 2);
    assert_int_equal(receive_one(n.b), 0);
    net_close(&n);
}

static void queues(void **state)
{
    struct net n;

    (void)state;
    net_open(&n, 1);
    wire_port_queues(n.a, 0, 2);
    wire_port_queues(n.b, 1, 0);
    assert_int_equal(send_one(n.a, &mac_b, 1, 60), 1);
    assert_int_equal(send_one(n.a, &mac_b, 2, 60), 1);
    assert_int_equal(wire_revents(n.a), 0);
    assert_int_equal(send_one(n.a, &mac_b, 3, 60), 0);
    assert_int_equal(wire_advance(n.w, 0), 1);
    assert_int_equal(wire_revents(n.a), POLLOUT);
    assert_int_equal(n.b->rx_drops, 1);
    assert_int_equal(wire_count(n.w, WIRE_OVERFLOW), 1);
    assert_int_equal(receive_one(n.b), 1);
    assert_int_equal(receive_one(n.b), 0);
    net_close(&n);
}

/* A node that crashes: its frames are still delivered, those for it are not. */
static void unplugging(void **state)
{
    const struct wire_faults f = {.delay_ns = 10};
    const struct link_options o = {.rx_frames = 1};
    struct link *d;
    struct net n;

    (void)state;
    net_open(&n, 1);
    assert_int_equal(wire_open(&d, n.w, "d", &(struct aoe_mac){{2}}, 1500, &o),
                     0);
    wire_port_faults(d, WIRE_TX, &f);
    wire_port_faults(d, WIRE_RX, &f);
    send_one(d, &mac_a, 1, 60);
    send_one(d, &aoe_mac_broadcast, 2, 60);
    send_one(n.a, &d->mac, 3, 60);
    send_one(n.a, &d->mac, 4, 60);
    wire_advance(n.w, 5); /* those for it have passed the switch */
    link_close(d);
    assert_int_equal(wire_advance(n.w, 20), 4);
    assert_int_equal(receive_one(n.a), 1);
    assert_int_equal(receive_one(n.a), 2);
    assert_int_equal(receive_one(n.b), 2);
    assert_int_equal(receive_one(n.c), 2);
    send_one(n.a, &(struct aoe_mac){{2}}, 5, 60);
    assert_int_equal(wire_advance(n.w, 20), 0);
    net_close(&n);
}

/* ---- repeatability ------------------------------------------------------- */

struct digest {
    uint64_t sum;
    uint64_t events;
};

static void digest_event(void *arg, uint64_t now, enum wire_event e,
                         const struct link *port, const uint8_t *frame,
                         size_t len)
{
    struct digest *d = arg;

    d->events++;
    d->sum = d->sum * 31 + now;
    d->sum = d->sum * 31 + e;
    d->sum = d->sum * 31 + (uint64_t)port->ifname[0];
    d->sum = d->sum * 31 + len;
    d->sum = d->sum * 31 + (len >= 24 ? get_be32(frame + 20) : 0);
}

static struct digest run(uint64_t seed)
{
    const struct wire_faults f = {
        .loss = 50000,
        .corrupt = 50000,
        .duplicate = 50000,
        .reorder = 50000,
        .truncate = 50000,
        .delay_ns = 20 * NS_PER_US,
        .jitter_ns = 10 * NS_PER_US,
        .hold_ns = NS_PER_MS,
    };
    struct digest d = {0};
    struct net n;

    net_open(&n, seed);
    wire_watch(n.w, digest_event, &d);
    wire_port_faults(n.a, WIRE_TX, &f);
    wire_port_faults(n.b, WIRE_RX, &f);
    for (uint32_t tag = 1; tag <= 1000; tag++) {
        send_one(n.a, tag % 10 ? &mac_b : &aoe_mac_broadcast, tag, 60);
        wire_advance(n.w, tag * 5 * NS_PER_US);
        receive_all(n.b);
        receive_all(n.c);
    }
    while (wire_next(n.w) != WIRE_NEVER)
        wire_advance(n.w, wire_next(n.w));
    for (int e = WIRE_LOST; e <= WIRE_TRUNCATED; e++)
        assert_true(wire_count(n.w, e) > 20);
    net_close(&n);
    return d;
}

static void the_same_seed_gives_the_same_events(void **state)
{
    struct digest one = run(42), again = run(42), other = run(43);

    (void)state;
    assert_true(one.events > 2000);
    assert_int_equal(one.events, again.events);
    assert_int_equal(one.sum, again.sum);
    assert_int_not_equal(one.sum, other.sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unicast_and_broadcast),
        cmocka_unit_test(filters_like_a_real_link),
        cmocka_unit_test(more_than_a_batch),
        cmocka_unit_test(delay_keeps_order),
        cmocka_unit_test(age_counts_from_arrival),
        cmocka_unit_test(loss),
        cmocka_unit_test(duplication),
        cmocka_unit_test(reordering),
        cmocka_unit_test(truncation),
        cmocka_unit_test(jumbo_black_hole),
        cmocka_unit_test(mtu),
        cmocka_unit_test(down_and_up),
        cmocka_unit_test(another_mac),
        cmocka_unit_test(queues),
        cmocka_unit_test(unplugging),
        cmocka_unit_test(the_same_seed_gives_the_same_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
