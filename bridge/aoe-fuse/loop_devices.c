/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Loop devices on the files of a mount, see loop(4).  At shutdown nobody else
 * unmounts the file systems on them before the network goes down.
 */
#include "base/fd.h"
#include "bridge/aoe-fuse/server.h"

#include "initiator/client/block_use.h"

#ifdef __linux__

#include <fcntl.h>
#include <glob.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* An open descriptor of /dev/loopN if its file is on that mount; or -1. */
static int open_ours(const char *name, dev_t mount)
{
    struct loop_info64 info;
    char path[64];
    int fd;

    snprintf(path, sizeof path, "/dev/%s", name);
    fd = fd_open(path, O_RDONLY, 0);
    if (fd < 0)
        return -1;
    if (ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == mount)
        return fd;
    close(fd);
    return -1;
}

/* True: there was one, and it may need another try. */
static bool release_loop(const char *name, dev_t mount)
{
    struct block_numbers n = {.count = 0};
    int fd = open_ours(name, mount);

    if (fd < 0)
        return false;
    block_numbers_add(&n, name, true);
    if (block_unmount(&n) == 0)
        ioctl(fd, LOOP_CLR_FD); /* takes effect at its last close */
    close(fd);
    return true;
}

static bool release_loops(void *arg)
{
    static const char before[] = "/sys/block/", behind[] = "/loop/backing_file";
    const dev_t *mount = arg;
    char name[32];
    glob_t found;
    bool any = false;

    if (glob("/sys/block/loop*/loop/backing_file", 0, NULL, &found))
        return false;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *from = found.gl_pathv[i] + sizeof before - 1;

        snprintf(name, sizeof name, "%.*s",
                 (int)(strlen(from) - sizeof behind + 1), from);
        any |= release_loop(name, *mount);
    }
    globfree(&found);
    return any;
}

void mount_server_release_loops(const struct mount_server *s)
{
    unsigned number[2];
    dev_t mount;

    if (sscanf(s->auto_unmount.mount.number, "%u:%u", &number[0], &number[1]) !=
        2)
        return;
    mount = makedev(number[0], number[1]);
    at_shutdown(release_loops, &mount);
}

#else

void mount_server_release_loops(const struct mount_server *s)
{
    (void)s;
}

#endif
