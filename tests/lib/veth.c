/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A namespace, a veth pair and distinguishable frames.
 */
#ifdef __linux__

#include "tests/lib/veth.h"

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"

enum { PATIENCE_MS = 5000 };

static const char *why_not; /* why the tests cannot run here */

bool veth_shell(const char *command)
{
    return system(command) == 0;
}

void veth_must(const char *command)
{
    if (!veth_shell(command))
        fail_msg("%s", command);
}

int veth_namespace(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNET) < 0)
        why_not = "no permission for a network namespace (needs root)";
    else if (!veth_shell("ip link add w0 type veth peer name w1 2>&1"))
        why_not = "no veth interfaces, or no ip command";
    else
        veth_shell("ip link del w0");
    return 0;
}

struct link *veth_link(const char *ifname, const char *backend, bool responses)
{
    const struct link_options o = {.backend = backend,
                                   .filter = {.responses = responses}};
    struct link *l = NULL;

    assert_int_equal(link_open(&l, ifname, &o), 0);
    return l;
}

void veth_make(void)
{
    veth_must("ip link add w0 type veth peer name w1 && "
              "ip link set w0 up && ip link set w1 up");
}

void veth_or_skip(void)
{
    if (!why_not)
        return;
    print_message("skipped: %s\n", why_not);
    skip();
}

void veth_open(struct veth *n, const char *backend)
{
    veth_or_skip();
    veth_shell("ip link del w0 2>/dev/null");
    veth_make();
    n->a = veth_link("w0", backend, false);
    n->b = veth_link("w1", backend, true);
    veth_settle(n->a, true);
    veth_settle(n->b, true);
    assert_int_equal(n->a->mtu, 1500);
    assert_string_equal(n->a->ops->name, backend);
}

void veth_close(struct veth *n)
{
    link_close(n->a);
    link_close(n->b);
    veth_must("ip link del w0");
}

void veth_frame(struct link_out *out, uint8_t *frame, const struct aoe_mac *dst,
                const struct aoe_mac *src, bool response, uint32_t tag,
                size_t len)
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

int veth_send(struct link *from, const struct aoe_mac *dst, bool response,
              uint32_t tag, size_t len)
{
    uint8_t *frame = malloc(len);
    struct link_out out;
    int taken;

    assert_non_null(frame);
    veth_frame(&out, frame, dst, &from->mac, response, tag, len);
    taken = link_send(from, &out, 1);
    free(frame);
    return taken;
}

bool veth_wait(struct link *l, short events)
{
    struct pollfd p = {.fd = l->fd, .events = events};

    return poll(&p, 1, PATIENCE_MS) == 1;
}

/* Waits for one frame and returns its tag, 0 if none came. */
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
        if (!veth_wait(l, POLLIN))
            return 0;
    }
}

void veth_expect(struct link *l, uint32_t tag, size_t len)
{
    size_t got_len = 0;

    assert_int_equal(receive(l, &got_len), tag);
    assert_int_equal(got_len, len);
}

void veth_works(struct veth *n, uint32_t tag, size_t len)
{
    assert_int_equal(veth_send(n->b, &n->a->mac, false, tag, len), 1);
    veth_expect(n->a, tag, len);
    assert_int_equal(veth_send(n->a, &n->b->mac, true, tag, len), 1);
    veth_expect(n->b, tag, len);
}

int veth_settle(struct link *l, bool up)
{
    int changed = link_refresh(l);

    for (int i = 0; i < PATIENCE_MS && l->up != up; i++) {
        poll(NULL, 0, 1);
        changed |= link_refresh(l);
    }
    assert_int_equal(l->up, up);
    return changed;
}

int veth_child(int (*child)(void *arg), void *arg)
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

#endif
