/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A port's interface and the disks that are served there.  Nothing on the
 * network ends this: an interface that goes down, changes its MTU or vanishes
 * is looked at again each second (doc/safety.md).
 */
#include "target/serve/port_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "target/serve/server.h"

enum {
    FRAMES_LEAST = 64,
    FRAMES_MOST = 512,
    DIRECT_ALIGN_MOST = 4096,
};

/* How long a client may take to learn of a smaller MTU. */
#define FELL_NS (10 * NS_PER_S)

/* ---- its disks ------------------------------------------------------------
 */

static uint32_t addr_key(struct aoe_addr a)
{
    return (uint32_t)a.shelf << 8 | a.slot;
}

/* The place of an address in the sorted table, or where it would be. */
static unsigned disk_place(const struct port *p, struct aoe_addr addr)
{
    unsigned low = 0, high = p->disk_count;

    while (low < high) {
        unsigned mid = low + (high - low) / 2;

        if (addr_key(p->disks[mid]->export.addr) < addr_key(addr))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct disk *port_disk_at(const struct port *p, struct aoe_addr addr)
{
    unsigned i = disk_place(p, addr);

    if (i < p->disk_count && aoe_addr_equal(p->disks[i]->export.addr, addr))
        return p->disks[i];
    return NULL;
}

int port_attach(struct port *p, struct disk *d)
{
    unsigned at = disk_place(p, d->export.addr);
    struct disk **grown;

    if (port_disk_at(p, d->export.addr))
        return -EEXIST;
    grown = reallocarray(p->disks, p->disk_count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    p->disks = grown;
    memmove(grown + at + 1, grown + at, (p->disk_count - at) * sizeof *grown);
    grown[at] = d;
    p->disk_count++;
    /* What is under way with the disks behind it goes on with them. */
    if (at < p->spread_next)
        p->spread_next++;
    if (at < p->announce_next)
        p->announce_next++;
    return 0;
}

void port_detach(struct port *p, const struct disk *d)
{
    unsigned at = disk_place(p, d->export.addr);

    if (at == p->disk_count || p->disks[at] != d)
        return;
    p->disk_count--;
    memmove(p->disks + at, p->disks + at + 1,
            (p->disk_count - at) * sizeof p->disks[0]);
    if (at < p->spread_next)
        p->spread_next--;
    if (at == p->announce_next)
        p->announce_to = 0;
    if (at < p->announce_next)
        p->announce_next--;
}

/* ---- the interface --------------------------------------------------------
 */

/* Watches for what can be handled.  Without free buffers nothing is received,
 * and a descriptor that only reports errors is left alone until the next look:
 * either would turn the loop for nothing. */
void port_watch(struct port *p)
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

static void ready(void *arg, short revents)
{
    port_ready(arg, revents);
}

void port_refresh(struct port *p)
{
    unsigned mtu = p->link->mtu;
    int changes = link_refresh(p->link);

    if (p->link->mtu < mtu)
        p->fell_until = loop_now(server_loop(p->server)) + FELL_NS;
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
        port_announce_all(p);
    server_touch_port(p->server, p);
}

unsigned port_frames(unsigned requests)
{
    if (requests > (FRAMES_MOST - FRAMES_LEAST) / 2)
        return FRAMES_MOST;
    return FRAMES_LEAST + 2 * requests;
}

static unsigned frames_wanted(const struct port *p)
{
    unsigned requests = 0;

    for (unsigned i = 0; i < p->disk_count; i++)
        requests += p->disks[i]->export.buffer_count;
    return port_frames(requests);
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
    if (p->disk_count == 1 && !server_changing(p->server)) {
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
    port_announce_all(p);
}

void port_stop(struct port *p)
{
    struct list *node;

    p->stopped = true;
    p->announcing = false;
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
