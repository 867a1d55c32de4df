/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libfuse's auto_unmount would unmount whatever is on the directory; this one
 * unmounts only the server's own mount, which it knows by its device number.
 */
#include "bridge/aoe-fuse/auto_unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/options.h"

/* An open /dev/fuse would keep the dead mount alive, and whoever reads our
 * standard error may wait for its end.  fusermount3 needs the first three
 * descriptors to be open. */
static void close_all_but(int keep)
{
    long max = sysconf(_SC_OPEN_MAX);
    int null;

    /* Far above what a server of DISK_NAMES_MAX disks has open. */
    if (max < 0 || max > 1024)
        max = 1024;
    for (int fd = 0; fd < max; fd++)
        if (fd != keep)
            close(fd);
    do
        null = open("/dev/null", O_RDWR);
    while (null >= 0 && null < STDERR_FILENO);
}

bool auto_unmount_mount_there(const struct auto_unmount *g, const char *path)
{
    struct mount_device now;

    if (!*g->mount.number)
        return true;
    return mount_point_device(path, &now) == 0 &&
           strcmp(now.number, g->mount.number) == 0;
}

static int watch(const struct auto_unmount *g, int fd, const char *path)
{
    /* A signal to the whole terminal or service must not end this process
     * before the server. */
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    char byte;
    ssize_t n;

    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    close_all_but(fd);
    if (chdir("/"))
        return EXIT_FAILED;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 0 && auto_unmount_mount_there(g, path))
        return mount_point_unmount(path, true) ? EXIT_FAILED : EXIT_DONE;
    return EXIT_DONE;
}

int auto_unmount_start(struct auto_unmount *g, const char *path)
{
    int ends[2], err;

    g->pid = 0;
    g->mount.number[0] = '\0';
    if (mount_point_device(path, &g->mount))
        return 0;
    if (pipe(ends))
        return -errno;
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    g->pid = fork();
    if (g->pid == 0) {
        close(ends[1]);
        _exit(watch(g, ends[0], path));
    }
    err = errno;
    close(ends[0]);
    if (g->pid > 0) {
        g->fd = ends[1];
        return 0;
    }
    close(ends[1]);
    g->pid = 0;
    return -err;
}

void auto_unmount_dismiss(struct auto_unmount *g)
{
    if (!g->pid)
        return;
    if (write(g->fd, "", 1) != 1)
        kill(g->pid, SIGKILL);
    close(g->fd);
    while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    g->pid = 0;
}
