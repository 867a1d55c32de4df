/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every reply has in common, and what is not replied to (AoEr11 section
 * 2).
 */
#include "target/protocol/exchange.h"

bool exchange_wide(const struct exchange *x)
{
    return aoe_addr_wildcard(x->header.addr) || aoe_mac_group(&x->header.dst);
}

size_t exchange_limit(const struct exchange *x)
{
    size_t most = (size_t)AOE_ETHER_HEADER + x->mtu;

    if (most < AOE_FRAME_MIN)
        most = AOE_FRAME_MIN;
    return most < x->capacity ? most : x->capacity;
}

unsigned exchange_sectors(const struct exchange *x)
{
    unsigned n = aoe_sectors_for_mtu(x->mtu);

    if (x->export->max_sectors && n > x->export->max_sectors)
        n = x->export->max_sectors;
    /* A client reads 0 as 2. */
    return n > 0 ? n : 1;
}

inline void exchange_header(struct exchange *x, enum aoe_error error)
{
    if (error)
        export_count(x->export, COUNT_AOE_ERRORS);
    aoe_header_answer(x->frame, x->mac, error ? AOE_FLAG_ERROR : 0,
                      (uint8_t)error, x->export->addr);
}

enum responder_verdict exchange_drop(struct exchange *x,
                                     enum export_counter why)
{
    export_count(x->export, why);
    x->dropped = why;
    return RESPONDER_DROP;
}

inline enum responder_verdict exchange_reply(struct exchange *x, size_t len)
{
    if (len > exchange_limit(x))
        return exchange_drop(x, COUNT_DROP_SIZE);
    x->reply_len = (uint32_t)aoe_pad(x->frame, len);
    return RESPONDER_REPLY;
}

/* A request to many disks must not get the same error from each of them.  Nor
 * does a broadcast of another version, which may be meant for somebody who
 * speaks that. */
static bool keep_silent(const struct exchange *x, enum aoe_error error)
{
    switch (error) {
    case AOE_ERR_VERSION:
        return exchange_wide(x);
    case AOE_ERR_ARGUMENT:
        return aoe_addr_wildcard(x->header.addr);
    default:
        return false;
    }
}

/* The argument is not echoed, as vblade does: a short reply gives a forged
 * source address nothing to amplify. */
enum responder_verdict exchange_error(struct exchange *x, enum aoe_error error)
{
    if (keep_silent(x, error))
        return exchange_drop(x, COUNT_DROP_SILENT);
    exchange_header(x, error);
    return exchange_reply(x, AOE_HEADER);
}

/* The standard has no error for it.  A bad argument comes closest, and does not
 * make a client try again. */
enum responder_verdict exchange_refuse(struct exchange *x)
{
    export_count(x->export, COUNT_REFUSED);
    return exchange_error(x, AOE_ERR_ARGUMENT);
}
