/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Discovery: which disks respond on the named interfaces, and what they are.
 */
#ifndef INITIATOR_LIBAOE_DISCOVER_H
#define INITIATOR_LIBAOE_DISCOVER_H

#include "initiator/libaoe/context.h"

struct aoe_discovery {
    struct list link; /* in aoe->discoveries */
    struct aoe *aoe;
    struct aoe_addr addr; /* wildcards allowed */
    void (*found)(void *arg, const struct aoe_found *f);
    void *arg;
    struct list candidates; /* of candidate.link */
    unsigned count;
    uint64_t query_at, query_gap;
};

void discovery_config(struct aoe_discovery *s, struct aoe_port *port,
                      const struct aoe_header *h, const struct aoe_config *c);
void discovery_ata(struct aoe_discovery *s, struct aoe_port *port,
                   const struct aoe_header *h, const uint8_t *frame,
                   size_t len);
void discovery_tick(struct aoe_discovery *s, uint64_t now);
uint64_t discovery_next(const struct aoe_discovery *s);
void discovery_free(struct aoe_discovery *s);

#endif
