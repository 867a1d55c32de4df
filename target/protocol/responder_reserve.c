/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reserve/Release (AoEr11 section 3.4).
 */
#include <string.h>

#include "target/protocol/responder_commands.h"

static unsigned list_limit(const struct exchange *x)
{
    size_t n = (exchange_limit(x) - AOE_RESERVE_HEADER) / AOE_MAC;

    return n < EXPORT_LIST_MAX ? (unsigned)n : EXPORT_LIST_MAX;
}

static enum responder_verdict answer(struct exchange *x, uint8_t command)
{
    const struct mac_list *list = &x->export->reserve;
    unsigned most = list_limit(x);
    struct aoe_reserve reply = {
        .command = command,
        .count = (uint8_t)(list->count < most ? list->count : most),
        .macs = list->macs[0].b,
    };

    exchange_header(x, 0);
    return exchange_reply(x, aoe_reserve_build(x->frame, &reply));
}

static enum responder_verdict set_list(struct exchange *x,
                                       const struct aoe_reserve *r)
{
    struct mac_list list = {.count = r->count};

    if (r->count > list_limit(x))
        return exchange_error(x, AOE_ERR_ARGUMENT);
    for (unsigned i = 0; i < r->count; i++)
        memcpy(list.macs[i].b, r->macs + (size_t)i * AOE_MAC, AOE_MAC);
    export_set_reserve(x->export, &list);
    return answer(x, r->command);
}

enum responder_verdict respond_reserve(struct exchange *x)
{
    struct aoe_reserve r;

    export_count(x->export, COUNT_OTHER);
    if (x->len < AOE_RESERVE_HEADER)
        return exchange_drop(x, COUNT_DROP_SHORT);
    if (aoe_reserve_parse(x->frame, x->len, &r))
        return exchange_error(x, AOE_ERR_ARGUMENT);
    x->sets = r.command == AOE_RESERVE_SET || r.command == AOE_RESERVE_FORCE;
    if (x->sets && !export_may_change(x->export, &x->header.src))
        return exchange_refuse(x);
    switch (r.command) {
    case AOE_RESERVE_READ:
        return answer(x, r.command);
    case AOE_RESERVE_SET:
        if (export_reserved(x->export, &x->header.src))
            return exchange_error(x, AOE_ERR_RESERVED);
        return set_list(x, &r);
    case AOE_RESERVE_FORCE:
        return set_list(x, &r);
    default:
        return exchange_error(x, AOE_ERR_ARGUMENT);
    }
}
