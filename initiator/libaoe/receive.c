/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What arrives, and whom it concerns: a command of the user's, a search, a
 * disk.  Nothing here trusts a frame before its lengths and its sender were
 * looked at.
 */
#include "initiator/libaoe/receive.h"

#include "initiator/libaoe/control.h"
#include "initiator/libaoe/discover.h"
#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/identity.h"
#include "initiator/libaoe/paths.h"
#include "initiator/libaoe/responses.h"
#include "initiator/libaoe/search.h"
#include "initiator/libaoe/silence.h"
#include "initiator/libaoe/trace.h"

enum { RECEIVE_ROUNDS = 4 }; /* batches of one port in one service */

static struct aoe_disk *find_disk(struct aoe *aoe, struct aoe_addr addr)
{
    list_each(node, &aoe->disks) {
        struct aoe_disk *d = list_entry(node, struct aoe_disk, link);

        if (aoe_addr_equal(d->addr, addr))
            return d;
    }
    return NULL;
}

static void config_response(struct aoe_port *port, const struct aoe_header *h,
                            const uint8_t *data, size_t len)
{
    struct aoe *aoe = port->aoe;
    struct aoe_config c;

    if (h->flags & AOE_FLAG_ERROR || aoe_config_parse(data, len, &c) ||
        aoe_addr_wildcard(h->addr))
        return;
    list_each(node, &aoe->discoveries)
        discovery_config(list_entry(node, struct aoe_discovery, link), port, h,
                         &c);
    list_each(disk_node, &aoe->disks) {
        struct aoe_disk *d = list_entry(disk_node, struct aoe_disk, link);

        if (aoe_addr_equal(d->addr, h->addr))
            disk_config(d, port, h, &c);
    }
}

/* Nobody waits for this any more. */
static void late_response(struct aoe_port *port, const struct aoe_header *h,
                          const uint8_t *data, size_t len)
{
    struct aoe_disk *d = find_disk(port->aoe, h->addr);

    list_each(node, &port->aoe->discoveries)
        discovery_ata(list_entry(node, struct aoe_discovery, link), port, h,
                      data, len);
    if (d)
        disk_stray(d, port, h, data, len);
}

static void ata_response(struct aoe_port *port, const struct aoe_header *h,
                         const uint8_t *data, size_t len)
{
    struct frame *f = flight_find(&port->aoe->flight, h->tag);
    struct path *from;
    struct aoe_ata a;

    if (!f) {
        late_response(port, h, data, len);
        return;
    }
    /* Only who we asked may answer: the disk, by an address that is its. */
    if (!aoe_addr_equal(f->disk->addr, h->addr))
        return;
    from = disk_path(f->disk, port, &h->src);
    if (!from || !disk_admits(f->disk, from, f))
        return;
    if (h->flags & AOE_FLAG_ERROR) {
        disk_answered(f);
        disk_error(f->disk, from, f, h->error);
    } else if (aoe_ata_parse(data, len, &a) == 0) {
        disk_answered(f);
        disk_ata(f->disk, from, f, &a);
    }
}

static void tell(struct aoe_port *port, const struct aoe_header *h, size_t len)
{
    char mac[AOE_MAC_TEXT], name[AOE_ADDR_TEXT];

    aoe_addr_format(name, h->addr);
    trace_say_port(port,
                   "receive: %s, tag %08x, command %u, flags %x, %zu "
                   "bytes from %s",
                   name, h->tag, h->command, h->flags, len,
                   aoe_mac_format(mac, &h->src));
}

static void receive_frame(struct aoe_port *port, const uint8_t *data,
                          size_t len)
{
    struct aoe_header h;

    if (aoe_header_parse(data, len, &h) || !(h.flags & AOE_FLAG_RESPONSE) ||
        h.version > AOE_VERSION || aoe_mac_group(&h.src))
        return;
    if (trace_on(port->aoe, TRACE_FRAMES))
        tell(port, &h, len);
    if (control_response(port, &h, data, len))
        return;
    /* vblade announces itself with version 0; only its config counts. */
    if (h.command == AOE_CMD_CONFIG)
        config_response(port, &h, data, len);
    else if (h.command == AOE_CMD_ATA && h.version == AOE_VERSION)
        ata_response(port, &h, data, len);
}

void port_receive(struct aoe_port *port)
{
    struct link_frame *frames[LINK_BATCH];
    int n = LINK_BATCH;

    for (int round = 0; round < RECEIVE_ROUNDS && n == LINK_BATCH; round++) {
        n = link_recv(port->link, frames, LINK_BATCH);
        for (int i = 0; i < n; i++) {
            receive_frame(port, frames[i]->data, frames[i]->len);
            link_release(port->link, frames[i]);
        }
    }
}
