/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The disks that are served on a port, and what they need from its link.
 */
#include "target/serve/port_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"

enum {
    FRAMES_MIN = 64,
    FRAMES_MAX = 512,
    DIRECT_ALIGN_MAX = 4096,
};

/* ---- by address --------------------------------------------------------- */

static uint32_t addr_key(struct aoe_addr a)
{
    return (uint32_t)a.shelf << 8 | a.slot;
}

/* The place of an address in the sorted table; if it is not there, -1 less the
 * place where it would be. */
static inline int find(const struct target_port *p, struct aoe_addr addr)
{
    int low = 0, high = (int)p->disk_count;
    uint32_t wanted = addr_key(addr);

    while (low < high) {
        int mid = (low + high) / 2;
        uint32_t key = addr_key(p->disks[mid]->export.addr);

        if (key == wanted)
            return mid;
        if (key < wanted)
            low = mid + 1;
        else
            high = mid;
    }
    return -1 - low;
}

inline struct disk *port_disk_at(const struct target_port *p,
                                 struct aoe_addr addr)
{
    int at = find(p, addr);

    return at < 0 ? NULL : p->disks[at];
}

int port_attach(struct target_port *p, struct disk *d)
{
    int found = find(p, d->export.addr);
    unsigned at = (unsigned)(-1 - found);
    struct disk **grown;

    assert(!p->stopped);
    if (found >= 0)
        return -EEXIST;
    grown = array_resize(p->disks, p->disk_count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    p->disks = grown;
    memmove(grown + at + 1, grown + at, (p->disk_count - at) * sizeof *grown);
    grown[at] = d;
    p->disk_count++;
    log_debug("%s: serves %s", p->ifname, d->name);
    /* Requests and announcements in progress continue at the right disk. */
    if (at < p->spread_next)
        p->spread_next++;
    if (at < p->announce_next)
        p->announce_next++;
    return 0;
}

void port_detach(struct target_port *p, const struct disk *d)
{
    int found = find(p, d->export.addr);
    unsigned at = (unsigned)found;

    if (found < 0 || p->disks[at] != d)
        return;
    log_debug("%s: no longer serves %s", p->ifname, d->name);
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

/* ---- their link --------------------------------------------------------- */

unsigned port_frames(unsigned requests)
{
    if (requests > (FRAMES_MAX - FRAMES_MIN) / 2)
        return FRAMES_MAX;
    return FRAMES_MIN + 2 * requests;
}

static unsigned frames_wanted(const struct target_port *p)
{
    unsigned requests = 0;

    for (unsigned i = 0; i < p->disk_count; i++)
        requests += p->disks[i]->export.buffer_count;
    return port_frames(requests);
}

static unsigned align_wanted(const struct target_port *p)
{
    unsigned align = 1;

    for (unsigned i = 0; i < p->disk_count; i++)
        if (p->disks[i]->store->memory_align > align)
            align = p->disks[i]->store->memory_align;
    if (align == 1)
        return 0;
    return align < DIRECT_ALIGN_MAX ? align : DIRECT_ALIGN_MAX;
}

void port_link_options(const struct target_port *p, struct link_options *o)
{
    *o = (struct link_options){
        .rx_frames = frames_wanted(p),
        .align = align_wanted(p),
        .align_at = AOE_ATA_HEADER,
    };
    if (p->disk_count == 1 && !p->host->changing) {
        o->filter.one_addr = true;
        o->filter.addr = p->disks[0]->export.addr;
    }
}
