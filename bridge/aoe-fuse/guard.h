/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Another process that outlives the server for a moment: should the server die
 * without unmounting (kill -9, no memory), it does that, so that the directory
 * does not stay behind, dead.
 */
#ifndef BRIDGE_AOE_FUSE_GUARD_H
#define BRIDGE_AOE_FUSE_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "bridge/aoe-fuse/unmount.h"

struct guard {
    struct mount_device mount; /* the server's; "" where nobody knows */
    pid_t pid;                 /* 0: none */
    int fd; /* we hold one end of a pipe; its closing is our death */
};

/* Starts it for what is mounted on `path` now.  0 or -errno; without effect
 * where the system does not tell one mount from another. */
int guard_start(struct guard *g, const char *path);

/* Whether the server's own mount, and no later one, is still on `path`. */
bool guard_mount_there(const struct guard *g, const char *path);

/* The server has ended well: there is nothing to do. */
void guard_dismiss(struct guard *g);

#endif
