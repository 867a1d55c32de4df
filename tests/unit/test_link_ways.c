/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The packet link on a processor that has a receive ring for the usual frames
 * only: the ring comes and goes with the MTU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifdef __linux__

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/veth.h"
#include "wire/processor.h"

/* In place of the library's. */
struct processor_ways processor_ways(void)
{
    return (struct processor_ways){.ring_longest = 2048, .one_by_one = true};
}

/* Rings that this process has mapped. */
static unsigned rings(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    unsigned n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, "socket:[") != NULL;
    fclose(f);
    return n;
}

static void set_mtu(struct veth *n, unsigned mtu)
{
    char command[100];

    snprintf(command, sizeof command,
             "ip link set w0 mtu %u && ip link set w1 mtu %u", mtu, mtu);
    veth_must(command);
    assert_int_equal(link_refresh(n->a), LINK_CHANGED_MTU);
    assert_int_equal(link_refresh(n->b), LINK_CHANGED_MTU);
    assert_int_equal(n->a->mtu, mtu);
}

static void the_ring_follows_the_mtu(void **state)
{
    struct link_frame *held;
    struct veth n;

    (void)state;
    veth_open(&n, "packet");
    assert_int_equal(rings(), 2);
    veth_send(n.b, &n.a->mac, false, 1, 60);
    assert_true(veth_wait(n.a, POLLIN));
    assert_int_equal(link_recv(n.a, &held, 1), 1);
    for (uint32_t tag = 2; tag < 8; tag += 2) {
        set_mtu(&n, 9000);
        assert_int_equal(rings(), 0);
        veth_works(&n, tag, 9014);
        set_mtu(&n, 1500);
        assert_int_equal(rings(), 2);
        veth_works(&n, tag + 1, 1514);
    }
    link_release(n.a, held);
    veth_close(&n);
}

static void opened_with_long_frames(void **state)
{
    struct veth n;

    (void)state;
    veth_make();
    veth_must("ip link set w0 mtu 9000 && ip link set w1 mtu 9000");
    n.a = veth_link("w0", "packet", false);
    n.b = veth_link("w1", "packet", true);
    assert_int_equal(rings(), 0);
    veth_works(&n, 1, 9014);
    set_mtu(&n, 1500);
    assert_int_equal(rings(), 2);
    veth_works(&n, 2, 1514);
    veth_close(&n);
}

/* For a ring that a child has mapped, too, the socket is replaced. */
static void a_child_has_the_ring(void **state)
{
    struct veth n;
    int ends[2];
    char byte;
    pid_t pid;

    (void)state;
    veth_open(&n, "packet");
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0); /* until the parent has ended */
    }
    set_mtu(&n, 9000);
    assert_int_equal(rings(), 0);
    veth_works(&n, 1, 9014);
    set_mtu(&n, 1500);
    assert_int_equal(rings(), 2);
    veth_works(&n, 2, 1514);
    close(ends[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(ends[0]);
    veth_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ring_follows_the_mtu),
        cmocka_unit_test(opened_with_long_frames),
        cmocka_unit_test(a_child_has_the_ring),
    };

    return cmocka_run_group_tests(tests, veth_namespace, NULL);
}

#else

int main(void)
{
    print_message("skipped: these links are Linux's\n");
    return 0;
}

#endif
