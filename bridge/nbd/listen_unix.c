/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Listening on a unix socket, which is for its owner only (mode 0600), and
 * taking over the path of a server that died.
 */
#include "bridge/nbd/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

static int bind_private(int fd, const struct sockaddr_un *sun)
{
    mode_t mask = umask(0177);
    int err = bind(fd, (const struct sockaddr *)sun, sizeof *sun) ? -errno : 0;

    umask(mask);
    return err;
}

/* Removes the socket file of a server that is gone.  -EADDRINUSE: it is not
 * gone; -EEXIST: it is no socket. */
static int remove_stale(const struct sockaddr_un *sun)
{
    struct stat st;
    int fd, err;

    if (lstat(sun->sun_path, &st))
        return -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -errno;
    nbd_socket_flags(fd);
    err = connect(fd, (const struct sockaddr *)sun, sizeof *sun) ? -errno : 0;
    close(fd);
    if (err == 0 || err == -EAGAIN) /* it answers, or has a full backlog */
        return -EADDRINUSE;
    if (err != -ECONNREFUSED)
        return err;
    return unlink(sun->sun_path) ? -errno : 0;
}

static int bind_unix(int fd, const struct sockaddr_un *sun)
{
    int err = bind_private(fd, sun);

    if (err == -EADDRINUSE) {
        err = remove_stale(sun);
        if (!err)
            err = bind_private(fd, sun);
    }
    return err;
}

static void say_unix(const char *path, int err)
{
    const char *what = strerror(-err);

    if (err == -EADDRINUSE)
        what = "another server listens there; choose another path";
    else if (err == -EEXIST)
        what = "there is something that is not a socket; choose another path";
    else if (err == -ENAMETOOLONG)
        what = "the path is too long for a socket; use a shorter one";
    log_error("listening on %s: %s", path, what);
}

int nbd_listen_unix(struct nbd_listener *listener, struct nbd_service *service,
                    const char *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct stat st;
    int fd = -1, err = 0;

    *listener = (struct nbd_listener){0};
    if (strlen(path) >= sizeof sun.sun_path)
        err = -ENAMETOOLONG;
    if (!err) {
        memcpy(sun.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        err = fd < 0 ? -errno : bind_unix(fd, &sun);
    }
    if (!err) {
        listener->path = strdup(path);
        err = listener->path ? nbd_listener_start(listener, service, fd)
                             : -ENOMEM;
        if (!err && stat(path, &st) == 0) {
            listener->device = st.st_dev;
            listener->inode = st.st_ino;
        }
        if (err)
            unlink(path);
    }
    if (err) {
        say_unix(path, err);
        free(listener->path);
        *listener = (struct nbd_listener){0};
        if (fd >= 0)
            close(fd);
    }
    return err;
}
