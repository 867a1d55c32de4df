/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD clients on stream sockets: what arrives goes into the state machine,
 * what is ready leaves at the end of the turn with as few calls as possible.
 * A client that stalls, lies or dies costs its own connection and no other.
 */
#include "bridge/nbd/service.h"

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

static const uint64_t handshake_limit = 10 * NS_PER_S;
static const uint64_t patience_limit = 5 * NS_PER_S;
static const uint64_t stall_limit = 5 * NS_PER_S;

struct client {
    struct nbd_conn conn;
    struct nbd_service *service;
    struct list link; /* of service->clients */
    struct loop_fd watch;
    struct loop_task task;      /* settles: sends, then waits for what is due */
    struct loop_timer deadline; /* of the handshake */
    uint64_t moved; /* when it last took a reply, or sent what we wait for */
    unsigned number;
    bool full; /* the socket takes no more for now */
};
_Static_assert(sizeof(struct client) <= NBD_CONNECTION_COST,
               "more than the budget counts");

static void drop(struct client *client, const char *why)
{
    struct nbd_service *service = client->service;

    log_debug("client %u: %s", client->number, why);
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
static int send_replies(struct client *client)
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

/* What the loop should wait for.  While it is nothing, the socket is not
 * watched at all: a hang-up that cannot be handled yet would spin. */
static int wait_events(struct client *client)
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

/* ---- clients that keep others waiting ------------------------------------ */

static void watch_stalls(struct nbd_service *service)
{
    if (!service->stall.index && nbd_server_awaited(&service->server))
        loop_timer_set(service->loop, &service->stall,
                       loop_now(service->loop) + service->stall_limit);
}

static bool idle_for_long(const struct client *client)
{
    return loop_now(client->service->loop) - client->moved >=
           client->service->stall_limit;
}

/* Somebody has waited. */
static void drop_stalled(void *arg)
{
    struct nbd_service *service = arg;

    list_each(node, &service->clients) {
        struct client *client = list_entry(node, struct client, link);

        if (nbd_conn_over_limit(&client->conn) && idle_for_long(client))
            drop(client, "stalled with memory that others need");
    }
    watch_stalls(service);
}

/* ---- a turn -------------------------------------------------------------- */

static void settle(void *arg)
{
    struct client *client = arg;
    struct nbd_conn *conn = &client->conn;
    int err;

    nbd_conn_resume(conn);
    err = send_replies(client);
    nbd_conn_yield(conn);
    if (err) {
        drop(client, strerror(-err));
        return;
    }
    if (nbd_conn_finished(conn)) {
        drop(client, conn->trouble ? conn->trouble : "done");
        return;
    }
    if (nbd_conn_transmitting(conn))
        loop_timer_cancel(client->service->loop, &client->deadline);
    watch_stalls(client->service);
    if (wait_events(client))
        drop(client, "no memory to watch it");
}

static void wake(struct nbd_conn *conn)
{
    struct client *client = conn->arg;

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
static int receive(struct client *client)
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
    struct client *client = arg;
    int err = 0;

    if (revents & (POLLIN | POLLHUP | POLLERR))
        err = receive(client);
    if (err)
        drop(client, strerror(-err));
    else
        loop_task_queue(client->service->loop, &client->task);
}

static void handshake_expired(void *arg)
{
    struct client *client = arg;
    struct nbd_service *service = client->service;

    if (nbd_conn_transmitting(&client->conn))
        return; /* since this turn */
    /* It is not to blame for having to wait in a line. */
    if (!client->conn.wait ||
        loop_timer_set(service->loop, &client->deadline,
                       loop_now(service->loop) + service->handshake_limit))
        drop(client, "the handshake took too long");
}

/* ---- the service --------------------------------------------------------- */

/* Looks whether a service that stops has come to its end. */
static void end(void *arg)
{
    struct nbd_service *service = arg;

    if (service->server.in_flight > 0)
        return;
    if (list_empty(&service->clients)) {
        loop_timer_cancel(service->loop, &service->patience);
        service->stopped(service->arg);
    } else if (!service->patience.index) {
        loop_timer_set(service->loop, &service->patience,
                       loop_now(service->loop) + service->patience_limit);
    }
}

static void drop_all(struct nbd_service *service, const char *why)
{
    list_each(node, &service->clients)
        drop(list_entry(node, struct client, link), why);
}

static void out_of_patience(void *arg)
{
    drop_all(arg, "did not take its replies");
}

static void idle(struct nbd_server *server)
{
    struct nbd_service *service = server->arg;

    if (service->stopping)
        loop_task_queue(service->loop, &service->end);
}

void nbd_service_open(struct nbd_service *service, struct loop *loop,
                      const struct nbd_export *const *exports,
                      unsigned export_count)
{
    *service = (struct nbd_service){.loop = loop,
                                    .handshake_limit = handshake_limit,
                                    .patience_limit = patience_limit,
                                    .stall_limit = stall_limit};
    nbd_server_open(&service->server, exports, export_count);
    service->server.idle = idle;
    service->server.arg = service;
    list_init(&service->clients);
    service->end = (struct loop_task){.run = end, .arg = service};
    service->stall =
        (struct loop_timer){.expired = drop_stalled, .arg = service};
    service->patience =
        (struct loop_timer){.expired = out_of_patience, .arg = service};
}

/* A client on `fd`, which is closed without memory for it. */
static struct client *new_client(struct nbd_service *service, int fd)
{
    struct client *client = calloc(1, sizeof *client);

#ifdef SO_NOSIGPIPE
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
    if (!client) {
        close(fd);
        return NULL;
    }
    client->service = service;
    client->number = ++service->accepted;
    client->watch = (struct loop_fd){.fd = fd, .ready = ready, .arg = client};
    client->task = (struct loop_task){.run = settle, .arg = client};
    client->deadline =
        (struct loop_timer){.expired = handshake_expired, .arg = client};
    client->conn.wake = wake;
    client->conn.arg = client;
    list_append(&service->clients, &client->link);
    return client;
}

int nbd_service_adopt(struct nbd_service *service, int fd)
{
    struct client *client = new_client(service, fd);
    int err;

    if (!client)
        return -ENOMEM;
    err = nbd_conn_open(&client->conn, &service->server);
    if (!err)
        err =
            loop_timer_set(service->loop, &client->deadline,
                           loop_now(service->loop) + service->handshake_limit);
    if (err) {
        drop(client, strerror(-err));
        return err;
    }
    log_debug("client %u: connected", client->number);
    loop_task_queue(service->loop, &client->task);
    return 0;
}

int nbd_service_adopt_export(struct nbd_service *service, int fd,
                             const struct nbd_export *export)
{
    struct client *client = new_client(service, fd);

    if (!client)
        return -ENOMEM;
    nbd_conn_open_export(&client->conn, &service->server, export);
    loop_task_queue(service->loop, &client->task);
    return 0;
}

void nbd_service_stop(struct nbd_service *service, void (*stopped)(void *arg),
                      void *arg)
{
    service->stopping = true;
    service->stopped = stopped;
    service->arg = arg;
    list_each(node, &service->clients) {
        struct client *client = list_entry(node, struct client, link);

        nbd_conn_shutdown(&client->conn);
        loop_task_queue(service->loop, &client->task);
    }
    loop_task_queue(service->loop, &service->end);
}

void nbd_service_close(struct nbd_service *service)
{
    service->stopping = false;
    service->left = NULL;
    drop_all(service, "closed");
    loop_task_cancel(&service->end);
    loop_timer_cancel(service->loop, &service->patience);
    loop_timer_cancel(service->loop, &service->stall);
    nbd_server_close(&service->server);
}
