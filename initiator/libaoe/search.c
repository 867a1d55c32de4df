/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding a disk and the paths to it: whoever answers a Query Config (AoEr11
 * section 3.2) for its address is asked to IDENTIFY.
 */
#include "initiator/libaoe/search.h"

#include "initiator/libaoe/paths.h"
#include "initiator/libaoe/restart.h"

#define QUERY_FIRST  (50 * NS_PER_MS)
#define QUERY_STEADY (60 * NS_PER_S) /* while all is well: new paths */

enum { IDENTIFY_TRIES = 6 };

/* ---- Query Config ---------------------------------------------------------
 */

void disk_config(struct aoe_disk *d, struct aoe_port *port,
                 const struct aoe_header *h, const struct aoe_config *c)
{
    struct path *p = disk_path(d, port, &h->src);

    if (!p)
        p = disk_add_path(d, port, &h->src);
    if (!p)
        return;
    path_set_limits(p, c->buffer_count, c->sector_count);
    /* An announcement: the target has started again, maybe as another. */
    if (h->tag == 0) {
        if (p->state != PATH_SILENT)
            path_set_state(p, PATH_NEW, "it announced itself");
        path_forget_identify(p);
        if (p->member)
            disk_announced(d);
    }
    if (p->state == PATH_SILENT)
        path_ask_now(p);
    /* Also a good one, each time the network is asked: its disk may have grown
     * and the announcement of that been lost. */
    if (p->state != PATH_REFUSED || d->state == DISK_LOST ||
        d->state == DISK_STALE)
        path_identify(p);
}

/* Whether the network should be asked now and then. */
static bool searching(const struct aoe_disk *d)
{
    return d->state == DISK_SEARCHING || d->state == DISK_LOST ||
           d->state == DISK_STALE ||
           (d->state == DISK_READY && disk_good_paths(d) == 0);
}

static void tick_path(struct path *p, uint64_t now)
{
    struct frame *f = p->identify;

    if ((p->state == PATH_SILENT || p->state == PATH_NEW) && !f &&
        p->ask_at <= now)
        path_identify(p);
    else if (!p->member && f && f->copies >= IDENTIFY_TRIES &&
             f->state == FRAME_LOST)
        path_free(p); /* it answers queries but is no disk, or has gone */
}

void disk_search_tick(struct aoe_disk *d, uint64_t now)
{
    list_each(node, &d->paths)
        tick_path(list_entry(node, struct path, link), now);
    if (d->state == DISK_CONFLICT)
        return;
    if (searching(d) && d->search.query_at > now + SEARCH_QUERY_MAX) {
        d->search.query_at = now;
        d->search.query_gap = QUERY_FIRST;
    }
    if (now < d->search.query_at)
        return;
    aoe_query(d->aoe, d->addr);
    if (!searching(d)) {
        d->search.query_at = now + QUERY_STEADY;
        return;
    }
    d->search.query_at = now + d->search.query_gap;
    d->search.query_gap *= 2;
    if (d->search.query_gap > SEARCH_QUERY_MAX)
        d->search.query_gap = SEARCH_QUERY_MAX;
}

/* ---- the interface under a path -------------------------------------------
 */

void disk_port_changed(struct aoe_disk *d, struct aoe_port *port)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->port == port)
            path_set_limits(p, p->buffer_count, p->sector_count);
    }
    if (port->link->up)
        disk_query_now(d);
}
