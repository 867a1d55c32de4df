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
    NEIGHBOUR_DOUBTFUL, /* a target that does not tell which disks it serves */
    NEIGHBOUR_SAME,     /* serves this address */
};

/* The target that listens for AoE on this interface: vblade, ours if its
 * command line tells the address, others.  Tools, clients and captures listen,
 * too, and do not count. */
enum neighbour neighbour_find(const char *ifname, struct aoe_addr addr,
                              struct process *found);

#endif
