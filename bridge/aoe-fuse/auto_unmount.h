/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A process that unmounts when the server dies without doing so (kill -9, out
 * of memory), so that no dead directory is left behind.
 */
#ifndef BRIDGE_AOE_FUSE_AUTO_UNMOUNT_H
#define BRIDGE_AOE_FUSE_AUTO_UNMOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "bridge/aoe-fuse/mount_point.h"

struct auto_unmount {
    struct mount_device mount; /* the server's own; "" where it is unknown */
    pid_t pid;                 /* 0: none */
    int fd;                    /* our end of a pipe, which closes when we die */
};

/* Starts it for what is mounted on `path` now.  0 or -errno; does nothing where
 * the system does not tell one mount from another. */
int auto_unmount_start(struct auto_unmount *g, const char *path);

/* Whether the server's own mount, not a later one, is still on `path`. */
bool auto_unmount_mount_there(const struct auto_unmount *g, const char *path);

/* The server has unmounted: ends the process. */
void auto_unmount_dismiss(struct auto_unmount *g);

#endif
