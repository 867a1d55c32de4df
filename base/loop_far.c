/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loop's epoll set.
 */
#include "base/loop_far.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

bool loop_far_holds(const struct loop_fd *w)
{
    return w->index == SIZE_MAX;
}

#ifdef __linux__
#include <poll.h>
#include <sys/epoll.h>

/* The two say the same with the same bits. */
_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT &&
                   EPOLLERR == POLLERR && EPOLLHUP == POLLHUP,
               "epoll's events are poll's");

static void dispatch(void *arg, short revents)
{
    struct loop_far *far = arg;
    struct epoll_event events[LOOP_FAR_BATCH];
    int count = epoll_wait(far->watch.fd, events, LOOP_FAR_BATCH, 0);

    (void)revents;
    for (int i = 0; i < count; i++)
        far->ready[i] = events[i].data.ptr;
    far->ready_count = count > 0 ? (unsigned)count : 0;
    for (int i = 0; i < count; i++) {
        struct loop_fd *w = far->ready[i];

        if (w)
            w->ready(w->arg, (short)events[i].events);
    }
    far->ready_count = 0;
}

static int open_set(struct loop *loop, struct loop_far *far)
{
    int fd = epoll_create1(EPOLL_CLOEXEC), err;

    if (fd < 0)
        return -errno;
    far->watch = (struct loop_fd){.fd = fd, .ready = dispatch, .arg = far};
    err = loop_watch(loop, &far->watch, POLLIN);
    if (err)
        close(fd);
    return err;
}

static int control(struct loop_far *far, int op, struct loop_fd *w,
                   short events)
{
    struct epoll_event event = {.events = (uint32_t)events, .data.ptr = w};

    return epoll_ctl(far->watch.fd, op, w->fd, &event) ? -errno : 0;
}

int loop_far_add(struct loop *loop, struct loop_far *far, struct loop_fd *w,
                 short events)
{
    int err = far->watch.index ? 0 : open_set(loop, far);

    if (!err)
        err = control(far, EPOLL_CTL_ADD, w, events);
    if (err)
        return err;
    w->index = SIZE_MAX;
    w->events = events;
    return 0;
}

void loop_far_change(struct loop_far *far, struct loop_fd *w, short events)
{
    if (w->events != events)
        control(far, EPOLL_CTL_MOD, w, events);
    w->events = events;
}

void loop_far_remove(struct loop_far *far, struct loop_fd *w)
{
    control(far, EPOLL_CTL_DEL, w, 0);
    w->index = 0;
    for (unsigned i = 0; i < far->ready_count; i++)
        if (far->ready[i] == w)
            far->ready[i] = NULL;
}

void loop_far_close(struct loop_far *far)
{
    if (far->watch.index)
        close(far->watch.fd);
}
#else
int loop_far_add(struct loop *loop, struct loop_far *far, struct loop_fd *w,
                 short events)
{
    (void)loop, (void)far, (void)w, (void)events;
    return -ENOSYS;
}

void loop_far_change(struct loop_far *far, struct loop_fd *w, short events)
{
    (void)far, (void)w, (void)events;
}

void loop_far_remove(struct loop_far *far, struct loop_fd *w)
{
    (void)far, (void)w;
}

void loop_far_close(struct loop_far *far)
{
    (void)far;
}
#endif
