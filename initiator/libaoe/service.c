/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The turn of aoe_service: what arrived, what is due, what completed, what
 * leaves; and how long nobody has to call again.
 */
#include "initiator/libaoe/context.h"

#include <assert.h>

#include "base/clock.h"
#include "initiator/libaoe/control.h"
#include "initiator/libaoe/discover.h"
#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/paths.h"
#include "initiator/libaoe/receive.h"
#include "initiator/libaoe/scheduler.h"
#include "initiator/libaoe/search.h"
#include "initiator/libaoe/transmit.h"

/* What a sleep and a wake-up cost where they cost most, in a virtual machine;
 * beyond that polling would gain little and burn much. */
#define POLL_NS (200 * NS_PER_US)

/* ---- the turn --------------------------------------------------------------
 */

/* Whoever is told may close disks: nothing is in the middle of a list. */
static void tell_events(struct aoe *aoe)
{
    enum aoe_stage before = aoe_enter(aoe, AOE_TELLING);

    while (aoe_tell_event(aoe))
        ;
    aoe_enter(aoe, before);
}

/* Tells what has happened: events first, and those that a completion brings
 * about before the next. */
static void tell(struct aoe *aoe)
{
    struct list *node;

    tell_events(aoe);
    while ((node = list_first(&aoe->done))) {
        struct transfer *t = list_entry(node, struct transfer, work);

        list_remove(node);
        t->finish(t);
        tell_events(aoe);
    }
}

static void refresh(struct aoe *aoe)
{
    if (aoe->now < aoe->refresh_at)
        return;
    aoe->refresh_at = aoe->now + CONTEXT_REFRESH;
    for (unsigned i = 0; i < aoe->port_count; i++) {
        struct aoe_port *port = &aoe->ports[i];

        if (link_refresh(port->link) == 0)
            continue;
        list_each(node, &aoe->disks)
            disk_port_changed(list_entry(node, struct aoe_disk, link), port);
    }
}

static void turn(struct aoe *aoe)
{
    refresh(aoe);
    list_each(node, &aoe->disks)
        disk_tick(list_entry(node, struct aoe_disk, link), aoe->now);
    list_each(found, &aoe->discoveries)
        discovery_tick(list_entry(found, struct aoe_discovery, link), aoe->now);
    control_tick(aoe);
    tell(aoe);
    aoe->kicked = false;
    list_each(disk, &aoe->disks)
        disk_schedule(list_entry(disk, struct aoe_disk, link));
    for (unsigned i = 0; i < aoe->port_count; i++)
        port_flush(&aoe->ports[i]);
    /* Completions wait for the next turn, which aoe_timeout asks for. */
    tell_events(aoe);
    /* Nobody may stay away for longer; aoe_timeout tells when sooner. */
    awake_sleep(&aoe->awake, aoe->now + CONTEXT_REFRESH);
}

/* A context with one disk and nothing else is not woken by responses and
 * announcements of others.  Runs before a frame leaves, so that no response is
 * missed. */
static void narrow(struct aoe *aoe)
{
    struct list *first = list_first(&aoe->disks);
    struct link_filter f = aoe->filter;

    if (!f.responses)
        return; /* the links are the caller's own */
    f.one_addr = first && first->next == &aoe->disks &&
                 list_empty(&aoe->discoveries) && list_empty(&aoe->controls);
    if (f.one_addr)
        f.addr = list_entry(first, struct aoe_disk, link)->addr;
    if (f.one_addr == aoe->filter.one_addr &&
        (!f.one_addr || aoe_addr_equal(f.addr, aoe->filter.addr)))
        return;
    for (unsigned i = 0; i < aoe->port_count; i++)
        if (link_set_filter(aoe->ports[i].link, &f))
            return; /* tried again with the next call */
    aoe->filter = f;
}

/* From within a callback the loop would meet itself in the middle of a list. */
static void begin(struct aoe *aoe)
{
    assert(aoe->stage == AOE_IDLE);
    aoe_enter(aoe, AOE_BUSY);
    narrow(aoe);
    aoe_now(aoe);
}

void aoe_service(struct aoe *aoe)
{
    begin(aoe);
    for (unsigned i = 0; i < aoe->port_count; i++)
        port_receive(&aoe->ports[i]);
    turn(aoe);
    aoe_enter(aoe, AOE_IDLE);
}

void aoe_push(struct aoe *aoe)
{
    begin(aoe);
    turn(aoe);
    aoe_enter(aoe, AOE_IDLE);
}

/* ---- what to wait for ------------------------------------------------------
 */

int aoe_poll_fds(struct aoe *aoe, struct pollfd *fds, int max)
{
    for (unsigned i = 0; i < aoe->port_count && (int)i < max; i++) {
        struct aoe_port *port = &aoe->ports[i];

        fds[i].fd = port->link->fd;
        fds[i].events = (short)(port->stalled ? POLLIN | POLLOUT : POLLIN);
        fds[i].revents = 0;
    }
    return (int)aoe->port_count;
}

int64_t aoe_timeout(struct aoe *aoe)
{
    uint64_t next = aoe->refresh_at, now = aoe_now(aoe);

    if (aoe->kicked || !list_empty(&aoe->events)) {
        awake_sleep(&aoe->awake, now);
        return 0;
    }
    list_each(node, &aoe->disks) {
        uint64_t at = disk_next(list_entry(node, struct aoe_disk, link));

        if (at < next)
            next = at;
    }
    list_each(found, &aoe->discoveries) {
        uint64_t at =
            discovery_next(list_entry(found, struct aoe_discovery, link));

        if (at < next)
            next = at;
    }
    if (control_next(aoe) < next)
        next = control_next(aoe);
    if (next < now)
        next = now;
    awake_sleep(&aoe->awake, next);
    return (int64_t)(next - now);
}

uint64_t aoe_poll_ns(const struct aoe *aoe)
{
    const struct aoe_disk *lone = NULL;
    unsigned requests = 0;
    uint64_t rtt;

    list_each(node, &aoe->disks) {
        const struct aoe_disk *d = list_entry(node, struct aoe_disk, link);

        requests += d->stats.queued;
        if (d->stats.queued)
            lone = d;
    }
    if (requests != 1 || !aoe->may_poll)
        return 0;
    rtt = disk_data_rtt(lone);
    return rtt && rtt < POLL_NS ? POLL_NS : 0;
}
