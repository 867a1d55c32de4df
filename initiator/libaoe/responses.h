/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a response means (AoEr11 section 3.1, ATA8-ACS).
 */
#ifndef INITIATOR_LIBAOE_RESPONSES_H
#define INITIATOR_LIBAOE_RESPONSES_H

#include "initiator/libaoe/disk.h"

/* Whether what came by `from` may be a response to `f`: from anybody who shows
 * our disk, but for an IDENTIFY and a probe, which speak only for who was
 * asked.  False: it is not to be looked at, and `f` may be gone. */
bool disk_admits(struct aoe_disk *d, struct path *from, const struct frame *f);
/* An admitted response to `f`. */
void disk_ata(struct aoe_disk *d, struct path *from, struct frame *f,
              const struct aoe_ata *a);
/* The same with the error flag; `error`: enum aoe_error. */
void disk_error(struct aoe_disk *d, struct path *from, struct frame *f,
                uint8_t error);

#endif
