/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which frames are answered at all, and what every answer has in common
 * (AoEr11 section 2).
 */
#include "target/protocol/responder.h"

#include "target/protocol/responder_parts.h"
#include "wire/ata.h"

bool responder_wide(const struct exchange *x)
{
    return aoe_addr_wildcard(x->header.addr) || aoe_mac_group(&x->header.dst);
}

size_t responder_limit(const struct exchange *x)
{
    size_t most = (size_t)AOE_ETHER_HEADER + x->mtu;

    if (most < AOE_FRAME_MIN)
        most = AOE_FRAME_MIN;
    return most < x->room ? most : x->room;
}

unsigned responder_sectors(const struct exchange *x)
{
    unsigned n = aoe_sectors_for_mtu(x->mtu);

    if (x->export->max_sectors && n > x->export->max_sectors)
        n = x->export->max_sectors;
    /* 0 would mean 2 to the client. */
    return n > 0 ? n : 1;
}

void responder_header(struct exchange *x, enum aoe_error error)
{
    struct aoe_header reply = {
        .dst = x->header.src,
        .src = *x->mac,
        .version = AOE_VERSION,
        .flags = AOE_FLAG_RESPONSE,
        .addr = x->export->addr,
        .command = x->header.command,
        .tag = x->header.tag,
    };

    if (error) {
        reply.flags |= AOE_FLAG_ERROR;
        reply.error = (uint8_t)error;
        export_count(x->export, COUNT_AOE_ERRORS);
    }
    aoe_header_build(x->frame, &reply);
}

enum responder_verdict responder_drop(struct exchange *x,
                                      enum export_counter why)
{
    export_count(x->export, why);
    return RESPONDER_DROP;
}

enum responder_verdict responder_reply(struct exchange *x, size_t len)
{
    if (len > responder_limit(x))
        return responder_drop(x, COUNT_DROP_SIZE);
    x->reply_len = (uint32_t)aoe_pad(x->frame, len);
    return RESPONDER_REPLY;
}

/* A request that many disks got is not answered by all of them with the same
 * complaint; nor is another version on a broadcast, which may be
 * meant for somebody who speaks it. */
static bool keep_silent(const struct exchange *x, enum aoe_error error)
{
    switch (error) {
    case AOE_ERR_VERSION:
        return responder_wide(x);
    case AOE_ERR_ARGUMENT:
        return aoe_addr_wildcard(x->header.addr);
    default:
        return false;
    }
}

/* The argument is not echoed as vblade does: a short answer gives a forged
 * source address nothing to amplify. */
enum responder_verdict responder_error(struct exchange *x, enum aoe_error error)
{
    if (keep_silent(x, error))
        return responder_drop(x, COUNT_DROP_SILENT);
    responder_header(x, error);
    return responder_reply(x, AOE_HEADER);
}

/* The standard has no error for it.  An argument that is not valid from here is
 * what comes closest; it does not make a client try again. */
enum responder_verdict responder_refuse(struct exchange *x)
{
    export_count(x->export, COUNT_REFUSED);
    return responder_error(x, AOE_ERR_ARGUMENT);
}

static bool zero_mac(const struct aoe_mac *m)
{
    static const struct aoe_mac zero;

    return aoe_mac_equal(m, &zero);
}

enum responder_refusal responder_accept(struct exchange *x)
{
    if (x->room < AOE_FRAME_MIN ||
        aoe_header_parse(x->frame, x->len, &x->header))
        return RESPONDER_SHORT;
    if (x->header.flags & AOE_FLAG_RESPONSE)
        return RESPONDER_RESPONSE;
    if (aoe_mac_group(&x->header.src))
        return RESPONDER_SOURCE;
    /* Our own address comes back on a loop in the network; but on a loopback
     * interface everyone's address is zero. */
    if (aoe_mac_equal(&x->header.src, x->mac) && !zero_mac(x->mac))
        return RESPONDER_SOURCE;
    return RESPONDER_ACCEPTED;
}

/* What finds disks: Query Config, and the IDENTIFY of boot ROMs. */
static bool for_many(const struct exchange *x)
{
    struct aoe_ata a;

    if (x->header.command == AOE_CMD_CONFIG)
        return true;
    return x->header.command == AOE_CMD_ATA &&
           !aoe_ata_parse(x->frame, x->len, &a) && a.command == ATA_IDENTIFY;
}

enum responder_verdict responder_request(struct exchange *x)
{
    export_count(x->export, COUNT_FRAMES);
    if (!export_admits(x->export, &x->header.src))
        return responder_drop(x, COUNT_DROP_MASKED);
    if (x->header.version != AOE_VERSION)
        return responder_error(x, AOE_ERR_VERSION);
    /* One frame, perhaps with a forged source, would be executed by every disk
     * and answered by each.  An error from each would be a flood as well. */
    if (aoe_addr_wildcard(x->header.addr) && !for_many(x))
        return responder_drop(x, COUNT_DROP_SILENT);
    switch (x->header.command) {
    case AOE_CMD_ATA:
        return respond_ata(x);
    case AOE_CMD_CONFIG:
        return respond_config(x);
    case AOE_CMD_MASK:
        return respond_mask(x);
    case AOE_CMD_RESERVE:
        return respond_reserve(x);
    default:
        return responder_error(x, AOE_ERR_COMMAND);
    }
}
