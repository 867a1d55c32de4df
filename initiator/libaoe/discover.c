/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Each response to a Query Config (AoEr11 section 3.2) makes a candidate, which
 * is asked to IDENTIFY and reported once it has.
 */
#include "initiator/libaoe/discover.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wire/ata.h"

#define QUERY_FIRST    (100 * NS_PER_MS)
#define QUERY_SLOWEST  NS_PER_S
#define IDENTIFY_RETRY (200 * NS_PER_MS)

enum { IDENTIFY_TRIES = 4, CANDIDATES_MAX = 65536 };

/* A disk as one interface and one target address show it. */
struct candidate {
    struct list link;
    struct aoe_port *port;
    struct aoe_mac mac;
    struct aoe_addr addr;
    struct aoe_config config; /* its string points to `string` */
    uint8_t string[AOE_CONFIG_STRING_MAX];
    struct ata_identity identity;
    bool identified, reserved, reported;
    uint32_t tag; /* of the IDENTIFY */
    unsigned tries;
    uint64_t retry_at; /* UINT64_MAX: no more */
};

int aoe_discover_start(struct aoe *aoe, uint16_t shelf, uint8_t slot,
                       void (*found)(void *arg, const struct aoe_found *f),
                       void *arg, struct aoe_discovery **out)
{
    struct aoe_discovery *s;

    assert(aoe->stage == AOE_IDLE); /* never from a callback */
    s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->aoe = aoe;
    s->addr = (struct aoe_addr){.shelf = shelf, .slot = slot};
    s->found = found;
    s->arg = arg;
    s->query_at = aoe_now(aoe);
    s->query_gap = QUERY_FIRST;
    list_init(&s->candidates);
    list_append(&aoe->discoveries, &s->link);
    aoe->kicked = true;
    *out = s;
    return 0;
}

/* ---- reporting ------------------------------------------------------------
 */

static unsigned payload(const struct candidate *g)
{
    unsigned fit = aoe_sectors_for_mtu(g->port->link->mtu);
    unsigned says = g->config.sector_count ? g->config.sector_count : 2;

    return (says < fit ? says : fit) * AOE_SECTOR;
}

static void report_as(struct aoe_discovery *s, struct candidate *g,
                      const struct ata_identity *id)
{
    struct aoe_found f = {
        .shelf = g->addr.shelf,
        .slot = g->addr.slot,
        .interface = g->port->link->ifname,
        .mtu = g->port->link->mtu,
        .payload = payload(g),
        .buffer_count = g->config.buffer_count,
        .sector_count = g->config.sector_count,
        .firmware = g->config.firmware,
        .config = g->string,
        .config_length = g->config.length,
        .identified = g->identified,
        .reserved = g->reserved,
        .size = id->sectors * AOE_SECTOR,
    };

    aoe_addr_format(f.name, g->addr);
    memcpy(f.mac, g->mac.b, sizeof f.mac);
    memcpy(f.serial, id->serial, sizeof f.serial);
    memcpy(f.model, id->model, sizeof f.model);
    memcpy(f.version, id->firmware, sizeof f.version);
    g->reported = true;
    s->found(s->arg, &f);
}

static void report(struct aoe_discovery *s, struct candidate *g)
{
    report_as(s, g, &g->identity);
}

/* ---- asking ---------------------------------------------------------------
 */

static void identify(struct aoe_discovery *s, struct candidate *g)
{
    uint8_t frame[AOE_FRAME_MIN];
    struct aoe_ata a = {
        .count = 1, .command = ATA_IDENTIFY, .lba = UINT64_C(0xa0) << 24};
    struct aoe_header h = {.dst = g->mac,
                           .src = g->port->link->mac,
                           .version = AOE_VERSION,
                           .addr = g->addr,
                           .command = AOE_CMD_ATA};
    size_t len;

    if (g->tries == 0)
        g->tag = flight_tag(&s->aoe->flight);
    h.tag = g->tag;
    aoe_header_build(frame, &h);
    len = aoe_ata_build(frame, &a);
    port_send(g->port, frame, aoe_pad(frame, len));
    g->tries++;
    g->retry_at = s->aoe->now + IDENTIFY_RETRY;
}

static struct candidate *add(struct aoe_discovery *s, struct aoe_port *port,
                             const struct aoe_header *h)
{
    struct candidate *g;

    if (s->count >= CANDIDATES_MAX)
        return NULL;
    g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->port = port;
    g->mac = h->src;
    g->addr = h->addr;
    list_append(&s->candidates, &g->link);
    s->count++;
    return g;
}

static struct candidate *find(struct aoe_discovery *s, struct aoe_port *port,
                              const struct aoe_header *h)
{
    list_each(node, &s->candidates) {
        struct candidate *g = list_entry(node, struct candidate, link);

        if (g->port == port && aoe_addr_equal(g->addr, h->addr) &&
            aoe_mac_equal(&g->mac, &h->src))
            return g;
    }
    return NULL;
}

static bool same_config(const struct aoe_config *a, const struct aoe_config *b)
{
    return a->buffer_count == b->buffer_count && a->firmware == b->firmware &&
           a->sector_count == b->sector_count && a->length == b->length &&
           memcmp(a->string, b->string, a->length) == 0;
}

void discovery_config(struct aoe_discovery *s, struct aoe_port *port,
                      const struct aoe_header *h, const struct aoe_config *c)
{
    struct candidate *g;

    if (!aoe_addr_matches(s->addr, h->addr))
        return;
    g = find(s, port, h);
    if (g && same_config(&g->config, c))
        return;
    if (!g)
        g = add(s, port, h);
    if (!g)
        return;
    g->config = *c;
    g->config.string = g->string;
    memcpy(g->string, c->string, c->length);
    g->tries = 0;
    identify(s, g);
}

/* A second response to one IDENTIFY: two servers of one machine may have been
 * given the same address. */
static void second_response(struct aoe_discovery *s, struct candidate *g,
                            const struct aoe_header *h, const uint8_t *frame,
                            size_t len)
{
    struct ata_identity id;
    struct aoe_ata a;

    if (!g->identified || g->tries > 1 || h->flags & AOE_FLAG_ERROR ||
        aoe_ata_parse(frame, len, &a) || a.command & ATA_STATUS_FAILED ||
        a.data_len < AOE_SECTOR)
        return;
    ata_identity_decode(a.data, &id);
    if (id.sectors != g->identity.sectors ||
        strcmp(id.serial, g->identity.serial) != 0 ||
        strcmp(id.model, g->identity.model) != 0)
        report_as(s, g, &id);
}

void discovery_ata(struct aoe_discovery *s, struct aoe_port *port,
                   const struct aoe_header *h, const uint8_t *frame, size_t len)
{
    struct candidate *g = find(s, port, h);
    struct aoe_ata a;

    if (!g || g->tag != h->tag)
        return;
    if (g->retry_at == UINT64_MAX) {
        second_response(s, g, h, frame, len);
        return;
    }
    if (h->flags & AOE_FLAG_ERROR) {
        g->reserved = h->error == AOE_ERR_RESERVED;
    } else {
        if (aoe_ata_parse(frame, len, &a))
            return;
        g->identified =
            !(a.command & ATA_STATUS_FAILED) && a.data_len >= AOE_SECTOR;
        if (g->identified)
            ata_identity_decode(a.data, &g->identity);
    }
    g->retry_at = UINT64_MAX;
    report(s, g);
}

/* ---- time -----------------------------------------------------------------
 */

void discovery_tick(struct aoe_discovery *s, uint64_t now)
{
    list_each(node, &s->candidates) {
        struct candidate *g = list_entry(node, struct candidate, link);

        if (now < g->retry_at)
            continue;
        if (g->tries < IDENTIFY_TRIES) {
            identify(s, g);
            continue;
        }
        g->retry_at = UINT64_MAX;
        report(s, g);
    }
    if (now < s->query_at)
        return;
    aoe_query(s->aoe, s->addr);
    s->query_at = now + s->query_gap;
    s->query_gap *= 2;
    if (s->query_gap > QUERY_SLOWEST)
        s->query_gap = QUERY_SLOWEST;
}

uint64_t discovery_next(const struct aoe_discovery *s)
{
    uint64_t next = s->query_at;

    list_each(node, &s->candidates) {
        const struct candidate *g = list_entry(node, struct candidate, link);

        if (g->retry_at < next)
            next = g->retry_at;
    }
    return next;
}

void discovery_free(struct aoe_discovery *s)
{
    struct list *node;

    while ((node = list_first(&s->candidates))) {
        list_remove(node);
        free(list_entry(node, struct candidate, link));
    }
    list_remove(&s->link);
    free(s);
}

void aoe_discover_stop(struct aoe_discovery *s)
{
    struct aoe *aoe = s->aoe;

    assert(aoe->stage == AOE_IDLE); /* never from a callback */
    aoe_enter(aoe, AOE_BUSY);
    list_each(node, &s->candidates) {
        struct candidate *g = list_entry(node, struct candidate, link);

        if (!g->reported)
            report(s, g);
    }
    discovery_free(s);
    aoe_enter(aoe, AOE_IDLE);
}
