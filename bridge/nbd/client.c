/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A client's socket: what arrives goes into the state machine, what is ready
 * leaves at the end of the turn with as few calls as possible.
 */
#include "bridge/nbd/client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum {
    SEND_IOVECS = 64,
    RECEIVE_MAX = 1 << 20, /* bytes of one client before others have a turn */
};

/* A client that is gone must not be a signal; where the call cannot be told,
 * the socket can. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

void nbd_client_drop(struct nbd_client *client, const char *why)
{
    struct nbd_service *service = client->service;

    log_debug("client %u: %s", client->conn.number, why);
    nbd_conn_close(&client->conn);
    loop_unwatch(service->loop, &client->watch);
    loop_task_cancel(&client->task);
    loop_timer_cancel(service->loop, &client->deadline);
    close(client->watch.fd);
    list_remove(&client->link);
    free(client);
    if (service->stopping)
        loop_task_queue(service->loop, &service->end);
    if (service->left)
        service->left(service->left_arg);
}

/* ---- sending ------------------------------------------------------------- */

/* 0, also when the socket is full; or -errno. */
static int send_replies(struct nbd_client *client)
{
    struct iovec iov[SEND_IOVECS];
    struct msghdr msg = {.msg_iov = iov};
    int count;

    client->full = false;
    while ((count = nbd_conn_output(&client->conn, iov, SEND_IOVECS)) > 0) {
        ssize_t n;

        msg.msg_iovlen = (size_t)count;
        n = sendmsg(client->watch.fd, &msg, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            client->full = true;
            return 0;
        }
        if (n < 0)
            return -errno;
        client->moved = loop_now(client->service->loop);
        nbd_conn_sent(&client->conn, (size_t)n);
    }
    return 0;
}

/* ---- waiting ------------------------------------------------------------- */

/* What the loop should wait for.  While it is nothing, the socket is not
 * watched at all: a hang-up that cannot be handled yet would spin. */
static int wait_events(struct nbd_client *client)
{
    short events = 0;

    if (client->full)
        events |= POLLOUT;
    if (nbd_conn_wants_input(&client->conn))
        events |= POLLIN;
    if (events)
        return loop_watch(client->service->loop, &client->watch, events);
    loop_unwatch(client->service->loop, &client->watch);
    return 0;
}

void nbd_watch_stalls(struct nbd_service *service)
{
    if (!service->stall.index && nbd_server_awaited(&service->server))
        loop_timer_set(service->loop, &service->stall,
                       loop_now(service->loop) + service->stall_timeout);
}

bool nbd_client_stalls(const struct nbd_client *client)
{
    const struct nbd_service *service = client->service;

    return nbd_conn_over_limit(&client->conn) &&
           loop_now(service->loop) - client->moved >= service->stall_timeout;
}

/* ---- a turn -------------------------------------------------------------- */

static void settle(void *arg)
{
    struct nbd_client *client = arg;
    struct nbd_conn *conn = &client->conn;
    int err;

    nbd_conn_resume(conn);
    err = send_replies(client);
    nbd_conn_yield(conn);
    if (err) {
        nbd_client_drop(client, strerror(-err));
        return;
    }
    if (nbd_conn_finished(conn)) {
        nbd_client_drop(client, conn->trouble ? conn->trouble : "done");
        return;
    }
    if (nbd_conn_transmitting(conn))
        loop_timer_cancel(client->service->loop, &client->deadline);
    nbd_watch_stalls(client->service);
    if (wait_events(client))
        nbd_client_drop(client, "no memory to watch it");
}

static void wake(struct nbd_conn *conn)
{
    struct nbd_client *client = conn->arg;

    loop_task_queue(client->service->loop, &client->task);
}

/* ---- receiving ----------------------------------------------------------- */

static size_t iov_length(const struct iovec *iov, int count)
{
    size_t sum = 0;

    for (int i = 0; i < count; i++)
        sum += iov[i].iov_len;
    return sum;
}

/* 0 or -errno. */
static int receive(struct nbd_client *client)
{
    struct iovec iov[2];
    size_t total = 0;
    int count;

    while (total < RECEIVE_MAX &&
           (count = nbd_conn_input(&client->conn, iov)) > 0) {
        size_t offered = iov_length(iov, count);
        ssize_t n = readv(client->watch.fd, iov, count);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0)
            return -errno;
        if (n == 0) {
            nbd_conn_eof(&client->conn);
            break;
        }
        if (!client->full)
            client->moved = loop_now(client->service->loop);
        nbd_conn_received(&client->conn, (size_t)n);
        total += (size_t)n;
        if ((size_t)n < offered)
            break; /* that was all there is */
    }
    return 0;
}

static void ready(void *arg, short revents)
{
    struct nbd_client *client = arg;
    int err = 0;

    if (revents & (POLLIN | POLLHUP | POLLERR))
        err = receive(client);
    if (err)
        nbd_client_drop(client, strerror(-err));
    else
        loop_task_queue(client->service->loop, &client->task);
}

static void handshake_expired(void *arg)
{
    struct nbd_client *client = arg;
    struct nbd_service *service = client->service;

    if (nbd_conn_transmitting(&client->conn))
        return; /* since this turn */
    /* It is not to blame for having to wait in a queue. */
    if (!client->conn.wait ||
        loop_timer_set(service->loop, &client->deadline,
                       loop_now(service->loop) + service->handshake_timeout))
        nbd_client_drop(client, "the handshake took too long");
}

/* ---- its beginning ------------------------------------------------------- */

struct nbd_client *nbd_client_new(struct nbd_service *service, int fd)
{
    struct nbd_client *client = calloc(1, sizeof *client);

    assert(fd >= 0 && service->loop);
#ifdef SO_NOSIGPIPE
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
    if (!client) {
        close(fd);
        return NULL;
    }
    client->service = service;
    client->conn.number = ++service->accepted;
    client->watch = (struct loop_fd){.fd = fd, .ready = ready, .arg = client};
    client->task = (struct loop_task){.run = settle, .arg = client};
    client->deadline =
        (struct loop_timer){.expired = handshake_expired, .arg = client};
    client->conn.wake = wake;
    client->conn.arg = client;
    list_append(&service->clients, &client->link);
    return client;
}
