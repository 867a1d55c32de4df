/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse umount: flush, then unmount, so that exit status 0 means that the
 * data is safe.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe-fuse/commands.h"
#include "bridge/aoe-fuse/unmount.h"

void fuse_umount_help(void)
{
    printf("usage: aoe-fuse umount DIR\n"
           "\n"
           "Flushes the disks in DIR and unmounts it, also when its server is "
           "gone.\n");
}

/* Syncing the directory flushes every disk in it.  A dead server has nothing
 * left to flush. */
static int flush(const char *path)
{
    int err = 0, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOTCONN ? 0 : -errno;
    if (fsync(fd))
        err = -errno;
    close(fd);
    return err;
}

static int umount_it(const char *dir)
{
    char *path = mount_point_path(dir);
    uid_t user = getuid();
    int flushed, err;

    if (!path) {
        log_error("umount %s: %s", dir, strerror(errno));
        return EXIT_FAILED;
    }
    if (!mount_point_ours(path, &user)) {
        log_error("umount %s: not a directory that aoe-fuse mounted", dir);
        free(path);
        return EXIT_FAILED;
    }
    if (user != getuid() && geteuid() != 0) {
        log_error("umount %s: mounted by another user; only he and root may "
                  "unmount it",
                  dir);
        free(path);
        return EXIT_FAILED;
    }
    flushed = flush(path);
    if (flushed == -EACCES)
        log_error("umount %s: not flushed here, for it lets in only who "
                  "mounted it; its server flushes it as it ends",
                  dir);
    else if (flushed)
        log_error("umount %s: flushing: %s; writes since the last fsync may "
                  "be lost",
                  dir, strerror(-flushed));
    err = unmount_path(path, false);
    free(path);
    if (err == -EBUSY)
        log_error("umount %s: in use, still mounted; a program has a file in "
                  "it open, or a loop device is on one (losetup -l)",
                  dir);
    else if (err)
        log_error("umount %s: %s", dir, strerror(-err));
    return err || flushed ? EXIT_FAILED : EXIT_DONE;
}

int fuse_umount_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int letter;

    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (letter != 'h')
            return fuse_bad_option("umount", letter, argv);
        fuse_umount_help();
        return EXIT_DONE;
    }
    if (argc - optind != 1) {
        log_error("umount: needs one directory: aoe-fuse umount DIR");
        return EXIT_USAGE;
    }
    return umount_it(argv[optind]);
}
