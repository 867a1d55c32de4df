/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mount points: which are ours, and taking one down.
 */
#ifndef BRIDGE_AOE_FUSE_UNMOUNT_H
#define BRIDGE_AOE_FUSE_UNMOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/* The absolute path of `dir`, also when its server is dead and the directory
 * itself answers nothing.  Memory to free(); NULL with errno. */
char *mount_point_path(const char *dir);

/* Whether what is mounted on `path` (absolute) came from aoe-fuse: 1 or 0, or
 * -ENOSYS where the system does not tell.  Also who mounted it in *user, which
 * may be NULL, where that is known. */
int mount_point_ours(const char *path, uid_t *user);

/* Which mount it is that lies on `path`: no two have the same at one time.
 * 0; -ENOENT when there is none; -ENOSYS where the system does not tell. */
struct mount_device {
    char number[24];
};
int mount_point_device(const char *path, struct mount_device *out);

/* Unmounts, with fusermount3's help for a user who may not.  `lazy`: out of the
 * name space now, for good when its last user is gone (by force where the
 * system has no such thing).  0, -EBUSY, or another -errno; may wait for
 * answers of the mount's own server. */
int unmount_path(const char *path, bool lazy);

#endif
