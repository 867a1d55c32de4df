/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the real links, packet, socket and pcap, must do on a real interface:
 * batches, the kernel's filter, and interfaces that go down, change their MTU
 * or address, vanish and come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#ifdef __linux__

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/lib/veth.h"

static uint8_t bytes[LINK_BATCH][16384];

static void batches(const char *backend)
{
    static struct link_out out[LINK_BATCH];
    struct link_frame *frames[LINK_BATCH];
    struct veth n;
    int got = 0;

    veth_open(&n, backend);
    for (int i = 0; i < LINK_BATCH; i++)
        veth_frame(&out[i], bytes[i], &n.a->mac, &n.b->mac, false,
                   (uint32_t)i + 1, 60 + (size_t)i * 23);
    assert_int_equal(link_send(n.b, out, LINK_BATCH), LINK_BATCH);
    while (got < LINK_BATCH) {
        int count = link_recv(n.a, frames + got, LINK_BATCH - got);

        assert_true(count >= 0);
        for (int i = got; i < got + count; i++) {
            assert_int_equal(frames[i]->len, 60 + i * 23);
            assert_memory_equal(frames[i]->data, bytes[i], frames[i]->len);
            assert_true(frames[i]->age_ns > 0);
            assert_true(frames[i]->age_ns < UINT64_C(60000000000));
        }
        got += count;
        assert_int_equal(n.a->free_count, LINK_BATCH - got);
        if (count == 0)
            assert_true(veth_wait(n.a, POLLIN));
    }
    assert_int_equal(n.b->tx_frames, LINK_BATCH);
    assert_int_equal(n.a->rx_frames, LINK_BATCH);
    assert_int_equal(n.a->rx_bytes, n.b->tx_bytes);
    /* All buffers are out: nothing more until one comes back. */
    veth_send(n.b, &n.a->mac, false, 100, 60);
    assert_true(veth_wait(n.a, POLLIN));
    assert_int_equal(link_recv(n.a, frames, 1), 0);
    for (int i = 0; i < got; i++)
        link_release(n.a, frames[i]);
    veth_expect(n.a, 100, 60);
    veth_works(&n, 101, 1514);
    veth_close(&n);
}

static void kernel_filter(const char *backend)
{
    const struct aoe_mac other = {{2, 0, 0, 0, 0, 99}};
    struct link_out out;
    struct veth n;

    veth_open(&n, backend);
    /* Requests for another host, with a VLAN's tag, of another protocol,
     * responses, and what this end sends itself: none arrives. */
    veth_send(n.b, &other, false, 1, 60);
    veth_send(n.b, &n.a->mac, true, 2, 60);
    veth_send(n.a, &aoe_mac_broadcast, false, 3, 60);
    veth_frame(&out, bytes[0], &n.a->mac, &n.b->mac, false, 4, 64);
    memmove(bytes[0] + 16, bytes[0] + 12, 48);
    put_be32(bytes[0] + 12, 0x81000007);
    assert_int_equal(link_send(n.b, &out, 1), 1);
    veth_frame(&out, bytes[0], &n.a->mac, &n.b->mac, false, 5, 60);
    put_be16(bytes[0] + 12, 0x88a3);
    assert_int_equal(link_send(n.b, &out, 1), 1);
    assert_int_equal(n.b->tx_errors, 0);
    /* Unicast and broadcast do, and short ones as they were sent. */
    veth_works(&n, 6, 60);
    veth_send(n.b, &aoe_mac_broadcast, false, 7, 32);
    veth_expect(n.a, 7, 32);
    veth_close(&n);
}

static void down_and_up(const char *backend)
{
    struct link_frame *f;
    struct veth n;

    veth_open(&n, backend);
    veth_must("ip link set w0 down");
    link_recv(n.a, &f, 1); /* takes the error off the descriptor */
    assert_int_equal(veth_settle(n.a, false), LINK_CHANGED_STATE);
    assert_int_equal(link_recv(n.a, &f, 1), -ENETDOWN);
    assert_int_equal(link_refresh(n.a), 0);
    /* Nothing is left that would make a loop spin. */
    assert_int_equal(
        poll(&(struct pollfd){.fd = n.a->fd, .events = POLLIN}, 1, 0), 0);
    assert_int_equal(veth_send(n.a, &n.b->mac, true, 1, 60), 1);
    assert_int_equal(n.a->tx_errors, 1);
    /* The other end has lost its carrier. */
    assert_int_equal(veth_settle(n.b, false), LINK_CHANGED_STATE);
    veth_must("ip link set w0 up");
    assert_int_equal(veth_settle(n.a, true), LINK_CHANGED_STATE);
    assert_int_equal(veth_settle(n.b, true), LINK_CHANGED_STATE);
    veth_works(&n, 2, 60);
    assert_int_equal(link_refresh(n.a), 0);
    veth_close(&n);
}

static void opened_while_down(const char *backend)
{
    struct link_frame *f;
    struct veth n;

    veth_open(&n, backend);
    link_close(n.a);
    veth_must("ip link set w0 down");
    n.a = veth_link("w0", backend, false);
    assert_false(n.a->up);
    assert_int_equal(link_recv(n.a, &f, 1), -ENETDOWN);
    veth_must("ip link set w0 up");
    assert_int_equal(veth_settle(n.a, true), LINK_CHANGED_STATE);
    veth_settle(n.b, true);
    veth_works(&n, 1, 60);
    veth_close(&n);
}

static void mtu(const char *backend)
{
    static const size_t jumbo = 9014;
    struct link_frame *held;
    struct veth n;

    veth_open(&n, backend);
    veth_send(n.b, &n.a->mac, false, 1, 60);
    assert_true(veth_wait(n.a, POLLIN));
    assert_int_equal(link_recv(n.a, &held, 1), 1);
    /* Too long for the interface: dropped, and the link goes on. */
    assert_int_equal(veth_send(n.b, &n.a->mac, false, 2, jumbo), 1);
    assert_int_equal(n.b->tx_errors, 1);
    veth_works(&n, 3, 1514);

    veth_must("ip link set w0 mtu 9000 && ip link set w1 mtu 9000");
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MTU);
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_MTU);
    assert_int_equal(n.a->mtu, 9000);
    veth_works(&n, 4, jumbo);
    assert_int_equal(get_be32(held->data + 20), 1);
    link_release(n.a, held);

    veth_must("ip link set w0 mtu 1500 && ip link set w1 mtu 1500");
    assert_int_equal(veth_send(n.b, &n.a->mac, false, 5, jumbo), 1);
    assert_int_equal(n.b->tx_errors, 2);
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MTU);
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_MTU);
    assert_int_equal(n.a->mtu, 1500);
    veth_works(&n, 6, 1514);
    veth_close(&n);
}

/* A child that was forked while the link was open has a share in its memory,
 * for which the kernel refuses to change it. */
static void mtu_after_a_fork(const char *backend)
{
    struct veth n;
    int ends[2];
    char byte;
    pid_t pid;

    veth_open(&n, backend);
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0); /* until the parent has ended */
    }
    veth_must("ip link set w0 mtu 9000 && ip link set w1 mtu 9000");
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MTU);
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_MTU);
    veth_works(&n, 1, 9014);
    veth_must("ip link set w0 mtu 1500 && ip link set w1 mtu 1500");
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MTU);
    veth_works(&n, 2, 1514);
    veth_must("ip link set w0 address 02:00:00:00:01:01");
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MAC);
    veth_works(&n, 3, 60);
    close(ends[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(ends[0]);
    veth_close(&n);
}

/* As an unprivileged child of the one who opened the link: nothing that was
 * opened can be opened anew.  The failures have numbers. */
static int use_without_privilege(void *arg)
{
    struct veth *n = arg;
    struct link_frame *f;

    if (!veth_shell("ip link set w0 mtu 9000 && ip link set w1 mtu 9000"))
        return 1;
    if (setuid(65534) < 0)
        return 2;
    link_refresh(n->a);
    link_refresh(n->b);
    if (!n->a->up || !n->b->up)
        return 3;
    if (veth_send(n->b, &n->a->mac, false, 7, n->a->mtu + 14) != 1 ||
        !veth_wait(n->a, POLLIN) || link_recv(n->a, &f, 1) != 1)
        return 4;
    return f->len == n->a->mtu + 14 ? 0 : 5;
}

/* It carries the frames that it claims to: the larger ones, or those it did
 * before. */
static void mtu_without_privilege(const char *backend)
{
    struct veth n;

    veth_open(&n, backend);
    assert_int_equal(veth_child(use_without_privilege, &n), 0);
    veth_close(&n);
}

/* A larger frame than the link knows of comes in: dropped and counted. */
static void frame_beyond_the_buffer(const char *backend)
{
    struct veth n;

    veth_open(&n, backend);
    veth_must("ip link set w0 mtu 9000 && ip link set w1 mtu 9000");
    assert_int_equal(veth_send(n.b, &n.a->mac, false, 1, 1514), 1);
    link_refresh(n.b);
    assert_int_equal(veth_send(n.b, &n.a->mac, false, 2, 9014), 1);
    assert_int_equal(veth_send(n.b, &n.a->mac, false, 3, 1514), 1);
    veth_expect(n.a, 1, 1514);
    veth_expect(n.a, 3, 1514);
    assert_int_equal(n.a->rx_drops, 1);
    veth_close(&n);
}

static void address(const char *backend)
{
    const struct aoe_mac mac = {{2, 0, 0, 0, 1, 1}};
    struct veth n;

    veth_open(&n, backend);
    veth_must("ip link set w0 address 02:00:00:00:01:01");
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MAC);
    assert_true(aoe_mac_equal(&n.a->mac, &mac));
    veth_works(&n, 1, 60);
    veth_close(&n);
}

static void removed_and_made_again(const char *backend)
{
    struct link_frame *f;
    struct veth n;

    veth_open(&n, backend);
    veth_must("ip link del w0");
    link_recv(n.a, &f, 1);
    assert_int_equal(veth_settle(n.a, false), LINK_CHANGED_STATE);
    assert_int_equal(link_recv(n.a, &f, 1), -ENETDOWN);
    assert_int_equal(
        poll(&(struct pollfd){.fd = n.a->fd, .events = POLLIN}, 1, 0), 0);
    assert_int_equal(veth_send(n.a, &n.b->mac, true, 1, 60), 1);
    assert_int_equal(n.a->tx_errors, 1);
    veth_make();
    assert_true(veth_settle(n.a, true) & LINK_CHANGED_STATE);
    veth_settle(n.b, true);
    veth_works(&n, 2, 1514);
    /* Removed and created again before anyone looked. */
    veth_must("ip link del w0");
    veth_make();
    assert_true(veth_settle(n.a, true) & LINK_CHANGED_STATE);
    veth_settle(n.b, true);
    veth_works(&n, 3, 1514);
    veth_close(&n);
}

/* tbf's limit holds about four frames, and 8 kbit/s never let them out within
 * the test: a caller that follows link_send's rule must still come to an end.
 */
static void full_queue(const char *backend)
{
    static struct link_out out[LINK_BATCH];
    int sent = 0;
    unsigned calls = 0;
    struct veth n;

    veth_open(&n, backend);
    if (!veth_shell(
            "tc qdisc add dev w0 root tbf rate 8kbit burst 1600 limit 6000"
            " 2>/dev/null")) {
        veth_close(&n);
        print_message("skipped: no tbf queue here\n");
        skip();
    }
    for (int i = 0; i < LINK_BATCH; i++)
        veth_frame(&out[i], bytes[i], &n.b->mac, &n.a->mac, true,
                   (uint32_t)i + 1, 1514);
    while (sent < LINK_BATCH) {
        int count = link_send(n.a, out + sent, LINK_BATCH - sent);

        assert_true(count >= 0);
        sent += count;
        calls++;
        if (sent < LINK_BATCH)
            assert_true(veth_wait(n.a, POLLOUT));
        assert_true(calls <= 2 * LINK_BATCH);
    }
    assert_int_equal(n.a->tx_frames + n.a->tx_errors, LINK_BATCH);
    assert_true(n.a->tx_errors > 0);
    assert_true(n.a->tx_frames > 0);
    veth_expect(n.b, 1, 1514);
    veth_close(&n);
}

/* Not what has its name now: the cable leads where it led before. */
static void renamed(const char *backend)
{
    struct link_frame *f;
    struct veth n;

    veth_open(&n, backend);
    veth_must("ip link set w0 down");
    link_recv(n.a, &f, 1);
    link_refresh(n.a);
    veth_must("ip link set w0 name w9");
    veth_must("ip link add w0 type veth peer name w8");
    veth_must("ip link set w0 up");
    veth_must("ip link set w9 up");
    assert_true(link_refresh(n.a) & LINK_CHANGED_NAME);
    assert_string_equal(n.a->ifname, "w0");
    assert_string_equal(n.a->name_now, "w9");
    veth_settle(n.a, true);
    veth_settle(n.b, true);
    veth_works(&n, 1, 60);
    assert_false(link_refresh(n.a) & LINK_CHANGED_NAME);
    /* When it has gone, the name counts again. */
    veth_must("ip link del w9");
    assert_true(link_refresh(n.a) & LINK_CHANGED_NAME);
    assert_string_equal(n.a->name_now, "w0");
    veth_close(&n);
}

static void bad_interfaces(const char *backend)
{
    struct link_options o = {.backend = backend};
    struct link *l;
    struct veth n;

    veth_open(&n, backend);
    assert_int_equal(link_open(&l, "nosuch", &o), -ENODEV);
    assert_int_equal(link_open(&l, "", &o), -ENODEV);
    assert_int_equal(link_open(&l, "a-name-that-is-too-long", &o), -ENODEV);
    if (veth_shell("ip tuntap add dev t0 mode tun 2>/dev/null")) {
        assert_int_equal(link_open(&l, "t0", &o), -ENOTSUP);
        veth_must("ip link del t0");
    }
    o.backend = "pigeon";
    assert_int_equal(link_open(&l, "w0", &o), -EINVAL);
    o.backend = backend;
    o.align = 3;
    assert_int_equal(link_open(&l, "w0", &o), -EINVAL);
    o.align = 4;
    o.align_at = 2;
    assert_int_equal(link_open(&l, "w0", &o), -EINVAL);
    o.align = o.align_at = 0;
    o.socket_bytes = 0x80000000;
    assert_int_equal(link_open(&l, "w0", &o), -EINVAL);
    veth_close(&n);
}

static int open_without_privilege(void *backend)
{
    const struct link_options o = {.backend = backend};
    struct link *l;

    if (setuid(65534) < 0)
        return 99;
    return -link_open(&l, "w0", &o);
}

static void no_privilege(const char *backend)
{
    struct veth n;

    veth_open(&n, backend);
    assert_int_equal(
        veth_child(open_without_privilege, (void *)(uintptr_t)backend), EPERM);
    veth_close(&n);
}

static void aligned_buffers(const char *backend)
{
    const struct link_options o = {.backend = backend,
                                   .align = 4096,
                                   .align_at = AOE_ATA_HEADER,
                                   .rx_frames = 4,
                                   .socket_bytes = 1 << 20};
    struct link_frame *f;
    struct veth n;

    veth_open(&n, backend);
    link_close(n.a);
    assert_int_equal(link_open(&n.a, "w0", &o), 0);
    veth_send(n.b, &n.a->mac, false, 1, 1060);
    assert_true(veth_wait(n.a, POLLIN));
    assert_int_equal(link_recv(n.a, &f, 1), 1);
    assert_int_equal((uintptr_t)(f->data + AOE_ATA_HEADER) % 4096, 0);
    assert_int_equal(f->len, 1060);
    link_release(n.a, f);
    veth_close(&n);
}

#define FOR_BACKEND(backend, test)                                             \
    static void backend##_##test(void **state)                                 \
    {                                                                          \
        (void)state;                                                           \
        test(#backend);                                                        \
    }

#define FOR_EVERY_TEST(backend, what)                                          \
    what(backend, batches) what(backend, kernel_filter)                        \
        what(backend, down_and_up) what(backend, opened_while_down)            \
            what(backend, mtu) what(backend, frame_beyond_the_buffer)          \
                what(backend, mtu_after_a_fork)                                \
                    what(backend, mtu_without_privilege)                       \
                        what(backend, address)                                 \
                            what(backend, removed_and_made_again)              \
                                what(backend, full_queue)                      \
                                    what(backend, renamed)                     \
                                        what(backend, bad_interfaces)          \
                                            what(backend, no_privilege)        \
                                                what(backend, aligned_buffers)

FOR_EVERY_TEST(packet, FOR_BACKEND)
FOR_EVERY_TEST(socket, FOR_BACKEND)
#ifdef HAVE_PCAP
FOR_EVERY_TEST(pcap, FOR_BACKEND)
#endif

#define IN_TABLE(backend, test) cmocka_unit_test(backend##_##test),

int main(void)
{
    const struct CMUnitTest tests[] = {FOR_EVERY_TEST(packet, IN_TABLE)
                                           FOR_EVERY_TEST(socket, IN_TABLE)
#ifdef HAVE_PCAP
                                               FOR_EVERY_TEST(pcap, IN_TABLE)
#endif
    };

    return cmocka_run_group_tests(tests, veth_namespace, NULL);
}

#else

int main(void)
{
    print_message("skipped: these interfaces are Linux's\n");
    return 0;
}

#endif
