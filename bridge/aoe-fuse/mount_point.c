/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The system calls and files behind mount points.
 */
#include "bridge/aoe-fuse/mount_point.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mount_table.h"

/* The parent's path and the last name.  A dead mount, or one of another user,
 * answers no question about itself. */
static char *path_by_parent(const char *dir)
{
    char *copy = strdup(dir), *slash, *parent, *path = NULL;
    const char *last = copy;
    size_t length;

    if (!copy)
        return NULL;
    length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    slash = strrchr(copy, '/');
    if (slash) {
        *slash = '\0';
        last = slash + 1;
    }
    parent = realpath(!slash ? "." : *copy ? copy : "/", NULL);
    if (parent &&
        asprintf(&path, "%s/%s", strcmp(parent, "/") ? parent : "", last) < 0)
        path = NULL;
    free(parent);
    free(copy);
    return path;
}

char *mount_point_path(const char *dir)
{
    char *path = realpath(dir, NULL);

    if (!path && (errno == ENOTCONN || errno == EACCES))
        path = path_by_parent(dir);
    return path;
}

#ifdef __linux__

int mount_point_ours(const char *path, uid_t *user)
{
    struct mount_table table;
    struct mount_entry mount;
    int ours = 0;

    if (mount_table_open(&table, "/proc/self/mountinfo"))
        return -ENOSYS;
    while (mount_table_next(&table, &mount)) { /* the last one is on top */
        const char *owner = mount_entry_option(&mount, "user_id");

        if (strcmp(mount.dir, path) != 0)
            continue;
        ours = strcmp(mount.type, "fuse.aoe-fuse") == 0;
        if (user && owner)
            *user = (uid_t)strtoul(owner, NULL, 10);
    }
    mount_table_close(&table);
    return ours;
}

int mount_point_device(const char *path, struct mount_device *out)
{
    struct mount_table table;
    struct mount_entry mount;
    int err = -ENOENT;

    if (mount_table_open(&table, "/proc/self/mountinfo"))
        return -ENOSYS;
    while (mount_table_next(&table, &mount)) { /* the last one is on top */
        if (strcmp(mount.dir, path) != 0)
            continue;
        snprintf(out->number, sizeof out->number, "%s", mount.device);
        err = 0;
    }
    mount_table_close(&table);
    return err;
}

/* fusermount3 may unmount what its caller mounted. */
static int by_fusermount(const char *path, bool lazy)
{
    int status;
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        execlp("fusermount3", "fusermount3", lazy ? "-uqz" : "-uq", "--", path,
               (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    /* It does not say why, and there is one ordinary reason. */
    return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -EPERM : -EBUSY;
}

int mount_point_unmount(const char *path, bool lazy)
{
    if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
        return 0;
    return errno == EPERM ? by_fusermount(path, lazy) : -errno;
}

#else

int mount_point_ours(const char *path, uid_t *user)
{
    (void)path;
    (void)user;
    return -ENOSYS;
}

int mount_point_device(const char *path, struct mount_device *out)
{
    (void)path;
    (void)out;
    return -ENOSYS;
}

int mount_point_unmount(const char *path, bool lazy)
{
    return unmount(path, lazy ? MNT_FORCE : 0) ? -errno : 0;
}

#endif
