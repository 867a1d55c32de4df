/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Noticing that the target may have been restarted.
 */
#ifndef INITIATOR_LIBAOE_RESTART_H
#define INITIATOR_LIBAOE_RESTART_H

#include "initiator/libaoe/disk.h"

/* A frame left by `p`. */
void disk_asked(struct aoe_disk *d, const struct path *p, uint64_t now);
/* A response came.  True: after such a silence that everything in flight begins
 * anew, and the response does not count. */
bool disk_heard(struct aoe_disk *d);
/* The target may have been restarted.  True: as above. */
bool disk_restarted(struct aoe_disk *d);
/* A page of our disk has come: the vendor words in it. */
void disk_vendor(struct aoe_disk *d, const struct ata_vendor *v);
/* It announced itself, or somebody did. */
void disk_announced(struct aoe_disk *d);
/* Asks now and then, while silence matters. */
void disk_watch(struct aoe_disk *d, uint64_t now);
uint64_t disk_watch_next(const struct aoe_disk *d);

#endif
