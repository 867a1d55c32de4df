/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which frames are answered at all, and which command answers them (AoEr11
 * section 2).
 */
#include "target/protocol/responder.h"

#include <assert.h>

#include "target/protocol/responder_commands.h"
#include "wire/ata.h"

static bool zero_mac(const struct aoe_mac *m)
{
    static const struct aoe_mac zero;

    return aoe_mac_equal(m, &zero);
}

enum responder_refusal responder_accept(struct exchange *x)
{
    if (x->capacity < AOE_FRAME_MIN ||
        aoe_header_parse(x->frame, x->len, &x->header))
        return RESPONDER_SHORT;
    if (x->header.flags & AOE_FLAG_RESPONSE)
        return RESPONDER_RESPONSE;
    if (aoe_mac_group(&x->header.src))
        return RESPONDER_SOURCE;
    /* Our own address comes back if the network has a loop.  On a loopback
     * interface, though, every address is zero. */
    if (aoe_mac_equal(&x->header.src, x->mac) && !zero_mac(x->mac))
        return RESPONDER_SOURCE;
    return RESPONDER_ACCEPTED;
}

/* What discovers disks: Query Config, and the IDENTIFY that boot ROMs send. */
static bool for_many(struct exchange *x)
{
    if (x->header.command == AOE_CMD_CONFIG)
        return true;
    return x->header.command == AOE_CMD_ATA &&
           !aoe_ata_parse(x->frame, x->len, &x->ata) &&
           x->ata.command == ATA_IDENTIFY;
}

enum responder_verdict responder_request(struct exchange *x)
{
    assert(x->export && x->capacity >= AOE_FRAME_MIN);
    export_count(x->export, COUNT_FRAMES);
    if (!export_admits(x->export, &x->header.src))
        return exchange_drop(x, COUNT_DROP_MASKED);
    if (x->header.version != AOE_VERSION)
        return exchange_error(x, AOE_ERR_VERSION);
    /* One frame, perhaps with a forged source, would be executed and answered
     * by every disk.  An error from each would be a flood as well. */
    if (aoe_addr_wildcard(x->header.addr) && !for_many(x))
        return exchange_drop(x, COUNT_DROP_SILENT);
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
        return exchange_error(x, AOE_ERR_COMMAND);
    }
}
