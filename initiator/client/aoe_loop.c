/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libaoe inside base/loop.
 */
#include "initiator/client/aoe_loop.h"

#include <string.h>

/* What libaoe waits for can change with every call, so it is asked again after
 * each service. */
static void rearm(struct aoe_loop *al)
{
    struct pollfd fds[AOE_INTERFACE_MAX];
    int count = aoe_poll_fds(al->aoe, fds, AOE_INTERFACE_MAX);
    int64_t due = aoe_timeout(al->aoe);

    for (int i = 0; i < count; i++) {
        if (al->watches[i].fd != fds[i].fd)
            loop_unwatch(al->loop, &al->watches[i]);
        al->watches[i].fd = fds[i].fd;
        loop_watch(al->loop, &al->watches[i], fds[i].events);
    }
    if (due >= 0)
        loop_timer_set(al->loop, &al->timer,
                       loop_clock(al->loop) + (uint64_t)due);
    else
        loop_timer_cancel(al->loop, &al->timer);
    loop_poll_for(al->loop, aoe_poll_ns(al->aoe));
}

static void service(void *arg)
{
    struct aoe_loop *al = arg;

    al->busy = true;
    if (al->readable)
        aoe_service(al->aoe);
    else
        aoe_push(al->aoe);
    al->readable = al->busy = false;
    rearm(al);
}

static void due(void *arg)
{
    aoe_loop_kick(arg);
}

static void ready(void *arg, short revents)
{
    struct aoe_loop *al = arg;

    (void)revents;
    al->readable = true;
    aoe_loop_kick(al);
}

int aoe_loop_attach(struct aoe_loop *al, struct loop *loop, struct aoe *aoe)
{
    struct pollfd fds[AOE_INTERFACE_MAX];

    memset(al, 0, sizeof *al);
    al->loop = loop;
    al->aoe = aoe;
    al->task = (struct loop_task){.run = service, .arg = al};
    al->timer = (struct loop_timer){.expired = due, .arg = al};
    al->watch_count = aoe_poll_fds(aoe, fds, AOE_INTERFACE_MAX);
    for (int i = 0; i < al->watch_count; i++) {
        int err;

        al->watches[i] =
            (struct loop_fd){.fd = fds[i].fd, .ready = ready, .arg = al};
        err = loop_watch(loop, &al->watches[i], fds[i].events);
        if (err)
            return err;
    }
    aoe_loop_kick(al);
    return 0;
}

void aoe_loop_detach(struct aoe_loop *al)
{
    for (int i = 0; i < al->watch_count; i++)
        loop_unwatch(al->loop, &al->watches[i]);
    loop_timer_cancel(al->loop, &al->timer);
    loop_task_cancel(&al->task);
}

void aoe_loop_kick(struct aoe_loop *al)
{
    /* What a callback of libaoe submits is sent by the service call it is
     * in. */
    if (!al->busy)
        loop_task_queue(al->loop, &al->task);
}
