/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The paths of a disk: which there are, which have to identify themselves
 * again, and which go.
 */
#include "initiator/libaoe/paths.h"

#include <stdlib.h>

#include "initiator/libaoe/frames.h"

enum { PATHS_MAX = 64 };

struct path *disk_path(struct aoe_disk *d, struct aoe_port *port,
                       const struct aoe_mac *mac)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->port == port && aoe_mac_equal(&p->mac, mac))
            return p;
    }
    return NULL;
}

struct path *disk_add_path(struct aoe_disk *d, struct aoe_port *port,
                           const struct aoe_mac *mac)
{
    struct path *p;
    unsigned count = 0;

    list_each(node, &d->paths)
        count++;
    p = count < PATHS_MAX ? malloc(sizeof *p) : NULL;
    if (!p)
        return NULL;
    path_init(p, d, port, mac);
    path_mtu_init(p);
    list_append(&d->paths, &p->link);
    return p;
}

void path_forget_identify(struct path *p)
{
    if (!p->identify)
        return;
    path_forget(p, p->identify);
    flight_put(&p->disk->aoe->flight, p->identify);
    p->identify = NULL;
}

void path_set_limits(struct path *p, unsigned buffer_count,
                     unsigned sector_count)
{
    unsigned fit = aoe_sectors_for_mtu(p->port->link->mtu);

    p->sector_count = sector_count;
    if (sector_count == 0)
        sector_count = 2; /* servers before revision 8 */
    path_set_limit(p, buffer_count, p->disk->options.window);
    path_mtu_limit(p, sector_count < fit ? sector_count : fit);
    path_mtu_shorten(p);
}

/* What is on its way by this path will have to go by another. */
static void recut_all(struct list *frames, const struct path *p)
{
    list_each(node, frames) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->path == p && f->transfer)
            disk_recut(p->disk, f);
    }
}

void path_free(struct path *p)
{
    path_forget_identify(p);
    path_mtu_withdraw(p);
    recut_all(&p->sent, p);
    recut_all(&p->slow, p);
    recut_all(&p->lost, p);
    recut_all(&p->port->tx, p);
    list_remove(&p->link);
    free(p);
}

unsigned disk_good_paths(const struct aoe_disk *d)
{
    unsigned n = 0;

    list_each(node, &d->paths)
        n += list_entry(node, struct path, link)->state == PATH_GOOD;
    return n;
}

/* ---- asking who is there --------------------------------------------------
 */

void path_identify(struct path *p)
{
    struct aoe_disk *d = p->disk;
    struct frame *f;

    if (p->identify)
        return;
    f = flight_get(&d->aoe->flight, true);
    if (!f) {
        p->ask_at = d->aoe->now + PATH_ASK_AGAIN;
        return;
    }
    f->disk = d;
    f->opcode = ATA_IDENTIFY;
    f->count = 1;
    f->device = 0xa0;
    p->identify = f;
    path_queued(p, f);
    port_queue(p->port, f);
}

void disk_verify_paths(struct aoe_disk *d)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (!p->member)
            continue;
        if (p->state == PATH_GOOD)
            path_set_state(p, PATH_NEW, "it has to identify itself again");
        path_forget_identify(p);
        p->ask_at = 0;
    }
}

/* ---- what its paths know --------------------------------------------------
 */

uint64_t disk_data_rtt(const struct aoe_disk *d)
{
    uint64_t rtt = 0;

    list_each(node, &d->paths) {
        const struct path *p = list_entry(node, struct path, link);

        if (!list_empty(&p->sent) && p->srtt > rtt)
            rtt = p->srtt;
    }
    return rtt;
}

void disk_late(struct aoe_disk *d, struct path *from)
{
    d->stats.late++;
    if (from)
        path_spurious(from);
}
