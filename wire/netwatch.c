/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The messages are not parsed for what exactly changed: the callback reads its
 * interface anyway, and that leaves nothing to misinterpret.
 */
#include "wire/netwatch.h"

#include <errno.h>

#ifdef __linux__

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

struct netwatch {
    struct loop *loop;
    struct loop_fd watch;
    void (*changed)(void *arg);
    void *arg;
};

static void ready(void *arg, short revents)
{
    struct netwatch *w = arg;
    char message[256]; /* the rest of each is cut off */
    ssize_t n;

    /* ENOBUFS means that messages were lost, and counts as a change; no other
     * error lasts for more than one call. */
    do
        n = recv(w->watch.fd, message, sizeof message, MSG_DONTWAIT);
    while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
    if (revents & POLLNVAL)
        loop_unwatch(w->loop, &w->watch);
    w->changed(w->arg);
}

int netwatch_open(struct netwatch **out, struct loop *loop,
                  void (*changed)(void *arg), void *arg)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                  .nl_groups = RTMGRP_LINK};
    struct netwatch *w = calloc(1, sizeof *w);
    int err = 0;

    if (!w)
        return -ENOMEM;
    *w = (struct netwatch){.loop = loop, .changed = changed, .arg = arg};
    w->watch = (struct loop_fd){.ready = ready, .arg = w};
    w->watch.fd = fd_nonblock(fd_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    if (w->watch.fd < 0 ||
        bind(w->watch.fd, (struct sockaddr *)&address, sizeof address) < 0)
        err = -errno;
    if (!err)
        err = loop_watch(loop, &w->watch, POLLIN);
    if (err) {
        netwatch_close(w);
        return err;
    }
    *out = w;
    return 0;
}

void netwatch_close(struct netwatch *w)
{
    if (!w)
        return;
    loop_unwatch(w->loop, &w->watch);
    if (w->watch.fd >= 0)
        close(w->watch.fd);
    free(w);
}

#else

int netwatch_open(struct netwatch **out, struct loop *loop,
                  void (*changed)(void *arg), void *arg)
{
    (void)out;
    (void)loop;
    (void)changed;
    (void)arg;
    return -ENOTSUP;
}

void netwatch_close(struct netwatch *w)
{
    (void)w;
}

#endif
