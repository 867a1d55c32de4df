/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loop's epoll set.
 */
#include "base/loop_epoll.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "base/fd.h"

bool loop_epoll_holds(const struct loop_fd *w)
{
    return w->index == SIZE_MAX;
}

#ifdef __linux__
#include <poll.h>
#include <sys/epoll.h>

/* epoll's bits are used as poll's. */
_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT &&
                   EPOLLERR == POLLERR && EPOLLHUP == POLLHUP,
               "epoll's events are poll's");

static void dispatch(void *arg, short revents)
{
    struct loop_epoll *e = arg;
    struct epoll_event events[LOOP_EPOLL_BATCH];
    int count = epoll_wait(e->watch.fd, events, LOOP_EPOLL_BATCH, 0);

    (void)revents;
    for (int i = 0; i < count; i++)
        e->ready[i] = events[i].data.ptr;
    e->ready_count = count > 0 ? (unsigned)count : 0;
    for (int i = 0; i < count; i++) {
        struct loop_fd *w = e->ready[i];

        if (w)
            w->ready(w->arg, (short)events[i].events);
    }
    e->ready_count = 0;
}

int loop_epoll_open(struct loop_epoll *e)
{
    int fd = fd_epoll();

    assert(!e->watch.ready);
    if (fd < 0)
        return -errno;
    e->watch = (struct loop_fd){.fd = fd, .ready = dispatch, .arg = e};
    return 0;
}

static int control(struct loop_epoll *e, int op, struct loop_fd *w,
                   short events)
{
    struct epoll_event event = {.events = (uint32_t)events, .data.ptr = w};

    return epoll_ctl(e->watch.fd, op, w->fd, &event) ? -errno : 0;
}

int loop_epoll_add(struct loop_epoll *e, struct loop_fd *w, short events)
{
    int err;

    assert(!w->index && w->ready);
    err = control(e, EPOLL_CTL_ADD, w, events);
    if (err)
        return err;
    w->index = SIZE_MAX;
    w->events = events;
    return 0;
}

void loop_epoll_change(struct loop_epoll *e, struct loop_fd *w, short events)
{
    if (w->events != events)
        control(e, EPOLL_CTL_MOD, w, events);
    w->events = events;
}

void loop_epoll_remove(struct loop_epoll *e, struct loop_fd *w)
{
    control(e, EPOLL_CTL_DEL, w, 0);
    w->index = 0;
    for (unsigned i = 0; i < e->ready_count; i++)
        if (e->ready[i] == w)
            e->ready[i] = NULL;
}

void loop_epoll_close(struct loop_epoll *e)
{
    if (e->watch.ready)
        close(e->watch.fd);
    e->watch = (struct loop_fd){0};
}
#else
int loop_epoll_open(struct loop_epoll *e)
{
    (void)e;
    return -ENOSYS;
}

int loop_epoll_add(struct loop_epoll *e, struct loop_fd *w, short events)
{
    (void)e, (void)w, (void)events;
    return -ENOSYS;
}

void loop_epoll_change(struct loop_epoll *e, struct loop_fd *w, short events)
{
    (void)e, (void)w, (void)events;
}

void loop_epoll_remove(struct loop_epoll *e, struct loop_fd *w)
{
    (void)e, (void)w;
}

void loop_epoll_close(struct loop_epoll *e)
{
    (void)e;
}
#endif
