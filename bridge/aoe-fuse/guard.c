/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who unmounts when the server cannot.  libfuse's auto_unmount does the same
 * for whatever is on the directory; this one for the server's own mount only,
 * which the number of its device tells.
 */
#include "bridge/aoe-fuse/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/options.h"

/* Everything the server has open: /dev/fuse, which would keep the dead mount
 * alive, standard error, whose reader may wait for its end, and the rest.
 * fusermount3 expects something in the place of the first three. */
static void close_all_but(int keep)
{
    long most = sysconf(_SC_OPEN_MAX);

    /* Far above what a server of MOUNT_DISKS_MAX disks has open. */
    if (most < 0 || most > 1024)
        most = 1024;
    for (int fd = 0; fd < most; fd++)
        if (fd != keep)
            close(fd);
    while ((most = open("/dev/null", O_RDWR)) >= 0 && most < STDERR_FILENO)
        ;
}

bool guard_mount_there(const struct guard *g, const char *path)
{
    struct mount_device now;

    if (!*g->mount.number)
        return true;
    return mount_point_device(path, &now) == 0 &&
           strcmp(now.number, g->mount.number) == 0;
}

static int watch(const struct guard *g, int fd, const char *path)
{
    /* What ends the server with its terminal or service must not end this
     * one first. */
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
    if (n == 0 && guard_mount_there(g, path))
        return unmount_path(path, true) ? EXIT_FAILED : EXIT_DONE;
    return EXIT_DONE;
}

int guard_start(struct guard *g, const char *path)
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

void guard_dismiss(struct guard *g)
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
