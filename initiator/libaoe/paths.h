/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The paths of a disk: which there are, which have to identify themselves
 * again, and which go.
 */
#ifndef INITIATOR_LIBAOE_PATHS_H
#define INITIATOR_LIBAOE_PATHS_H

#include "initiator/libaoe/disk.h"

/* The path by `port` to the target at `mac`, or NULL. */
struct path *disk_path(struct aoe_disk *d, struct aoe_port *port,
                       const struct aoe_mac *mac);
/* A new one; NULL without memory, or where there are too many. */
struct path *disk_add_path(struct aoe_disk *d, struct aoe_port *port,
                           const struct aoe_mac *mac);
/* How many requests the target says it queues and how many sectors a command
 * may carry: with the interface's MTU they limit window and frame length. */
void path_set_limits(struct path *p, unsigned buffer_count,
                     unsigned sector_count);
/* What is on its way by it goes by another. */
void path_free(struct path *p);
/* How many lead to our disk, as far as is known. */
unsigned disk_good_paths(const struct aoe_disk *d);
/* Asks it to IDENTIFY, if it is not asked already. */
void path_identify(struct path *p);
/* A response to an IDENTIFY of before may come from whoever was there before:
 * it does not count. */
void path_forget_identify(struct path *p);
/* Nothing goes to the disk before it has shown again that it is ours. */
void disk_verify_paths(struct aoe_disk *d);
/* How long the responses to its reads and writes take, ns, by the slowest of
 * the paths that some are on now; 0: none are, or it is not known. */
uint64_t disk_data_rtt(const struct aoe_disk *d);
/* A response to what is long done; `from`: NULL where it is no path of ours. */
void disk_late(struct aoe_disk *d, struct path *from);

#endif
