/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests for wildcard addresses and announcements, which concern more than
 * one disk (AoEr11 section 3.2).  Both wait when there is no free buffer.
 */
#include "target/serve/port_parts.h"

#include <string.h>

/* ---- requests for many disks -------------------------------------------- */

/* Copies such a frame for one disk.  False: there is no buffer. */
static bool spread_to(struct target_port *p, const struct link_frame *f,
                      struct disk *d)
{
    struct link_frame *copy = link_take(p->link);

    if (!copy)
        return false;
    copy->len = f->len < copy->capacity ? f->len : copy->capacity;
    memcpy(copy->data, f->data, copy->len);
    port_dispatch(p, copy, d);
    return true;
}

/* Gives each matching disk its copy of the first such frame, as far as there
 * are buffers.  True: that frame is done. */
static bool spread_first(struct target_port *p)
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

/* ---- announcements ------------------------------------------------------ */

/* To everyone, or to each on the mask list and to nobody else. */
static bool announce_one(struct target_port *p, struct disk *d)
{
    const struct mac_list *mask = &d->export.mask;
    const struct aoe_mac *to =
        mask->count ? &mask->macs[p->announce_to] : &aoe_mac_broadcast;
    struct link_frame *f = link_take(p->link);
    struct request *r;

    if (!f)
        return false;
    r = port_request_new(p, f);
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

static void announce_some(struct target_port *p)
{
    while (p->announcing && p->announce_next < p->disk_count) {
        struct disk *d = p->disks[p->announce_next];
        bool wanted = d->age >= p->announce_since;

        if (wanted && !announce_one(p, d))
            return;
        if (!wanted || ++p->announce_to >= d->export.mask.count) {
            p->announce_to = 0;
            p->announce_next++;
        }
    }
    p->announcing = false;
}

static void announce_from(struct target_port *p, uint64_t since)
{
    if (p->held)
        return;
    if (!p->announcing || since < p->announce_since)
        p->announce_since = since;
    p->announcing = true;
    p->announce_next = p->announce_to = 0;
    port_touch(p);
}

void port_announce_all(struct target_port *p)
{
    announce_from(p, 0);
}

void port_announce(struct target_port *p, const struct disk *d)
{
    announce_from(p, d->age);
}

void port_spread(struct target_port *p)
{
    while (!list_empty(&p->spreading) && spread_first(p))
        ;
    announce_some(p);
}
