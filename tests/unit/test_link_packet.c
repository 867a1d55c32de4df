/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The real links, packet and pcap, over a veth pair in a network namespace of
 * this process: batches, the kernel's filter, and interfaces that go down,
 * change their MTU or address, vanish and come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#ifdef __linux__

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/link.h"
#include "wire/netif.h"

enum { PATIENCE_MS = 5000 };

static const char *why_not; /* the tests cannot run here */

/* ---- the network --------------------------------------------------------- */

static bool sh(const char *command)
{
    return system(command) == 0;
}

static void must(const char *command)
{
    if (!sh(command))
        fail_msg("%s", command);
}

static int make_namespace(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNET) < 0)
        why_not = "no permission for a network namespace (needs root)";
    else if (!sh("ip link add w0 type veth peer name w1 2>&1"))
        why_not = "no veth interfaces, or no ip command";
    else
        sh("ip link del w0");
    return 0;
}

struct net {
    struct link *a, *b; /* on w0, receives requests, and on w1, responses */
};

static struct link *open_on(const char *ifname, const char *backend,
                            bool responses)
{
    const struct link_options o = {.backend = backend,
                                   .filter = {.responses = responses}};
    struct link *l = NULL;

    assert_int_equal(link_open(&l, ifname, &o), 0);
    return l;
}

static void make_pair(void)
{
    must("ip link add w0 type veth peer name w1 && "
         "ip link set w0 up && ip link set w1 up");
}

static void net_open(struct net *n, const char *backend)
{
    if (why_not) {
        print_message("skipped: %s\n", why_not);
        skip();
    }
    sh("ip link del w0 2>/dev/null");
    make_pair();
    n->a = open_on("w0", backend, false);
    n->b = open_on("w1", backend, true);
    assert_true(n->a->up);
    assert_int_equal(n->a->mtu, 1500);
    assert_string_equal(n->a->ops->name, backend);
}

static void net_close(struct net *n)
{
    link_close(n->a);
    link_close(n->b);
    must("ip link del w0");
}

/* ---- frames -------------------------------------------------------------- */

static uint8_t bytes[LINK_BATCH][16384];

/* A frame in two pieces; its tag and its length tell it from others. */
static void prepare(struct link_out *out, uint8_t *frame,
                    const struct aoe_mac *dst, const struct aoe_mac *src,
                    bool response, uint32_t tag, size_t len)
{
    struct aoe_header h = {
        .dst = *dst,
        .src = *src,
        .version = AOE_VERSION,
        .flags = response ? AOE_FLAG_RESPONSE : 0,
        .addr = {1, 2},
        .tag = tag,
    };

    memset(frame, (int)tag, len);
    aoe_header_build(frame, &h);
    out->iovcnt = 2;
    out->iov[0] = (struct iovec){frame, AOE_HEADER};
    out->iov[1] = (struct iovec){frame + AOE_HEADER, len - AOE_HEADER};
}

static int send_to(struct link *from, const struct aoe_mac *dst, bool response,
                   uint32_t tag, size_t len)
{
    struct link_out out;

    prepare(&out, bytes[0], dst, &from->mac, response, tag, len);
    return link_send(from, &out, 1);
}

static bool wait_for(struct link *l, short events)
{
    struct pollfd p = {.fd = l->fd, .events = events};

    return poll(&p, 1, PATIENCE_MS) == 1;
}

/* Waits for one frame and returns its tag, 0 when none came. */
static uint32_t receive(struct link *l, size_t *len)
{
    for (;;) {
        struct link_frame *f;
        uint32_t tag;

        if (link_recv(l, &f, 1) == 1) {
            tag = get_be32(f->data + 20);
            *len = f->len;
            link_release(l, f);
            return tag;
        }
        if (!wait_for(l, POLLIN))
            return 0;
    }
}

/* Frame `tag` gets through, and nothing else was before it. */
static void expect(struct link *l, uint32_t tag, size_t len)
{
    size_t got_len = 0;

    assert_int_equal(receive(l, &got_len), tag);
    assert_int_equal(got_len, len);
}

static void works(struct net *n, uint32_t tag, size_t len)
{
    assert_int_equal(send_to(n->b, &n->a->mac, false, tag, len), 1);
    expect(n->a, tag, len);
    assert_int_equal(send_to(n->a, &n->b->mac, true, tag, len), 1);
    expect(n->b, tag, len);
}

/* Looks until the link has settled; interfaces come up asynchronously. */
static int refresh_until(struct link *l, bool up)
{
    int changed = link_refresh(l);

    for (int i = 0; i < PATIENCE_MS && l->up != up; i++) {
        poll(NULL, 0, 1);
        changed |= link_refresh(l);
    }
    assert_int_equal(l->up, up);
    return changed;
}

/* ---- tests that every backend must pass ---------------------------------- */

static void batches(const char *backend)
{
    static struct link_out out[LINK_BATCH];
    struct link_frame *frames[LINK_BATCH];
    struct net n;
    int got = 0;

    net_open(&n, backend);
    for (int i = 0; i < LINK_BATCH; i++)
        prepare(&out[i], bytes[i], &n.a->mac, &n.b->mac, false, (uint32_t)i + 1,
                60 + (size_t)i * 23);
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
            assert_true(wait_for(n.a, POLLIN));
    }
    assert_int_equal(n.b->tx_frames, LINK_BATCH);
    assert_int_equal(n.a->rx_frames, LINK_BATCH);
    assert_int_equal(n.a->rx_bytes, n.b->tx_bytes);
    /* All buffers are out: nothing more until one comes back. */
    send_to(n.b, &n.a->mac, false, 100, 60);
    assert_true(wait_for(n.a, POLLIN));
    assert_int_equal(link_recv(n.a, frames, 1), 0);
    for (int i = 0; i < got; i++)
        link_release(n.a, frames[i]);
    expect(n.a, 100, 60);
    works(&n, 101, 1514);
    net_close(&n);
}

static void kernel_filter(const char *backend)
{
    const struct aoe_mac other = {{2, 0, 0, 0, 0, 99}};
    struct link_out out;
    struct net n;

    net_open(&n, backend);
    /* Requests for another host, with a VLAN's tag, of another protocol,
     * responses, and what this end sends itself: none arrives. */
    send_to(n.b, &other, false, 1, 60);
    send_to(n.b, &n.a->mac, true, 2, 60);
    send_to(n.a, &aoe_mac_broadcast, false, 3, 60);
    prepare(&out, bytes[0], &n.a->mac, &n.b->mac, false, 4, 64);
    memmove(bytes[0] + 16, bytes[0] + 12, 48);
    put_be32(bytes[0] + 12, 0x81000007);
    assert_int_equal(link_send(n.b, &out, 1), 1);
    prepare(&out, bytes[0], &n.a->mac, &n.b->mac, false, 5, 60);
    put_be16(bytes[0] + 12, 0x88a3);
    assert_int_equal(link_send(n.b, &out, 1), 1);
    assert_int_equal(n.b->tx_errors, 0);
    /* Unicast and broadcast do, and short ones as they were sent. */
    works(&n, 6, 60);
    send_to(n.b, &aoe_mac_broadcast, false, 7, 32);
    expect(n.a, 7, 32);
    net_close(&n);
}

static void down_and_up(const char *backend)
{
    struct link_frame *f;
    struct net n;

    net_open(&n, backend);
    must("ip link set w0 down");
    link_recv(n.a, &f, 1); /* takes the error off the descriptor */
    assert_int_equal(refresh_until(n.a, false), LINK_CHANGED_STATE);
    assert_int_equal(link_recv(n.a, &f, 1), -ENETDOWN);
    assert_int_equal(link_refresh(n.a), 0);
    /* Nothing is left that would make a loop spin. */
    assert_int_equal(
        poll(&(struct pollfd){.fd = n.a->fd, .events = POLLIN}, 1, 0), 0);
    assert_int_equal(send_to(n.a, &n.b->mac, true, 1, 60), 1);
    assert_int_equal(n.a->tx_errors, 1);
    /* The other end has lost its carrier. */
    assert_int_equal(refresh_until(n.b, false), LINK_CHANGED_STATE);
    must("ip link set w0 up");
    assert_int_equal(refresh_until(n.a, true), LINK_CHANGED_STATE);
    assert_int_equal(refresh_until(n.b, true), LINK_CHANGED_STATE);
    works(&n, 2, 60);
    assert_int_equal(link_refresh(n.a), 0);
    net_close(&n);
}

static void opened_while_down(const char *backend)
{
    struct link_frame *f;
    struct net n;

    net_open(&n, backend);
    link_close(n.a);
    must("ip link set w0 down");
    n.a = open_on("w0", backend, false);
    assert_false(n.a->up);
    assert_int_equal(link_recv(n.a, &f, 1), -ENETDOWN);
    must("ip link set w0 up");
    assert_int_equal(refresh_until(n.a, true), LINK_CHANGED_STATE);
    refresh_until(n.b, true);
    works(&n, 1, 60);
    net_close(&n);
}

static void mtu(const char *backend)
{
    static const size_t jumbo = 9014;
    struct link_frame *held;
    struct net n;

    net_open(&n, backend);
    send_to(n.b, &n.a->mac, false, 1, 60);
    assert_true(wait_for(n.a, POLLIN));
    assert_int_equal(link_recv(n.a, &held, 1), 1);
    /* Too long for the interface: dropped, and the link goes on. */
    assert_int_equal(send_to(n.b, &n.a->mac, false, 2, jumbo), 1);
    assert_int_equal(n.b->tx_errors, 1);
    works(&n, 3, 1514);

    must("ip link set w0 mtu 9000 && ip link set w1 mtu 9000");
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MTU);
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_MTU);
    assert_int_equal(n.a->mtu, 9000);
    works(&n, 4, jumbo);
    assert_int_equal(get_be32(held->data + 20), 1);
    link_release(n.a, held);

    must("ip link set w0 mtu 1500 && ip link set w1 mtu 1500");
    assert_int_equal(send_to(n.b, &n.a->mac, false, 5, jumbo), 1);
    assert_int_equal(n.b->tx_errors, 2);
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MTU);
    assert_int_equal(link_refresh(n.b), LINK_CHANGED_MTU);
    assert_int_equal(n.a->mtu, 1500);
    works(&n, 6, 1514);
    net_close(&n);
}

/* A larger frame than the link knows of comes in: dropped and counted. */
static void frame_beyond_the_buffer(const char *backend)
{
    struct net n;

    net_open(&n, backend);
    must("ip link set w0 mtu 9000 && ip link set w1 mtu 9000");
    assert_int_equal(send_to(n.b, &n.a->mac, false, 1, 1514), 1);
    link_refresh(n.b);
    assert_int_equal(send_to(n.b, &n.a->mac, false, 2, 9014), 1);
    assert_int_equal(send_to(n.b, &n.a->mac, false, 3, 1514), 1);
    expect(n.a, 1, 1514);
    expect(n.a, 3, 1514);
    assert_int_equal(n.a->rx_drops, 1);
    net_close(&n);
}

static void address(const char *backend)
{
    const struct aoe_mac mac = {{2, 0, 0, 0, 1, 1}};
    struct net n;

    net_open(&n, backend);
    must("ip link set w0 address 02:00:00:00:01:01");
    assert_int_equal(link_refresh(n.a), LINK_CHANGED_MAC);
    assert_true(aoe_mac_equal(&n.a->mac, &mac));
    works(&n, 1, 60);
    net_close(&n);
}

static void removed_and_made_again(const char *backend)
{
    struct link_frame *f;
    struct net n;

    net_open(&n, backend);
    must("ip link del w0");
    link_recv(n.a, &f, 1);
    assert_int_equal(refresh_until(n.a, false), LINK_CHANGED_STATE);
    assert_int_equal(link_recv(n.a, &f, 1), -ENETDOWN);
    assert_int_equal(
        poll(&(struct pollfd){.fd = n.a->fd, .events = POLLIN}, 1, 0), 0);
    assert_int_equal(send_to(n.a, &n.b->mac, true, 1, 60), 1);
    assert_int_equal(n.a->tx_errors, 1);
    make_pair();
    assert_true(refresh_until(n.a, true) & LINK_CHANGED_STATE);
    refresh_until(n.b, true);
    works(&n, 2, 1514);
    /* Removed and made again before anyone looked. */
    must("ip link del w0");
    make_pair();
    assert_true(refresh_until(n.a, true) & LINK_CHANGED_STATE);
    refresh_until(n.b, true);
    works(&n, 3, 1514);
    net_close(&n);
}

/* tbf's limit holds about four frames, and 8 kbit/s never let them out within
 * the test: a caller that follows link_send's rule must still come to an end.
 */
static void full_queue(const char *backend)
{
    static struct link_out out[LINK_BATCH];
    int sent = 0;
    unsigned calls = 0;
    struct net n;

    net_open(&n, backend);
    if (!sh("tc qdisc add dev w0 root tbf rate 8kbit burst 1600 limit 6000"
            " 2>/dev/null")) {
        net_close(&n);
        print_message("skipped: no tbf queue here\n");
        skip();
    }
    for (int i = 0; i < LINK_BATCH; i++)
        prepare(&out[i], bytes[i], &n.b->mac, &n.a->mac, true, (uint32_t)i + 1,
                1514);
    while (sent < LINK_BATCH) {
        int count = link_send(n.a, out + sent, LINK_BATCH - sent);

        assert_true(count >= 0);
        sent += count;
        calls++;
        if (sent < LINK_BATCH)
            assert_true(wait_for(n.a, POLLOUT));
        assert_true(calls <= 2 * LINK_BATCH);
    }
    assert_int_equal(n.a->tx_frames + n.a->tx_errors, LINK_BATCH);
    assert_true(n.a->tx_errors > 0);
    assert_true(n.a->tx_frames > 0);
    expect(n.b, 1, 1514);
    net_close(&n);
}

static void bad_interfaces(const char *backend)
{
    struct link_options o = {.backend = backend};
    struct link *l;
    struct net n;

    net_open(&n, backend);
    assert_int_equal(link_open(&l, "nosuch", &o), -ENODEV);
    assert_int_equal(link_open(&l, "", &o), -ENODEV);
    assert_int_equal(link_open(&l, "a-name-that-is-too-long", &o), -ENODEV);
    if (sh("ip tuntap add dev t0 mode tun 2>/dev/null")) {
        assert_int_equal(link_open(&l, "t0", &o), -ENOTSUP);
        must("ip link del t0");
    }
    o.backend = "pigeon";
    assert_int_equal(link_open(&l, "w0", &o), -EINVAL);
    o.backend = backend;
    o.align = 3;
    assert_int_equal(link_open(&l, "w0", &o), -EINVAL);
    net_close(&n);
}

/* Runs `child` in a process of its own and returns its exit status. */
static int in_child(int (*child)(void *arg), void *arg)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child(arg));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
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
    struct net n;

    net_open(&n, backend);
    assert_int_equal(
        in_child(open_without_privilege, (void *)(uintptr_t)backend), EPERM);
    net_close(&n);
}

static void aligned_buffers(const char *backend)
{
    const struct link_options o = {.backend = backend,
                                   .align = 4096,
                                   .align_at = AOE_ATA_HEADER,
                                   .rx_frames = 4,
                                   .socket_bytes = 1 << 20};
    struct link_frame *f;
    struct net n;

    net_open(&n, backend);
    link_close(n.a);
    assert_int_equal(link_open(&n.a, "w0", &o), 0);
    send_to(n.b, &n.a->mac, false, 1, 1060);
    assert_true(wait_for(n.a, POLLIN));
    assert_int_equal(link_recv(n.a, &f, 1), 1);
    assert_int_equal((uintptr_t)(f->data + AOE_ATA_HEADER) % 4096, 0);
    assert_int_equal(f->len, 1060);
    link_release(n.a, f);
    net_close(&n);
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
                what(backend, address) what(backend, removed_and_made_again)   \
                    what(backend, full_queue) what(backend, bad_interfaces)    \
                        what(backend, no_privilege)                            \
                            what(backend, aligned_buffers)

FOR_EVERY_TEST(packet, FOR_BACKEND)
#ifdef HAVE_PCAP
FOR_EVERY_TEST(pcap, FOR_BACKEND)
#endif

/* ---- the packet link alone ----------------------------------------------- */

/* Makes recvmmsg and sendmmsg answer ENOSYS, as kernels before 2.6.33 do. */
static bool forbid_batches(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_recvmmsg, 2, 0),
#ifdef SYS_recvmmsg_time64
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_recvmmsg_time64, 1, 0),
#else
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_recvmmsg, 1, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmmsg, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]),
                                 .filter = code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int batches_on_an_old_kernel(void *arg)
{
    static struct link_out out[LINK_BATCH];
    struct link_frame *frames[LINK_BATCH];
    struct net *n = arg;
    int sent, got;

    if (!forbid_batches())
        return 2;
    for (int i = 0; i < LINK_BATCH; i++)
        prepare(&out[i], bytes[i], &n->a->mac, &n->b->mac, false,
                (uint32_t)i + 1, 1514);
    sent = link_send(n->b, out, LINK_BATCH);
    got = link_recv(n->a, frames, LINK_BATCH);
    if (sent != LINK_BATCH || got != LINK_BATCH)
        return 3;
    for (int i = 0; i < got; i++)
        if (frames[i]->len != 1514 ||
            memcmp(frames[i]->data, bytes[i], 1514) != 0 ||
            frames[i]->age_ns == 0)
            return 4;
    return n->b->tx_bytes == LINK_BATCH * 1514 ? 0 : 5;
}

static void packet_without_recvmmsg(void **state)
{
    struct net n;

    (void)state;
    net_open(&n, "packet");
    assert_int_equal(in_child(batches_on_an_old_kernel, &n), 0);
    net_close(&n);
}

/* The kernel drops what its queue cannot hold, and the link says how many. */
static void packet_counts_drops(void **state)
{
    const struct link_options o = {.socket_bytes = 1};
    struct net n;
    uint64_t got = 0;
    struct link_frame *f;

    (void)state;
    net_open(&n, "packet");
    link_close(n.a);
    assert_int_equal(link_open(&n.a, "w0", &o), 0);
    for (uint32_t tag = 1; tag <= 100; tag++)
        send_to(n.b, &n.a->mac, false, tag, 1514);
    while (link_recv(n.a, &f, 1) == 1) {
        link_release(n.a, f);
        got++;
    }
    link_refresh(n.a);
    assert_true(n.a->rx_drops > 0);
    assert_int_equal(got + n.a->rx_drops, 100);
    link_refresh(n.a);
    assert_int_equal(got + n.a->rx_drops, 100);
    net_close(&n);
}

static void loopback(void **state)
{
    struct link_frame *f;
    struct aoe_mac lo = {{0}};
    struct link *l;

    (void)state;
    if (why_not) {
        print_message("skipped: %s\n", why_not);
        skip();
    }
    must("ip link set lo up");
    l = open_on("lo", NULL, false);
    assert_true(l->up);
    assert_string_equal(l->ops->name, "packet");
    send_to(l, &lo, false, 1, 1060);
    expect(l, 1, 1060);
    assert_int_equal(link_recv(l, &f, 1), 0);
    link_close(l);
}

struct names {
    unsigned count;
    char text[8][LINK_NAME_MAX];
};

static void add_name(void *arg, const char *ifname)
{
    struct names *n = arg;

    assert_true(n->count < 8);
    snprintf(n->text[n->count++], LINK_NAME_MAX, "%s", ifname);
}

static void candidates(void **state)
{
    struct names names = {0};
    struct net n;

    (void)state;
    net_open(&n, "packet");
    must("ip link set lo up && ip link add w2 type veth peer name w3");
    link_candidates(add_name, &names);
    assert_int_equal(names.count, 2);
    assert_true(strcmp(names.text[0], names.text[1]) != 0);
    for (unsigned i = 0; i < names.count; i++)
        assert_true(strcmp(names.text[i], "w0") == 0 ||
                    strcmp(names.text[i], "w1") == 0);
    must("ip link del w2");
    net_close(&n);
}

#define IN_TABLE(backend, test) cmocka_unit_test(backend##_##test),

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOR_EVERY_TEST(packet, IN_TABLE)
#ifdef HAVE_PCAP
            FOR_EVERY_TEST(pcap, IN_TABLE)
#endif
                cmocka_unit_test(packet_without_recvmmsg),
        cmocka_unit_test(packet_counts_drops),
        cmocka_unit_test(loopback),
        cmocka_unit_test(candidates),
    };

    return cmocka_run_group_tests(tests, make_namespace, NULL);
}

#else

int main(void)
{
    print_message("skipped: these interfaces are Linux's\n");
    return 0;
}

#endif
