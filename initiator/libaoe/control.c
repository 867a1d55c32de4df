/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Each command is one frame, sent again under the same tag until its response
 * comes.  All of them may be carried out twice without harm: what an edit or a
 * reservation asked for is then there already.
 */
#include "initiator/libaoe/control.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "initiator/libaoe/error.h"

#define RETRY_FIRST   (200 * NS_PER_MS)
#define RETRY_SLOWEST NS_PER_S

enum { FRAME_MAX = AOE_MASK_HEADER + AOE_LIST_MAX * AOE_MASK_DIRECTIVE };

/* A command on its way; lives in its struct aoe_control. */
struct pending {
    struct list link; /* in aoe->controls */
    struct aoe_port *port;
    uint32_t tag;
    unsigned copies;   /* sent so far */
    uint64_t sent;     /* when the latest left */
    uint64_t retry_at; /* when the next leaves; UINT64_MAX: never */
    uint64_t gap;
    uint64_t deadline; /* by aoe_awake */
};

_Static_assert(sizeof(struct pending) <= sizeof(struct aoe_control_state),
               "a pending command lives in its struct aoe_control");
_Static_assert((int)AOE_CONFIG_MAX == (int)AOE_CONFIG_STRING_MAX,
               "a response can hold any config string");

static struct pending *pending_of(struct aoe_control *c)
{
    return (struct pending *)(void *)&c->state;
}

static struct aoe_control *control_of(struct list *node)
{
    return (struct aoe_control *)(void *)((char *)node -
                                          offsetof(struct aoe_control, state));
}

/* ---- the request ----------------------------------------------------------
 */

static uint8_t command_of(enum aoe_control_op op)
{
    if (op <= AOE_CONTROL_CONFIG_FORCE)
        return AOE_CMD_CONFIG;
    return op <= AOE_CONTROL_MASK_DELETE ? AOE_CMD_MASK : AOE_CMD_RESERVE;
}

/* A change belongs at one target; a broadcast is one everywhere. */
static bool changes(enum aoe_control_op op)
{
    return op != AOE_CONTROL_CONFIG_READ && op != AOE_CONTROL_CONFIG_TEST &&
           op != AOE_CONTROL_CONFIG_PREFIX && op != AOE_CONTROL_MASK_READ &&
           op != AOE_CONTROL_RESERVE_READ;
}

static size_t build_config(uint8_t *frame, const struct aoe_control *c)
{
    static const uint8_t commands[] = {
        [AOE_CONTROL_CONFIG_READ] = AOE_CONFIG_READ,
        [AOE_CONTROL_CONFIG_TEST] = AOE_CONFIG_TEST,
        [AOE_CONTROL_CONFIG_PREFIX] = AOE_CONFIG_PREFIX,
        [AOE_CONTROL_CONFIG_SET] = AOE_CONFIG_SET,
        [AOE_CONTROL_CONFIG_FORCE] = AOE_CONFIG_FORCE,
    };
    struct aoe_config config = {.command = commands[c->op],
                                .length = (uint16_t)c->length,
                                .string = c->string};

    return aoe_config_build(frame, &config);
}

static size_t build_mask(uint8_t *frame, const struct aoe_control *c)
{
    bool reads = c->op == AOE_CONTROL_MASK_READ;
    uint8_t code = c->op == AOE_CONTROL_MASK_ADD ? AOE_DIRECTIVE_ADD
                                                 : AOE_DIRECTIVE_DELETE;
    struct aoe_mask mask = {.command = reads ? AOE_MASK_READ : AOE_MASK_EDIT,
                            .count = reads ? 0 : (uint8_t)c->mac_count};
    size_t len = aoe_mask_build(frame, &mask);

    for (unsigned i = 0; i < mask.count; i++) {
        struct aoe_mac mac;

        memcpy(mac.b, c->macs[i], AOE_MAC);
        len = aoe_mask_add(frame, len, code, &mac);
    }
    return len;
}

static size_t build_reserve(uint8_t *frame, const struct aoe_control *c)
{
    bool reads = c->op == AOE_CONTROL_RESERVE_READ;
    struct aoe_reserve reserve = {
        .command = reads                                ? AOE_RESERVE_READ
                   : c->op == AOE_CONTROL_RESERVE_FORCE ? AOE_RESERVE_FORCE
                                                        : AOE_RESERVE_SET,
        .count = reads ? 0 : (uint8_t)c->mac_count,
        .macs = c->mac_count ? c->macs[0] : NULL};

    return aoe_reserve_build(frame, &reserve);
}

static size_t build(uint8_t *frame, const struct aoe_control *c,
                    const struct pending *p)
{
    struct aoe_header h = {.src = p->port->link->mac,
                           .version = AOE_VERSION,
                           .addr = {c->shelf, c->slot},
                           .command = command_of(c->op),
                           .tag = p->tag};

    memcpy(h.dst.b, c->mac, AOE_MAC);
    aoe_header_build(frame, &h);
    switch (h.command) {
    case AOE_CMD_CONFIG:
        return aoe_pad(frame, build_config(frame, c));
    case AOE_CMD_MASK:
        return aoe_pad(frame, build_mask(frame, c));
    default:
        return aoe_pad(frame, build_reserve(frame, c));
    }
}

static struct aoe_port *find_port(struct aoe *aoe, const char *interface)
{
    for (unsigned i = 0; i < aoe->port_count; i++)
        if (strcmp(aoe->ports[i].link->ifname, interface) == 0)
            return &aoe->ports[i];
    return NULL;
}

static int check(const struct aoe_control *c)
{
    struct aoe_addr addr = {c->shelf, c->slot};

    if (!c->interface || aoe_addr_wildcard(addr) ||
        c->op > AOE_CONTROL_RESERVE_FORCE || c->length > AOE_CONFIG_MAX ||
        c->mac_count > AOE_LIST_MAX || (c->mac[0] & 1 && changes(c->op)))
        return -EINVAL;
    return 0;
}

int aoe_control_submit(struct aoe *aoe, struct aoe_control *c)
{
    struct pending *p = pending_of(c);
    uint8_t frame[FRAME_MAX];
    int err = check(c);

    if (err)
        return err;
    if (aoe->stage == AOE_CLOSING)
        return -ECANCELED; /* nobody would end it */
    memset(p, 0, sizeof *p);
    p->port = find_port(aoe, c->interface);
    if (!p->port)
        return -ENODEV;
    if (build(frame, c, p) > p->port->link->mtu + AOE_ETHER_HEADER)
        return -EMSGSIZE;
    memset(&c->response, 0, sizeof c->response);
    p->tag = flight_tag(&aoe->flight);
    p->retry_at = aoe_now(aoe);
    p->gap = RETRY_FIRST;
    p->deadline =
        aoe_awake(aoe) + (c->timeout ? c->timeout : AOE_CONTROL_TIMEOUT);
    list_append(&aoe->controls, &p->link);
    aoe->kicked = true;
    return 0;
}

/* ---- the response -----------------------------------------------------------
 */

static void end(struct aoe_control *c, int status)
{
    list_remove(&pending_of(c)->link);
    c->done(c, status);
}

static int take_config(struct aoe_control *c, const uint8_t *frame, size_t len)
{
    struct aoe_control_response *r = &c->response;
    struct aoe_config config;

    if (aoe_config_parse(frame, len, &config))
        return -EPROTO;
    r->buffer_count = config.buffer_count;
    r->sector_count = config.sector_count;
    r->firmware = config.firmware;
    r->length = config.length;
    memcpy(r->string, config.string, config.length);
    return 0;
}

static int take_mask(struct aoe_control *c, const uint8_t *frame, size_t len)
{
    struct aoe_control_response *r = &c->response;
    struct aoe_mask mask;
    uint8_t code;

    if (aoe_mask_parse(frame, len, &mask))
        return -EPROTO;
    if (mask.error)
        return mask.error == AOE_MERROR_FULL ? -ENOSPC : -EIO;
    r->mac_count = mask.count;
    for (unsigned i = 0; i < mask.count; i++) {
        struct aoe_mac mac;

        aoe_mask_get(&mask, i, &code, &mac);
        memcpy(r->macs[i], mac.b, AOE_MAC);
    }
    return 0;
}

static int take_reserve(struct aoe_control *c, const uint8_t *frame, size_t len)
{
    struct aoe_control_response *r = &c->response;
    struct aoe_reserve reserve;

    if (aoe_reserve_parse(frame, len, &reserve))
        return -EPROTO;
    r->mac_count = reserve.count;
    memcpy(r->macs, reserve.macs, (size_t)reserve.count * AOE_MAC);
    return 0;
}

static int take(struct aoe_control *c, const uint8_t *frame, size_t len)
{
    switch (command_of(c->op)) {
    case AOE_CMD_CONFIG:
        return take_config(c, frame, len);
    case AOE_CMD_MASK:
        return take_mask(c, frame, len);
    default:
        return take_reserve(c, frame, len);
    }
}

/* vblade refuses to set a string that is there even if it is the same, as it
 * is when our command was carried out and its response lost. */
static int config_present(struct aoe_control *c, const uint8_t *frame,
                          size_t len)
{
    int err = take_config(c, frame, len);

    if (err)
        return err;
    return c->op == AOE_CONTROL_CONFIG_SET && c->response.length == c->length &&
                   memcmp(c->response.string, c->string, c->length) == 0
               ? 0
               : -EEXIST;
}

static int status_of(struct aoe_control *c, const struct aoe_header *h,
                     const uint8_t *frame, size_t len)
{
    if (!(h->flags & AOE_FLAG_ERROR))
        return take(c, frame, len);
    if (h->error == AOE_ERR_CONFIG_PRESENT &&
        command_of(c->op) == AOE_CMD_CONFIG)
        return config_present(c, frame, len);
    return error_status(h->error);
}

static bool answers(struct aoe_control *c, const struct aoe_port *port,
                    const struct aoe_header *h)
{
    const struct pending *p = pending_of(c);

    return p->copies && p->port == port && p->tag == h->tag &&
           h->command == command_of(c->op) && h->addr.shelf == c->shelf &&
           h->addr.slot == c->slot &&
           (c->mac[0] & 1 || memcmp(h->src.b, c->mac, AOE_MAC) == 0);
}

bool control_response(struct aoe_port *port, const struct aoe_header *h,
                      const uint8_t *frame, size_t len)
{
    struct aoe *aoe = port->aoe;

    list_each(node, &aoe->controls) {
        struct aoe_control *c = control_of(node);
        const struct pending *p = pending_of(c);

        if (!answers(c, port, h))
            continue;
        memcpy(c->response.mac, h->src.b, AOE_MAC);
        c->response.rtt = p->copies == 1 ? aoe_now(aoe) - p->sent : 0;
        end(c, status_of(c, h, frame, len));
        return true;
    }
    return false;
}

/* ---- time -----------------------------------------------------------------
 */

static void transmit(struct aoe *aoe, struct aoe_control *c)
{
    struct pending *p = pending_of(c);
    uint8_t frame[FRAME_MAX];
    size_t len = build(frame, c, p);

    p->copies++;
    p->sent = aoe_now(aoe);
    port_send(p->port, frame, len);
    p->retry_at = p->sent + p->gap;
    p->gap = p->gap * 2 < RETRY_SLOWEST ? p->gap * 2 : RETRY_SLOWEST;
    if (c->tries && p->copies >= c->tries)
        p->retry_at = UINT64_MAX;
}

void control_tick(struct aoe *aoe)
{
    list_each(node, &aoe->controls) {
        struct aoe_control *c = control_of(node);
        const struct pending *p = pending_of(c);

        if (p->deadline <= aoe_awake(aoe))
            end(c, -ETIMEDOUT);
        else if (p->retry_at <= aoe->now)
            transmit(aoe, c);
    }
}

uint64_t control_next(const struct aoe *aoe)
{
    uint64_t next = UINT64_MAX;

    list_each(node, &aoe->controls) {
        const struct pending *p = pending_of(control_of(node));
        uint64_t end = awake_real(&aoe->awake, p->deadline);
        uint64_t at = p->retry_at < end ? p->retry_at : end;

        if (at < next)
            next = at;
    }
    return next;
}

void control_cancel_all(struct aoe *aoe)
{
    list_each(node, &aoe->controls)
        end(control_of(node), -ECANCELED);
}
