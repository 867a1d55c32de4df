/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A port's life and its turns.  Nothing on the network ends it: an interface
 * that goes down, changes its MTU or vanishes is checked again every second
 * (doc/safety.md).
 */
#include "target/serve/port_parts.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/serve/port_trace.h"

enum {
    /* Frames received and answered at a time.  Taking all that wait would
     * make client and server take turns instead of working in parallel
     * (measured). */
    GROUP = 8,
    ROUNDS = 8, /* batches before other ports and timers get their turn */
};

/* The client has retransmitted a request that waited longer in the receive
 * queue; executed now, it could undo newer writes. */
#define AGE_LIMIT NS_PER_S

/* How long a client may take to learn of a smaller MTU. */
#define FELL_NS (10 * NS_PER_S)

/* ---- turns -------------------------------------------------------------- */

static void set_failing(struct target_port *p)
{
    if (!p->failing)
        log_debug("%s: reports an error; looking again in a second", p->ifname);
    p->failing = true;
}

static void receive_one(struct target_port *p, struct link_frame *f)
{
    if (p->held) {
        port_trace(p, "dropped (its network has not been asked yet)", f->data,
                   f->len);
        link_release(p->link, f);
        return;
    }
    if (f->age_ns > AGE_LIMIT) {
        port_trace(p, "dropped (waited too long in the receive queue)", f->data,
                   f->len);
        p->counts[PORT_AGED]++;
        link_release(p->link, f);
        return;
    }
    port_trace(p, "received", f->data, f->len);
    port_dispatch(p, f, NULL);
}

static void receive(struct target_port *p)
{
    struct link_frame *frames[GROUP];

    for (int round = 0; round < ROUNDS && p->events & POLLIN; round++) {
        int n = link_recv(p->link, frames, GROUP);

        if (n < 0)
            set_failing(p);
        else if (n > 0)
            p->host->received(p->host->arg, (unsigned)n);
        for (int i = 0; i < n; i++)
            receive_one(p, frames[i]);
        p->host->settle(p->host->arg);
        if (n < GROUP)
            break;
    }
}

void port_ready(struct target_port *p, short revents)
{
    if (p->events & POLLIN)
        receive(p);
    if (revents & (POLLERR | POLLHUP | POLLNVAL) && !(revents & POLLIN))
        set_failing(p);
    port_touch(p);
}

/* Watches only for events that can be handled.  Without free buffers nothing is
 * received, and a descriptor that only reports errors is left alone until the
 * next check: either would make the loop spin. */
static void watch(struct target_port *p)
{
    short events = 0;

    if (!p->stopped && p->link->free_count > 0 && list_empty(&p->spreading))
        events |= POLLIN;
    if (!list_empty(&p->outgoing))
        events |= POLLOUT;
    if (p->failing)
        events = 0;
    if (events == p->events)
        return;
    p->events = events;
    if (!events)
        loop_unwatch(p->host->loop, &p->watch);
    else if (loop_watch(p->host->loop, &p->watch, events))
        p->events = 0; /* no memory: port_refresh tries again */
}

void port_settle(struct target_port *p)
{
    bool writable = port_send_replies(p);

    port_spread(p);
    if (writable && !list_empty(&p->outgoing)) {
        /* Buffers are free again; what waited for them continues. */
        if (port_send_replies(p) &&
            (!list_empty(&p->spreading) || p->announcing))
            port_touch(p);
    }
    watch(p);
}

/* ---- the interface ------------------------------------------------------ */

static void ready(void *arg, short revents)
{
    port_ready(arg, revents);
}

static void say_renamed(const struct target_port *p)
{
    if (strcmp(p->link->name_now, p->ifname) == 0)
        log_info("%s: the interface of that name is used again", p->ifname);
    else
        log_info("%s: is called %s now and is used as before; name it so",
                 p->ifname, p->link->name_now);
}

/* A port of a bridge hears nothing, which looks like a dead network. */
static void look_for_master(struct target_port *p)
{
    char text[NET_MASTER_TEXT] = "";

    net_master(p->link->name_now, NULL, text);
    if (text[0] && strcmp(text, p->master) != 0)
        log_error("%s: %s", p->link->name_now, text);
    strcpy(p->master, text);
}

void port_refresh(struct target_port *p)
{
    unsigned mtu = p->link->mtu;
    int changes = link_refresh(p->link);

    if (p->link->mtu < mtu)
        p->fell_until = loop_now(p->host->loop) + FELL_NS;
    if (p->watch.fd != p->link->fd) {
        loop_unwatch(p->host->loop, &p->watch);
        p->events = 0;
        p->watch.fd = p->link->fd;
    }
    look_for_master(p);
    if (changes & LINK_CHANGED_NAME)
        say_renamed(p);
    if (changes & LINK_CHANGED_STATE)
        log_info("%s: interface is %s", p->ifname, p->link->up ? "up" : "down");
    if (changes & LINK_CHANGED_MTU)
        log_info("%s: MTU is %u", p->ifname, p->link->mtu);
    p->failing = !p->link->up;
    if (changes && p->link->up && !p->stopped) {
        port_announce_all(p);
        if (p->held)
            p->host->appeared(p->host->arg);
    }
    port_touch(p);
}

void port_hold(struct target_port *p)
{
    log_debug("%s: held until its network has been asked", p->ifname);
    p->held = true;
    p->announcing = false;
}

void port_release_held(struct target_port *p)
{
    if (!p->held)
        return;
    log_debug("%s: released", p->ifname);
    p->held = false;
    port_announce_all(p);
}

void port_start(struct target_port *p, struct link *l)
{
    assert(!p->link && !p->stopped);
    p->link = l;
    l->owner = p;
    p->frames = l->free_count;
    p->failing = !l->up;
    p->watch = (struct loop_fd){.fd = l->fd, .ready = ready, .arg = p};
    log_debug("%s: port opened: %s, MTU %u, %u receive buffers", p->ifname,
              l->ops->name, l->mtu, p->frames);
    look_for_master(p);
    port_announce_all(p);
}

void port_stop(struct target_port *p)
{
    struct list *node;

    assert(p->link);
    log_debug("%s: port stopped, %u requests to finish", p->ifname, p->active);
    p->stopped = true;
    p->announcing = false;
    while ((node = list_first(&p->spreading))) {
        list_remove(node);
        link_release(p->link, list_entry(node, struct link_frame, link));
    }
    port_touch(p);
}

int port_new(struct target_port **out, const struct port_host *host,
             const char *ifname)
{
    struct target_port *p = calloc(1, sizeof *p);

    if (!p)
        return -ENOMEM;
    p->host = host;
    strncpy(p->ifname, ifname, sizeof p->ifname - 1);
    list_init(&p->unused);
    list_init(&p->outgoing);
    list_init(&p->spreading);
    *out = p;
    return 0;
}

void port_free(struct target_port *p)
{
    struct list *node;

    log_debug("%s: port closed", p->ifname);
    if (p->events)
        loop_unwatch(p->host->loop, &p->watch);
    list_remove(&p->touched);
    list_splice(&p->unused, &p->outgoing);
    while ((node = list_first(&p->unused))) {
        list_remove(node);
        free(list_entry(node, struct request, link));
    }
    link_close(p->link);
    free(p->disks);
    free(p);
}
