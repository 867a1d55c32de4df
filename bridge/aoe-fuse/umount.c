/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse umount: flushes, then unmounts, so that exit status 0 means that the
 * data is safe.  How to unmount is in mount_point.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-fuse/commands.h"
#include "bridge/aoe-fuse/mount_point.h"
#include "initiator/client/command_line.h"

static const struct command_line line = {
    .program = "aoe-fuse",
    .command = "umount",
    .usage = "Usage: aoe-fuse umount DIR\n"
             "Flush the disks in DIR and unmount it, also when its server is "
             "gone.",
    .notes = "Exit status: 0 done, 1 failed, 2 wrong usage.",
    .shared = OPTION_VERBOSE,
};

/* fsync of the directory flushes every disk in it.  A dead server has nothing
 * left to flush. */
static int flush(const char *path)
{
    int err = 0, fd = fd_open(path, O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return errno == ENOTCONN ? 0 : -errno;
    if (fsync(fd))
        err = -errno;
    close(fd);
    return err;
}

static bool permitted(const char *dir, const char *path)
{
    uid_t user = getuid();

    if (!mount_point_ours(path, &user)) {
        log_error("umount %s: not a directory that aoe-fuse mounted", dir);
        return false;
    }
    if (user != getuid() && geteuid() != 0) {
        log_error("umount %s: mounted by another user; only they and root may "
                  "unmount it",
                  dir);
        return false;
    }
    return true;
}

static int flush_and_say(const char *dir, const char *path)
{
    int err = flush(path);

    if (err == -EACCES)
        log_error("umount %s: not flushed here, because only the user who "
                  "mounted it may; its server flushes it as it ends",
                  dir);
    else if (err)
        log_error("umount %s: flushing: %s; writes since the last fsync may "
                  "be lost",
                  dir, strerror(-err));
    return err;
}

static int unmount_and_say(const char *dir, const char *path)
{
    int err = mount_point_unmount(path, false);

    if (err == -EBUSY)
        log_error("umount %s: in use, still mounted; a program has a file in "
                  "it open, or a loop device is on one (losetup -l)",
                  dir);
    else if (err)
        log_error("umount %s: %s", dir, strerror(-err));
    return err;
}

/* A disk that cannot be flushed is unmounted all the same: a dead target must
 * not keep the directory. */
static int umount_path(const char *dir, const char *path)
{
    int flushed, unmounted;

    if (!permitted(dir, path))
        return EXIT_FAILED;
    flushed = flush_and_say(dir, path);
    unmounted = unmount_and_say(dir, path);
    return flushed || unmounted ? EXIT_FAILED : EXIT_DONE;
}

static int umount_dir(const char *dir)
{
    char *path = mount_point_path(dir);
    int status = EXIT_FAILED;

    if (path)
        status = umount_path(dir, path);
    else
        log_error("umount %s: %s", dir, strerror(errno));
    free(path);
    return status;
}

int fuse_umount_command(int argc, char **argv)
{
    int status = command_line_parse(&line, NULL, NULL, &argc, argv);

    if (status >= 0)
        return status;
    if (argc != 1)
        return command_line_wrong(&line, "name one directory", NULL, NULL);
    return umount_dir(argv[0]);
}
