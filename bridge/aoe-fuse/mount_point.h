/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mount points: whose they are, and unmounting them.  The subcommand is
 * umount.c.
 */
#ifndef BRIDGE_AOE_FUSE_MOUNT_POINT_H
#define BRIDGE_AOE_FUSE_MOUNT_POINT_H

#include <stdbool.h>
#include <sys/types.h>

/* The absolute path of `dir`, also when its server is dead and the directory
 * itself answers nothing.  Memory to free(); NULL with errno. */
char *mount_point_path(const char *dir);

/* Whether aoe-fuse mounted what is on `path` (absolute): 1 or 0, or -ENOSYS
 * where the system does not say.  *user, which may be NULL, becomes the user
 * who mounted it, where that is known. */
int mount_point_ours(const char *path, uid_t *user);

/* The device number of the mount on `path`: no two mounts have the same one at
 * the same time.  0; -ENOENT: nothing is mounted; -ENOSYS where the system does
 * not say. */
struct mount_device {
    char number[24];
};
int mount_point_device(const char *path, struct mount_device *out);

/* Unmounts; for an unprivileged user, fusermount3 does.  `lazy`: detach it now,
 * and end it with its last user (by force where the system has no such thing).
 * 0, -EBUSY, or another -errno.  Blocks while the mount's own server is asked
 * to write, so never call it from there. */
int mount_point_unmount(const char *path, bool lazy);

#endif
