/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding a disk: whoever answers a Query Config for its address is asked to
 * IDENTIFY.
 */
#ifndef INITIATOR_LIBAOE_SEARCH_H
#define INITIATOR_LIBAOE_SEARCH_H

#include "initiator/libaoe/disk.h"

/* While the disk is not there the network is asked so often. */
#define SEARCH_QUERY_MAX NS_PER_S

/* A Query Config response for this disk's address. */
void disk_config(struct aoe_disk *d, struct aoe_port *port,
                 const struct aoe_header *h, const struct aoe_config *c);
void disk_search_tick(struct aoe_disk *d, uint64_t now);
/* The interface's MTU or state changed. */
void disk_port_changed(struct aoe_disk *d, struct aoe_port *port);

#endif
