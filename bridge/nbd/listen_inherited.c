/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sockets that somebody else listens on for us: systemd, or a program that
 * starts a server just for itself, as nbdcopy does for what stands in brackets
 * (sd_listen_fds(3), "Notes"; libnbd's systemd socket activation).
 */
#include "bridge/nbd/listen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"

enum { FIRST = 3 };

unsigned nbd_inherited_sockets(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    uint64_t n = 0, whose;

    if (!pid || !count || option_u64(pid, 1, INT32_MAX, &whose) ||
        whose != (uint64_t)getpid() ||
        option_u64(count, 1, NBD_INHERITED_MAX, &n))
        n = 0;
    return (unsigned)n;
}

void nbd_inherited_forget(void)
{
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

/* Whether it is what it should be: a stream socket that somebody listens on. */
static bool listens(int fd)
{
    int type = 0, accepts = 0;
    socklen_t length = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length))
        return false;
    length = sizeof accepts;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length))
        return false;
    return type == SOCK_STREAM && accepts;
}

/* The path of a unix socket, "" without one, or NULL of other sockets. */
static char *path_of(int fd)
{
    struct sockaddr_un sun;
    socklen_t length = sizeof sun;

    memset(&sun, 0, sizeof sun);
    if (getsockname(fd, (struct sockaddr *)&sun, &length) ||
        sun.sun_family != AF_UNIX)
        return NULL;
    return strndup(sun.sun_path, sizeof sun.sun_path);
}

int nbd_listen_inherited(struct nbd_listener *listener,
                         struct nbd_service *service, unsigned which)
{
    int fd = FIRST + (int)which, err;

    /* No inode is noted: the socket file is not ours to remove. */
    *listener = (struct nbd_listener){0};
    if (!listens(fd)) {
        log_error("descriptor %d: not a stream socket that is listened on; "
                  "LISTEN_FDS says that it is",
                  fd);
        return -ENOTSOCK;
    }
    listener->path = path_of(fd);
    err = nbd_listener_start(listener, service, fd);
    if (err) {
        log_error("descriptor %d: %s", fd, strerror(-err));
        free(listener->path);
        *listener = (struct nbd_listener){0};
    }
    return err;
}
