/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Opening the interfaces and closing everything.
 */
#include "initiator/libaoe/context.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "initiator/libaoe/control.h"
#include "initiator/libaoe/discover.h"
#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/prefix.h"

static uint64_t system_clock(void *arg)
{
    (void)arg;
    return clock_ns();
}

int aoe_open_links(struct aoe **out, struct link **links, unsigned count,
                   uint64_t (*clock)(void *arg), void *arg, uint32_t prefix,
                   uint32_t seed)
{
    struct aoe *aoe = calloc(1, sizeof *aoe);

    if (!aoe)
        return -ENOMEM;
    aoe->clock = clock;
    aoe->clock_arg = arg;
    awake_init(&aoe->awake, clock(arg));
    aoe->tag_socket = -1;
    aoe->may_poll = sysconf(_SC_NPROCESSORS_ONLN) > 1;
    list_init(&aoe->disks);
    list_init(&aoe->discoveries);
    list_init(&aoe->controls);
    list_init(&aoe->events);
    list_init(&aoe->done);
    flight_init(&aoe->flight, prefix, seed);
    for (unsigned i = 0; i < count; i++) {
        struct aoe_port *port = &aoe->ports[aoe->port_count++];

        port->link = links[i];
        port->aoe = aoe;
        list_init(&port->tx);
    }
    aoe->refresh_at = aoe_now(aoe) + CONTEXT_REFRESH;
    *out = aoe;
    return 0;
}

int aoe_open(struct aoe **out, const struct aoe_options *o, const char **bad)
{
    struct link *links[AOE_INTERFACE_MAX];
    struct link_options lo = {
        .backend = o->link,
        .rx_frames = 2 * LINK_BATCH,
        .filter = {.responses = true, .tag_mask = FLIGHT_TAG_MASK}};
    uint32_t prefix, seed;
    unsigned n = 0;
    int err = 0, fd;

    if (bad)
        *bad = NULL;
    if (o->interface_count < 1 || o->interface_count > AOE_INTERFACE_MAX)
        return -EINVAL;
    fd = prefix_claim(&prefix, &seed);
    if (fd < -1 && fd != -EBUSY)
        return fd;
    lo.filter.tag_value = prefix;
    for (; n < o->interface_count; n++) {
        err = link_open(&links[n], o->interfaces[n], &lo);
        if (err && bad)
            *bad = o->interfaces[n];
        if (err)
            break;
    }
    if (!err)
        err = aoe_open_links(out, links, n, system_clock, NULL, prefix, seed);
    if (err) {
        while (n > 0)
            link_close(links[--n]);
        if (fd >= 0)
            close(fd);
        return err;
    }
    (*out)->tag_socket = fd;
    (*out)->tags_shared = fd == -EBUSY;
    (*out)->filter = lo.filter;
    return 0;
}

/* Who hears of an end may still submit to any disk, which refuses it. */
static void cancel_all(struct aoe *aoe)
{
    control_cancel_all(aoe);
    list_each(node, &aoe->disks)
        disk_cancel(list_entry(node, struct aoe_disk, link));
}

void aoe_close(struct aoe *aoe)
{
    struct list *node;

    if (!aoe)
        return;
    assert(aoe->stage == AOE_IDLE); /* never from a callback */
    aoe_enter(aoe, AOE_CLOSING);
    cancel_all(aoe);
    while ((node = list_first(&aoe->discoveries)))
        discovery_free(list_entry(node, struct aoe_discovery, link));
    while ((node = list_first(&aoe->disks)))
        disk_free(list_entry(node, struct aoe_disk, link));
    for (unsigned i = 0; i < aoe->port_count; i++)
        link_close(aoe->ports[i].link);
    flight_fini(&aoe->flight);
    if (aoe->tag_socket >= 0)
        close(aoe->tag_socket);
    free(aoe);
}

/* ---- what the user can ask -------------------------------------------------
 */

bool aoe_tags_shared(const struct aoe *aoe)
{
    return aoe->tags_shared;
}

int aoe_interface_mac(const struct aoe *aoe, const char *interface,
                      uint8_t mac[6])
{
    for (unsigned i = 0; i < aoe->port_count; i++) {
        const struct link *l = aoe->ports[i].link;

        if (strcmp(l->ifname, interface) != 0)
            continue;
        memcpy(mac, l->mac.b, AOE_MAC);
        return 0;
    }
    return -ENODEV;
}

void aoe_each_interface(void (*each)(void *arg, const char *name), void *arg)
{
    link_candidates(each, arg);
}
