/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sockets that NBD clients connect to, of whatever kind: accepting them, and
 * the URI they come by (NetworkBlockDevice/nbd, doc/uri.md).
 */
#include "bridge/nbd/listen.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

enum {
    BACKLOG = 1024,  /* or what the system allows */
    ACCEPT_MAX = 16, /* in one turn */
};

static const uint64_t retry_after = NS_PER_S / 10;

/* ---- accepting ----------------------------------------------------------- */

void nbd_socket_flags(int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Without a descriptor or memory to spare the next accept would fail at once
 * again, and the loop spin: it waits a little instead. */
static void pause_accepting(struct nbd_listener *listener)
{
    struct loop *loop = listener->service->loop;

    if (loop_timer_set(loop, &listener->retry, loop_now(loop) + retry_after))
        return;
    loop_unwatch(loop, &listener->watch);
}

static void retry(void *arg)
{
    struct nbd_listener *listener = arg;

    if (loop_watch(listener->service->loop, &listener->watch, POLLIN))
        pause_accepting(listener);
}

static void adopt(struct nbd_listener *listener, int fd)
{
    int on = 1;

    nbd_socket_flags(fd);
    if (!listener->path) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        /* A client whose machine is gone says nothing about it. */
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (nbd_service_adopt(listener->service, fd))
        pause_accepting(listener);
}

static void acceptable(void *arg, short revents)
{
    struct nbd_listener *listener = arg;

    (void)revents;
    for (int i = 0; i < ACCEPT_MAX && listener->watch.index; i++) {
        int fd;

        if (nbd_server_full(&listener->service->server)) {
            pause_accepting(listener);
            return;
        }
        fd = accept(listener->watch.fd, NULL, NULL);
        if (fd >= 0) {
            adopt(listener, fd);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            log_debug("accepting a client: %s", strerror(errno));
            pause_accepting(listener);
            return;
        }
    }
}

int nbd_listener_start(struct nbd_listener *listener,
                       struct nbd_service *service, int fd)
{
    nbd_socket_flags(fd);
    if (listen(fd, BACKLOG))
        return -errno;
    listener->service = service;
    listener->retry = (struct loop_timer){.expired = retry, .arg = listener};
    listener->watch =
        (struct loop_fd){.fd = fd, .ready = acceptable, .arg = listener};
    return loop_watch(service->loop, &listener->watch, POLLIN);
}

void nbd_listener_close(struct nbd_listener *listener)
{
    struct stat st;

    if (!listener->service)
        return;
    loop_unwatch(listener->service->loop, &listener->watch);
    loop_timer_cancel(listener->service->loop, &listener->retry);
    close(listener->watch.fd);
    if (listener->path && stat(listener->path, &st) == 0 &&
        st.st_dev == listener->device && st.st_ino == listener->inode)
        unlink(listener->path);
    free(listener->path);
    listener->path = NULL;
    listener->service = NULL;
}

/* ---- URI ----------------------------------------------------------------- */

/* A path as the value of a query: what has a meaning in a URI is escaped. */
static void escape(char *out, size_t size, const char *path)
{
    size_t used = 0;

    for (; *path && used + 4 <= size; path++) {
        unsigned char c = (unsigned char)*path;

        if (isalnum(c) || strchr("-._~/", c))
            out[used++] = (char)c;
        else
            used += (size_t)snprintf(out + used, size - used, "%%%02X", c);
    }
    out[used] = '\0';
}

void nbd_listener_uri(const struct nbd_listener *listener, const char *name,
                      char *out, size_t size)
{
    char host[256], port[16], path[3 * sizeof(struct sockaddr_un)];
    struct sockaddr_storage ss;
    socklen_t length = sizeof ss;

    if (listener->path) {
        escape(path, sizeof path, listener->path);
        snprintf(out, size, "nbd+unix:///%s?socket=%s", name, path);
        return;
    }
    if (getsockname(listener->watch.fd, (struct sockaddr *)&ss, &length) ||
        getnameinfo((struct sockaddr *)&ss, length, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV)) {
        snprintf(out, size, "nbd:///%s", name);
        return;
    }
    snprintf(out, size,
             strchr(host, ':') ? "nbd://[%s]:%s/%s" : "nbd://%s:%s/%s", host,
             port, name);
}
