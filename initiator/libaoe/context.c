/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a context does for all that live in it: the time, frames that leave,
 * ends that wait for the service loop.
 */
#include "initiator/libaoe/context.h"

#include "initiator/libaoe/trace.h"
#include "initiator/libaoe/transfer.h"

uint64_t aoe_now(struct aoe *aoe)
{
    aoe->now = aoe->clock(aoe->clock_arg);
    if (awake_run(&aoe->awake, aoe->now))
        aoe->woken = aoe->now;
    return aoe->now;
}

uint64_t aoe_awake(const struct aoe *aoe)
{
    return awake_time(&aoe->awake, aoe->now);
}

void aoe_finish_later(struct aoe *aoe, struct transfer *t)
{
    list_remove(&t->work);
    list_append(&aoe->done, &t->work);
    aoe->kicked = true;
}

/* ---- sending --------------------------------------------------------------
 */

void port_queue(struct aoe_port *port, struct frame *f)
{
    list_append(&port->tx, &f->link);
}

void port_send(struct aoe_port *port, const uint8_t *frame, size_t len)
{
    struct link_out out = {
        .iov[0] = {.iov_base = (void *)(uintptr_t)frame, .iov_len = len},
        .iovcnt = 1};

    link_send(port->link, &out, 1);
}

void aoe_query(struct aoe *aoe, struct aoe_addr addr)
{
    uint8_t frame[AOE_FRAME_MIN];
    struct aoe_config c = {.command = AOE_CONFIG_READ};
    struct aoe_header h = {.dst = aoe_mac_broadcast,
                           .version = AOE_VERSION,
                           .addr = addr,
                           .command = AOE_CMD_CONFIG,
                           .tag = flight_tag(&aoe->flight)};

    for (unsigned i = 0; i < aoe->port_count; i++) {
        size_t len;

        trace_port(&aoe->ports[i], TRACE_FRAMES, "query: shelf %u, slot %u",
                   addr.shelf, addr.slot);
        h.src = aoe->ports[i].link->mac;
        aoe_header_build(frame, &h);
        len = aoe_config_build(frame, &c);
        port_send(&aoe->ports[i], frame, aoe_pad(frame, len));
    }
}
