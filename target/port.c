/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a received frame to the disks it is for, and replies to the wire.
 * Nothing on the network ends this: an interface that goes down, changes its
 * MTU or vanishes is looked at again each second (doc/safety.md).
 */
#include "target/port.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/server.h"

enum {
    /* Frames received and answered at a time.  All that wait at once would
     * make client and server take turns instead of working side by side
     * (measured). */
    GROUP = 8,
    ROUNDS = 8, /* groups before other ports and timers get their turn */

    FRAMES_LEAST = 64,
    FRAMES_MOST = 512,
    SHARE_LEAST = 2, /* requests that each disk may have in flight */
    DIRECT_ALIGN_MOST = 4096,
};

/* A request that waited longer in the receive queue was sent again by its
 * client; executed now, it could undo what was written since. */
#define AGE_LIMIT NS_PER_S

/* How long a client may take to learn of a smaller MTU. */
#define FELL_NS (10 * NS_PER_S)

const char *const port_counter_names[PORT_COUNTERS] = {
    [PORT_SHORT] = "drop_short",       [PORT_SOURCE] = "drop_source",
    [PORT_RESPONSE] = "drop_response", [PORT_UNMATCHED] = "drop_unmatched",
    [PORT_AGED] = "drop_aged",         [PORT_MEMORY] = "drop_memory",
};

/* ---- requests -------------------------------------------------------------
 */

/* Grows to as many as were ever in flight at once, then allocates no more. */
static struct request *request_new(struct port *p, struct link_frame *f)
{
    struct list *node = list_first(&p->unused);
    struct request *r;

    if (node) {
        list_remove(node);
        r = list_entry(node, struct request, link);
    } else {
        r = malloc(sizeof *r);
        if (!r)
            return NULL;
    }
    *r = (struct request){.port = p, .frame = f};
    r->x.frame = f->data;
    r->x.len = f->len;
    r->x.room = f->room;
    r->x.mac = &p->link->mac;
    r->x.mtu = p->link->mtu;
    r->x.mtu_fell = loop_now(server_loop(p->server)) < p->fell_until;
    p->active++;
    return r;
}

/* Gives up the request, but not its frame. */
static void request_free(struct request *r)
{
    list_prepend(&r->port->unused, &r->link);
    r->port->active--;
}

void port_answer(struct request *r)
{
    list_append(&r->port->outgoing, &r->link);
    server_touch_port(r->port->server, r->port);
}

void port_release(struct request *r)
{
    struct port *p = r->port;

    link_release(p->link, r->frame);
    request_free(r);
    server_touch_port(p->server, p);
}

/* ---- finding disks --------------------------------------------------------
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

static struct disk *disk_at(const struct port *p, struct aoe_addr addr)
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

    if (disk_at(p, d->export.addr))
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

/* ---- requests come in -----------------------------------------------------
 */

/* A disk that hangs may hold most of the buffers, but not the last quarter:
 * that stays for discovery and for the other disks. */
static bool too_busy(const struct port *p, const struct disk *d)
{
    unsigned share = (p->frames - p->frames / 4) / p->disk_count;

    /* However many disks there are. */
    if (share < SHARE_LEAST)
        share = SHARE_LEAST;
    return p->link->free_count < p->frames / 4 && d->in_flight >= share;
}

static void serve(struct request *r, struct disk *d)
{
    r->disk = d;
    r->x.export = &d->export;
    switch (responder_request(&r->x)) {
    case RESPONDER_REPLY:
        if (!disk_must_save(d, r)) {
            port_answer(r);
            return;
        }
        if (!too_busy(r->port, d)) {
            disk_save(d, r);
            return;
        }
        export_count(&d->export, COUNT_DROP_BUSY);
        break;
    case RESPONDER_STORE:
        if (!too_busy(r->port, d)) {
            disk_start(d, r);
            return;
        }
        export_count(&d->export, COUNT_DROP_BUSY);
        break;
    case RESPONDER_DROP:
        break;
    }
    port_release(r);
}

static void refuse(struct request *r, enum port_counter why)
{
    r->port->counts[why]++;
    port_release(r);
}

/* The frame is for `d`, or for whom its header says if that is NULL. */
static void dispatch_to(struct port *p, struct link_frame *f, struct disk *d)
{
    struct request *r = request_new(p, f);

    if (!r) {
        p->counts[PORT_MEMORY]++;
        link_release(p->link, f);
        return;
    }
    switch (responder_accept(&r->x)) {
    case RESPONDER_SHORT:
        refuse(r, PORT_SHORT);
        return;
    case RESPONDER_RESPONSE:
        refuse(r, PORT_RESPONSE);
        return;
    case RESPONDER_SOURCE:
        refuse(r, PORT_SOURCE);
        return;
    case RESPONDER_ACCEPTED:
        break;
    }
    if (!d && aoe_addr_wildcard(r->x.header.addr)) {
        request_free(r);
        list_append(&p->spreading, &f->link);
        server_touch_port(p->server, p);
        return;
    }
    if (!d)
        d = disk_at(p, r->x.header.addr);
    if (d)
        serve(r, d);
    else
        refuse(r, PORT_UNMATCHED);
}

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
                dispatch_to(p, frames[i], NULL);
            }
        server_settle(p->server);
        if (n < GROUP)
            break;
    }
}

/* ---- requests for many disks, and announcements ---------------------------
 */

/* A copy of a spreading frame for one disk.  False: there is no buffer. */
static bool spread_to(struct port *p, const struct link_frame *f,
                      struct disk *d)
{
    struct link_frame *copy = link_take(p->link);

    if (!copy)
        return false;
    copy->len = f->len < copy->room ? f->len : copy->room;
    memcpy(copy->data, f->data, copy->len);
    dispatch_to(p, copy, d);
    return true;
}

/* Gives each matching disk its copy of the first spreading frame, as far as
 * there are buffers.  True: that frame is done. */
static bool spread_first(struct port *p)
{
    struct link_frame *f =
        list_entry(list_first(&p->spreading), struct link_frame, link);
    struct aoe_header h;

    if (aoe_header_parse(f->data, f->len, &h))
        p->spread_next = p->disk_count;
    for (; p->spread_next < p->disk_count; p->spread_next++) {
        struct disk *d = p->disks[p->spread_next];

        if (aoe_addr_matches(h.addr, d->export.addr) && !spread_to(p, f, d))
            return false;
    }
    list_remove(&f->link);
    link_release(p->link, f);
    p->spread_next = 0;
    return true;
}

/* To everyone, or to each on the mask list: nobody else may know. */
static bool announce_one(struct port *p, struct disk *d)
{
    const struct mac_list *mask = &d->export.mask;
    const struct aoe_mac *to =
        mask->count ? &mask->macs[p->announce_to] : &aoe_mac_broadcast;
    struct link_frame *f = link_take(p->link);
    struct request *r;

    if (!f)
        return false;
    r = request_new(p, f);
    if (!r) {
        link_release(p->link, f);
        return false;
    }
    r->disk = d;
    r->x.export = &d->export;
    if (responder_announce(&r->x, to))
        port_answer(r);
    else
        port_release(r);
    return true;
}

static bool announce_some(struct port *p)
{
    while (p->announcing && p->announce_next < p->disk_count) {
        struct disk *d = p->disks[p->announce_next];
        bool wanted = d->age >= p->announce_since;

        if (wanted && !announce_one(p, d))
            return false;
        if (!wanted || ++p->announce_to >= d->export.mask.count) {
            p->announce_to = 0;
            p->announce_next++;
        }
    }
    p->announcing = false;
    return true;
}

static void announce_from(struct port *p, uint64_t since)
{
    if (!p->announcing || since < p->announce_since)
        p->announce_since = since;
    p->announcing = true;
    p->announce_next = p->announce_to = 0;
    server_touch_port(p->server, p);
}

static void announce_all(struct port *p)
{
    announce_from(p, 0);
}

void port_announce(struct port *p, const struct disk *d)
{
    announce_from(p, d->age);
}

/* ---- replies go out -------------------------------------------------------
 */

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
            request_free(r);
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

    while (!list_empty(&p->spreading) && spread_first(p))
        ;
    announce_some(p);
    if (writable && !list_empty(&p->outgoing)) {
        /* Buffers come back; what stopped for want of them goes on. */
        if (send_replies(p) && (!list_empty(&p->spreading) || p->announcing))
            server_touch_port(p->server, p);
    }
    watch(p);
}

/* ---- the interface --------------------------------------------------------
 */

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
        announce_all(p);
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
    announce_all(p);
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
