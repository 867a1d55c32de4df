/* SPDX-License-Identifier: BSD-2-Clause
 *
 * MAC Mask List (AoEr11 section 3.3).
 */
#include "target/protocol/responder_commands.h"

/* As many entries as fit in a reply on this interface. */
static unsigned list_limit(const struct exchange *x)
{
    size_t capacity = exchange_limit(x) - AOE_MASK_HEADER;
    size_t n = capacity / AOE_MASK_DIRECTIVE;

    return n < EXPORT_LIST_MAX ? (unsigned)n : EXPORT_LIST_MAX;
}

static enum responder_verdict answer_list(struct exchange *x, uint8_t command)
{
    const struct mac_list *list = &x->export->mask;
    unsigned most = list_limit(x);
    unsigned count = list->count < most ? list->count : most;
    struct aoe_mask reply = {.command = command, .count = (uint8_t)count};
    size_t len;

    exchange_header(x, 0);
    len = aoe_mask_build(x->frame, &reply);
    for (unsigned i = 0; i < count; i++)
        len = aoe_mask_add(x->frame, len, AOE_DIRECTIVE_NONE, &list->macs[i]);
    return exchange_reply(x, len);
}

/* Names the directive that failed.  Those before it were executed and stay in
 * the reply as they came, as with vblade. */
static enum responder_verdict answer_failure(struct exchange *x,
                                             uint8_t command,
                                             enum aoe_mask_error error,
                                             unsigned at)
{
    struct aoe_mask reply = {
        .command = command, .error = (uint8_t)error, .count = (uint8_t)at};

    exchange_header(x, 0);
    return exchange_reply(x, aoe_mask_build(x->frame, &reply) +
                                 (size_t)at * AOE_MASK_DIRECTIVE);
}

static enum aoe_mask_error execute(struct exchange *x, const struct aoe_mask *m,
                                   unsigned i)
{
    struct mac_list *list = &x->export->mask;
    unsigned before = list->count;
    bool fits = true;
    struct aoe_mac mac;
    uint8_t code;

    aoe_mask_get(m, i, &code, &mac);
    switch (code) {
    case AOE_DIRECTIVE_NONE:
        return AOE_MERROR_NONE;
    case AOE_DIRECTIVE_ADD:
        fits = mac_list_add(list, &mac, list_limit(x));
        break;
    case AOE_DIRECTIVE_DELETE:
        mac_list_delete(list, &mac);
        break;
    default:
        return AOE_MERROR_DIRECTIVE;
    }
    x->export->changes += list->count != before;
    return fits ? AOE_MERROR_NONE : AOE_MERROR_FULL;
}

enum responder_verdict respond_mask(struct exchange *x)
{
    struct aoe_mask m;

    export_count(x->export, COUNT_OTHER);
    if (x->len < AOE_MASK_HEADER)
        return exchange_drop(x, COUNT_DROP_SHORT);
    if (aoe_mask_parse(x->frame, x->len, &m))
        return exchange_error(x, AOE_ERR_ARGUMENT);
    switch (m.command) {
    case AOE_MASK_READ:
        return answer_list(x, m.command);
    case AOE_MASK_EDIT:
        x->sets = true;
        if (!export_may_change(x->export, &x->header.src))
            return exchange_refuse(x);
        for (unsigned i = 0; i < m.count; i++) {
            enum aoe_mask_error error = execute(x, &m, i);

            if (error)
                return answer_failure(x, m.command, error, i);
        }
        return answer_list(x, m.command);
    default:
        return exchange_error(x, AOE_ERR_ARGUMENT);
    }
}
