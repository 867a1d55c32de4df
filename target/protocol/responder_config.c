/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Query Config Information (AoEr11 section 3.2), and the announcement, which is
 * its response sent unasked.
 */
#include <string.h>

#include "target/protocol/responder.h"
#include "target/protocol/responder_commands.h"

/* Every response carries the string as it is after the command. */
static size_t build(struct exchange *x, uint8_t command)
{
    const struct export *e = x->export;
    struct aoe_config reply = {
        .buffer_count = e->buffer_count,
        .firmware = e->firmware,
        .sector_count = (uint8_t)exchange_sectors(x),
        .version = AOE_VERSION,
        .command = command,
        .length = e->config_len,
        .string = e->config,
    };

    return aoe_config_build(x->frame, &reply);
}

static enum responder_verdict answer(struct exchange *x, uint8_t command,
                                     enum aoe_error error)
{
    size_t len = AOE_CONFIG_HEADER + (size_t)x->export->config_len;

    /* With a tiny MTU the response could overrun the buffer. */
    if (len > exchange_limit(x))
        return exchange_drop(x, COUNT_DROP_SIZE);
    exchange_header(x, error);
    return exchange_reply(x, build(x, command));
}

static bool begins_with(const struct export *e, const struct aoe_config *c)
{
    return c->length <= e->config_len &&
           memcmp(e->config, c->string, c->length) == 0;
}

static bool equals(const struct export *e, const struct aoe_config *c)
{
    return c->length == e->config_len && begins_with(e, c);
}

/* A string this interface could not tell back is not taken. */
static bool fits(const struct exchange *x, const struct aoe_config *c)
{
    return AOE_CONFIG_HEADER + (size_t)c->length <= exchange_limit(x);
}

enum responder_verdict respond_config(struct exchange *x)
{
    struct export *e = x->export;
    struct aoe_config c;

    export_count(e, COUNT_CONFIG);
    if (x->len < AOE_CONFIG_HEADER)
        return exchange_drop(x, COUNT_DROP_SHORT);
    if (aoe_config_parse(x->frame, x->len, &c))
        return exchange_error(x, AOE_ERR_ARGUMENT);
    x->sets = c.command == AOE_CONFIG_SET || c.command == AOE_CONFIG_FORCE;
    if (x->sets && !export_may_change(e, &x->header.src))
        return exchange_refuse(x);
    switch (c.command) {
    case AOE_CONFIG_READ:
        break;
    case AOE_CONFIG_TEST:
        if (!equals(e, &c))
            return exchange_drop(x, COUNT_DROP_SILENT);
        break;
    case AOE_CONFIG_PREFIX:
        if (!begins_with(e, &c))
            return exchange_drop(x, COUNT_DROP_SILENT);
        break;
    case AOE_CONFIG_SET:
        /* Setting the same string again succeeds: a retransmitted request must
         * get the reply that the first one got. */
        if (e->config_len > 0 && !equals(e, &c))
            return answer(x, c.command, AOE_ERR_CONFIG_PRESENT);
        if (!fits(x, &c))
            return exchange_error(x, AOE_ERR_ARGUMENT);
        export_set_config(e, c.string, c.length);
        break;
    case AOE_CONFIG_FORCE:
        if (!fits(x, &c))
            return exchange_error(x, AOE_ERR_ARGUMENT);
        export_set_config(e, c.string, c.length);
        break;
    default:
        return exchange_error(x, AOE_ERR_ARGUMENT);
    }
    return answer(x, c.command, 0);
}

uint32_t responder_announce(struct exchange *x, const struct aoe_mac *to)
{
    /* As if `to` had asked, with tag 0, as every announcement has. */
    x->header = (struct aoe_header){.src = *to, .command = AOE_CMD_CONFIG};
    aoe_header_build(x->frame, &x->header);
    if (answer(x, AOE_CONFIG_READ, 0) != RESPONDER_REPLY)
        return 0;
    return x->reply_len;
}
