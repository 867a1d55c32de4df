/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A port's link: frames from it, replies to it, and its interface.  Nothing on
 * the network ends this: an interface that goes down, changes its MTU or
 * vanishes is looked at again each second (doc/safety.md).
 */
#include "target/port.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/port_parts.h"
#include "target/server.h"

enum {
    /* Frames received and answered at a time.  All that wait at once would
     * make client and server take turns instead of working side by side
     * (measured). */
    GROUP = 8,
    ROUNDS = 8, /* groups before other ports and timers get their turn */

    FRAMES_LEAST = 64,
    FRAMES_MOST = 512,
    DIRECT_ALIGN_MOST = 4096,
};

/* A request that waited longer in the receive queue was sent again by its
 * client; executed now, it could undo what was written since. */
#define AGE_LIMIT NS_PER_S

/* ---- requests come in ---------------------------------------------------- */

static void receive(struct port *p)
{
    struct link_frame *frames[GROUP];

    for (int round = 0; round < ROUNDS && p->events & POLLIN; round++) {
        int n = link_recv(p->link, frames, GROUP);

        if (n < 0)
            p->failing = true;
        for (int i = 0; i < n; i++)
            if (frames[i]->age_ns > AGE_LIMIT) {
                p->counts[PORT_AGED]++;
                link_release(p->link, frames[i]);
            } else {
                port_dispatch(p, frames[i], NULL);
            }
        server_settle(p->server);
        if (n < GROUP)
            break;
    }
}

/* ---- replies go out ----------------------------------------------------- */

/* Offers the replies to the link.  False: its queue is full. */
static bool send_replies(struct port *p)
{
    struct link_out *out = server_link_out(p->server);

    while (!list_empty(&p->outgoing)) {
        int count = 0, sent;

        list_each(it, &p->outgoing) {
            struct request *r = list_entry(it, struct request, link);

            if (count == LINK_BATCH)
                break;
            out[count].iov[0].iov_base = r->x.frame;
            out[count].iov[0].iov_len = r->x.reply_len;
            out[count++].iovcnt = 1;
        }
        sent = link_send(p->link, out, count);
        for (int i = 0; i < sent; i++) {
            struct list *node = list_first(&p->outgoing);
            struct request *r = list_entry(node, struct request, link);

            list_remove(node);
            link_release(p->link, r->frame);
            port_request_free(r);
        }
        if (sent < count)
            return false;
    }
    return true;
}

/* Watches for what can be handled.  Without free buffers nothing is received,
 * and a descriptor that only reports errors is left alone until the next look:
 * either would turn the loop for nothing. */
static void watch(struct port *p)
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
        loop_unwatch(server_loop(p->server), &p->watch);
    else if (loop_watch(server_loop(p->server), &p->watch, events))
        p->events = 0; /* no memory: port_refresh tries again */
}

void port_settle(struct port *p)
{
    bool writable = send_replies(p);

    port_spread(p);
    port_announce(p);
    if (writable && !list_empty(&p->outgoing)) {
        /* Buffers come back; what stopped for want of them goes on. */
        if (send_replies(p) &&
            (!list_empty(&p->spreading) || p->announce_next < p->disk_count))
            server_touch_port(p->server, p);
    }
    watch(p);
}

/* ---- the interface ------------------------------------------------------ */

void port_ready(struct port *p, short revents)
{
    if (p->events & POLLIN)
        receive(p);
    if (revents & (POLLERR | POLLHUP | POLLNVAL) && !(revents & POLLIN))
        p->failing = true;
    server_touch_port(p->server, p);
}

static void ready(void *arg, short revents)
{
    port_ready(arg, revents);
}

static void announce_all(struct port *p)
{
    p->announce_next = p->announce_to = 0;
    server_touch_port(p->server, p);
}

void port_refresh(struct port *p)
{
    int changes = link_refresh(p->link);

    if (p->watch.fd != p->link->fd) {
        loop_unwatch(server_loop(p->server), &p->watch);
        p->events = 0;
        p->watch.fd = p->link->fd;
    }
    if (changes & LINK_CHANGED_STATE)
        log_info("%s: interface is %s", p->ifname, p->link->up ? "up" : "down");
    if (changes & LINK_CHANGED_MTU)
        log_info("%s: MTU is %u", p->ifname, p->link->mtu);
    p->failing = !p->link->up;
    if (changes && p->link->up && !p->stopped)
        announce_all(p);
    server_touch_port(p->server, p);
}

static unsigned frames_wanted(const struct port *p)
{
    unsigned n = FRAMES_LEAST;

    for (unsigned i = 0; i < p->disk_count && n < FRAMES_MOST; i++)
        n += 2u * p->disks[i]->export.buffer_count;
    return n < FRAMES_MOST ? n : FRAMES_MOST;
}

static unsigned align_wanted(const struct port *p)
{
    unsigned align = 1;

    for (unsigned i = 0; i < p->disk_count; i++)
        if (p->disks[i]->store->memory_align > align)
            align = p->disks[i]->store->memory_align;
    if (align == 1)
        return 0;
    return align < DIRECT_ALIGN_MOST ? align : DIRECT_ALIGN_MOST;
}

void port_link_options(const struct port *p, struct link_options *o)
{
    *o = (struct link_options){
        .rx_frames = frames_wanted(p),
        .align = align_wanted(p),
        .align_at = AOE_ATA_HEADER,
    };
    if (p->disk_count == 1) {
        o->filter.one_addr = true;
        o->filter.addr = p->disks[0]->export.addr;
    }
}

void port_start(struct port *p, struct link *l)
{
    p->link = l;
    l->owner = p;
    p->frames = l->free_count;
    p->failing = !l->up;
    p->watch = (struct loop_fd){.fd = l->fd, .ready = ready, .arg = p};
    announce_all(p);
}

void port_stop(struct port *p)
{
    struct list *node;

    p->stopped = true;
    p->announce_next = p->disk_count;
    while ((node = list_first(&p->spreading))) {
        list_remove(node);
        link_release(p->link, list_entry(node, struct link_frame, link));
    }
    server_touch_port(p->server, p);
}

int port_new(struct port **out, struct server *server, const char *ifname)
{
    struct port *p = calloc(1, sizeof *p);

    if (!p)
        return -ENOMEM;
    p->server = server;
    strncpy(p->ifname, ifname, sizeof p->ifname - 1);
    list_init(&p->unused);
    list_init(&p->outgoing);
    list_init(&p->spreading);
    *out = p;
    return 0;
}

void port_free(struct port *p)
{
    struct list *node;

    if (p->events)
        loop_unwatch(server_loop(p->server), &p->watch);
    list_splice(&p->unused, &p->outgoing);
    while ((node = list_first(&p->unused))) {
        list_remove(node);
        free(list_entry(node, struct request, link));
    }
    link_close(p->link);
    free(p->disks);
    free(p);
}
