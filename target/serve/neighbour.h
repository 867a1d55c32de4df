/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Other AoE targets on this machine, which no frame on the wire reaches.
 */
#ifndef TARGET_SERVE_NEIGHBOUR_H
#define TARGET_SERVE_NEIGHBOUR_H

#include <stdbool.h>

#include "target/store/process.h"

enum neighbour {
    NEIGHBOUR_NONE,
    NEIGHBOUR_DOUBTFUL, /* a target that does not say which disks it serves */
    NEIGHBOUR_SAME,     /* serves this address */
};

/* Who listens for AoE on this interface, and is a target: vblade, ours where
 * its command line tells the address, others.  Tools, clients and captures
 * listen, too, and are none. */
enum neighbour neighbour_find(const char *ifname, struct aoe_addr addr,
                              struct process *found);

#endif
