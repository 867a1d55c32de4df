/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse mount: checks what the user asked for, and starts the server.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-fuse/commands.h"
#include "bridge/aoe-fuse/mount_point.h"
#include "bridge/aoe-fuse/server.h"

/* Everything that can be wrong with DIR, before anything is opened. */
static char *check_dir(const char *dir)
{
    char *path = mount_point_path(dir);
    struct stat st;

    if (!path) {
        log_error("mount: %s: %s", dir, strerror(errno));
    } else if (stat(path, &st)) {
        log_error("mount: %s: %s%s", dir, strerror(errno),
                  errno == ENOTCONN
                      ? "; the server of an earlier mount is gone,"
                        " aoe-fuse umount removes the mount"
                      : "");
    } else if (!S_ISDIR(st.st_mode)) {
        log_error("mount: %s: not a directory", dir);
    } else if (mount_point_ours(path, NULL) > 0) {
        log_error("mount: %s: has disks mounted already; name all disks of a "
                  "directory in one command",
                  dir);
    } else {
        return path;
    }
    free(path);
    return NULL;
}

int fuse_mount_command(int argc, char **argv)
{
    struct mount_options options;
    char *path;
    int status;

    if (mount_options_parse(&options, argc, argv, &status)) {
        path = check_dir(options.dir);
        status = path ? mount_server_run(&options, path) : EXIT_FAILED;
        free(path);
    }
    mount_options_free(&options);
    return status;
}
