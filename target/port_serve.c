/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a received frame to the disks it is for: one, those that a wildcard
 * matches, or none.  And the announcements, which nobody asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/port_parts.h"
#include "target/server.h"

/* Requests that each disk may have in flight, however many disks there are. */
enum { SHARE_LEAST = 2 };

const char *const port_counter_names[PORT_COUNTERS] = {
    [PORT_SHORT] = "drop_short",       [PORT_SOURCE] = "drop_source",
    [PORT_RESPONSE] = "drop_response", [PORT_UNMATCHED] = "drop_unmatched",
    [PORT_AGED] = "drop_aged",         [PORT_MEMORY] = "drop_memory",
};

/* ---- requests ----------------------------------------------------------- */

/* Grows to as many as were ever in flight at once, then allocates no more. */
struct request *port_request(struct port *p, struct link_frame *f)
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
    p->active++;
    return r;
}

/* Gives up the request, but not its frame. */
void port_request_free(struct request *r)
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
    port_request_free(r);
    server_touch_port(p->server, p);
}

/* ---- finding disks ------------------------------------------------------ */

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
    return 0;
}

/* ---- requests come in --------------------------------------------------- */

/* A disk that hangs may hold most of the buffers, but not the last quarter:
 * that stays for discovery and for the other disks. */
static bool too_busy(const struct port *p, const struct disk *d)
{
    unsigned share = (p->frames - p->frames / 4) / p->disk_count;

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
        port_answer(r);
        return;
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
void port_dispatch(struct port *p, struct link_frame *f, struct disk *d)
{
    struct request *r = port_request(p, f);

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
        port_request_free(r);
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

/* ---- requests for many disks, and announcements ------------------------- */

/* A copy of a spreading frame for one disk.  False: there is no buffer. */
static bool spread_to(struct port *p, const struct link_frame *f,
                      struct disk *d)
{
    struct link_frame *copy = link_take(p->link);

    if (!copy)
        return false;
    copy->len = f->len < copy->room ? f->len : copy->room;
    memcpy(copy->data, f->data, copy->len);
    port_dispatch(p, copy, d);
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

void port_spread(struct port *p)
{
    while (!list_empty(&p->spreading) && spread_first(p))
        ;
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
    r = port_request(p, f);
    if (!r) {
        link_release(p->link, f);
        return false;
    }
    r->x.export = &d->export;
    if (responder_announce(&r->x, to))
        port_answer(r);
    else
        port_release(r);
    return true;
}

void port_announce(struct port *p)
{
    while (p->announce_next < p->disk_count) {
        struct disk *d = p->disks[p->announce_next];

        if (!announce_one(p, d))
            return;
        if (++p->announce_to >= d->export.mask.count) {
            p->announce_to = 0;
            p->announce_next++;
        }
    }
}
