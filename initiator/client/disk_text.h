/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a person wants to know about a disk, as lines of "name value": the
 * content of e1.2.info and e1.2.stats in a FUSE directory, and what aoe stat
 * prints.
 */
#ifndef INITIATOR_CLIENT_DISK_TEXT_H
#define INITIATOR_CLIENT_DISK_TEXT_H

#include <stddef.h>

#include "initiator/libaoe/aoe.h"

/* Its identity, and how it is reached.  The disk must be ready.  Returns memory
 * to free(), NULL when out of memory; *length excludes the final 0. */
char *disk_info_text(const struct aoe_disk *disk, size_t *length);

/* Its counters since it was opened, and the state of each path. */
char *disk_stats_text(const struct aoe_disk *disk, size_t *length);

/* Both, with each path in one line. */
char *disk_stat_text(const struct aoe_disk *disk, size_t *length);

#endif
