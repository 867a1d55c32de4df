/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What only the packet link does: kernels without recvmmsg, the kernel's drop
 * counter, the loopback; and the list of usable interfaces.
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
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/lib/veth.h"

static uint8_t bytes[LINK_BATCH][16384];

/* Makes recvmmsg and sendmmsg fail with ENOSYS, as on kernels before 2.6.33. */
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
    struct veth *n = arg;
    int sent, got;

    if (!forbid_batches())
        return 2;
    for (int i = 0; i < LINK_BATCH; i++)
        veth_frame(&out[i], bytes[i], &n->a->mac, &n->b->mac, false,
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

static void socket_without_recvmmsg(void **state)
{
    struct veth n;

    (void)state;
    veth_open(&n, "socket");
    assert_int_equal(veth_child(batches_on_an_old_kernel, &n), 0);
    veth_close(&n);
}

/* The kernel drops what it cannot queue, and the link counts it. */
static void drops(const char *backend)
{
    const struct link_options o = {.backend = backend, .socket_bytes = 1};
    struct veth n;
    uint64_t got = 0;
    struct link_frame *f;

    veth_open(&n, backend);
    link_close(n.a);
    assert_int_equal(link_open(&n.a, "w0", &o), 0);
    for (uint32_t tag = 1; tag <= 100; tag++)
        veth_send(n.b, &n.a->mac, false, tag, 1514);
    while (link_recv(n.a, &f, 1) == 1) {
        link_release(n.a, f);
        got++;
    }
    link_refresh(n.a);
    assert_true(n.a->rx_drops > 0);
    assert_int_equal(got + n.a->rx_drops, 100);
    link_refresh(n.a);
    assert_int_equal(got + n.a->rx_drops, 100);
    veth_close(&n);
}

static void packet_counts_drops(void **state)
{
    (void)state;
    drops("packet");
}

static void socket_counts_drops(void **state)
{
    (void)state;
    drops("socket");
}

static void loopback(void **state)
{
    struct link_frame *f;
    struct aoe_mac lo = {{0}};
    struct link *l;

    (void)state;
    veth_or_skip();
    veth_must("ip link set lo up");
    l = veth_link("lo", NULL, false);
    assert_true(l->up);
    assert_string_equal(l->ops->name, "packet");
    veth_send(l, &lo, false, 1, 1060);
    veth_expect(l, 1, 1060);
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
    struct veth n;

    (void)state;
    veth_open(&n, "packet");
    veth_must("ip link set lo up && ip link add w2 type veth peer name w3");
    link_candidates(add_name, &names);
    assert_int_equal(names.count, 2);
    assert_true(strcmp(names.text[0], names.text[1]) != 0);
    for (unsigned i = 0; i < names.count; i++)
        assert_true(strcmp(names.text[i], "w0") == 0 ||
                    strcmp(names.text[i], "w1") == 0);
    veth_must("ip link del w2");
    veth_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_without_recvmmsg),
        cmocka_unit_test(packet_counts_drops),
        cmocka_unit_test(socket_counts_drops),
        cmocka_unit_test(loopback),
        cmocka_unit_test(candidates),
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
