/* SPDX-License-Identifier: BSD-2-Clause
 *
 * All clients together: they come and go, and one that stalls, lies or dies
 * costs its own connection and no other.
 */
#include "bridge/nbd/service.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "bridge/nbd/client.h"
#include "bridge/nbd/trace.h"

static const uint64_t handshake_timeout = 10 * NS_PER_S;
static const uint64_t drain_timeout = 5 * NS_PER_S;
static const uint64_t stall_timeout = 5 * NS_PER_S;

/* Somebody has waited. */
static void drop_stalled(void *arg)
{
    struct nbd_service *service = arg;

    list_each(node, &service->clients) {
        struct nbd_client *client = list_entry(node, struct nbd_client, link);

        if (nbd_client_stalls(client))
            nbd_client_drop(client,
                            "stalled while it holds memory that others need");
    }
    nbd_watch_stalls(service);
}

/* ---- the end ------------------------------------------------------------- */

/* Looks whether a service that stops has come to its end. */
static void end(void *arg)
{
    struct nbd_service *service = arg;

    if (service->server.in_flight > 0)
        return;
    if (list_empty(&service->clients)) {
        loop_timer_cancel(service->loop, &service->drain);
        service->stopped(service->arg);
    } else if (!service->drain.index) {
        loop_timer_set(service->loop, &service->drain,
                       loop_now(service->loop) + service->drain_timeout);
    }
}

static void drop_all(struct nbd_service *service, const char *why)
{
    list_each(node, &service->clients)
        nbd_client_drop(list_entry(node, struct nbd_client, link), why);
}

static void drain_expired(void *arg)
{
    drop_all(arg, "did not read its replies");
}

/* The disks have nothing more to do. */
static void idle(struct nbd_server *server)
{
    struct nbd_service *service = server->arg;

    if (service->stopping)
        loop_task_queue(service->loop, &service->end);
}

/* ---- the service --------------------------------------------------------- */

void nbd_service_open(struct nbd_service *service, struct loop *loop,
                      const struct nbd_export *const *exports,
                      unsigned export_count)
{
    *service = (struct nbd_service){.loop = loop,
                                    .handshake_timeout = handshake_timeout,
                                    .drain_timeout = drain_timeout,
                                    .stall_timeout = stall_timeout};
    nbd_server_open(&service->server, exports, export_count);
    service->server.idle = idle;
    service->server.arg = service;
    service->server.observer = log_verbosity ? &nbd_trace : NULL;
    list_init(&service->clients);
    service->end = (struct loop_task){.run = end, .arg = service};
    service->stall =
        (struct loop_timer){.expired = drop_stalled, .arg = service};
    service->drain =
        (struct loop_timer){.expired = drain_expired, .arg = service};
}

int nbd_service_adopt(struct nbd_service *service, int fd)
{
    struct nbd_client *client = nbd_client_new(service, fd);
    int err;

    if (!client)
        return -ENOMEM;
    err = nbd_conn_open(&client->conn, &service->server);
    if (!err)
        err = loop_timer_set(service->loop, &client->deadline,
                             loop_now(service->loop) +
                                 service->handshake_timeout);
    if (err) {
        nbd_client_drop(client, strerror(-err));
        return err;
    }
    log_debug("client %u: connected", client->conn.number);
    loop_task_queue(service->loop, &client->task);
    return 0;
}

int nbd_service_adopt_export(struct nbd_service *service, int fd,
                             const struct nbd_export *export)
{
    struct nbd_client *client = nbd_client_new(service, fd);

    if (!client)
        return -ENOMEM;
    nbd_conn_open_export(&client->conn, &service->server, export);
    log_debug("client %u: connected, requests for %s", client->conn.number,
              export->name);
    loop_task_queue(service->loop, &client->task);
    return 0;
}

void nbd_service_stop(struct nbd_service *service, void (*stopped)(void *arg),
                      void *arg)
{
    assert(service->loop && !service->stopping && stopped);
    service->stopping = true;
    service->stopped = stopped;
    service->arg = arg;
    list_each(node, &service->clients) {
        struct nbd_client *client = list_entry(node, struct nbd_client, link);

        nbd_conn_shutdown(&client->conn);
        loop_task_queue(service->loop, &client->task);
    }
    loop_task_queue(service->loop, &service->end);
}

void nbd_service_close(struct nbd_service *service)
{
    if (!service->loop)
        return; /* it was never opened */
    service->stopping = false;
    service->left = NULL;
    drop_all(service, "closed");
    loop_task_cancel(&service->end);
    loop_timer_cancel(service->loop, &service->drain);
    loop_timer_cancel(service->loop, &service->stall);
    nbd_server_close(&service->server);
}
