/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether an address leads to our disk (doc/safety.md, "The same disk, or
 * none").
 */
#ifndef INITIATOR_LIBAOE_IDENTITY_H
#define INITIATOR_LIBAOE_IDENTITY_H

#include "initiator/libaoe/disk.h"

/* An IDENTIFY page that came over `p`; NULL: it was refused or never came. */
void disk_identified(struct aoe_disk *d, struct path *p, const uint8_t *page);
/* A response that no frame waits for: if it is the second one to an IDENTIFY
 * that was sent once, two disks may share this network address, too. */
void disk_stray(struct aoe_disk *d, struct aoe_port *port,
                const struct aoe_header *h, const uint8_t *frame, size_t len);
/* Nobody has objected to the first for long enough: it is the disk. */
void disk_identity_tick(struct aoe_disk *d, uint64_t now);
uint64_t disk_identity_next(const struct aoe_disk *d);

#endif
