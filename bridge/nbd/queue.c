/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Connections that wait, in a queue for each thing that runs short (enum
 * nbd_wait).  Whoever gives something back wakes the first of each, and whoever
 * leaves a queue the next one.
 */
#include "bridge/nbd/internal.h"

#include <assert.h>

void nbd_queues_open(struct nbd_server *server)
{
    for (int wait = 0; wait < NBD_WAITS; wait++)
        list_init(&server->queues[wait]);
}

static bool is_queued(enum nbd_wait wait)
{
    return wait == NBD_WAIT_SLOT || wait == NBD_WAIT_REQUEST ||
           wait == NBD_WAIT_MEMORY;
}

/* Whoever holds least comes first, so that small requests pass between large
 * ones. */
static struct nbd_conn *first_for_memory(struct nbd_server *server)
{
    struct nbd_conn *first = NULL;

    list_each(node, &server->queues[NBD_WAIT_MEMORY]) {
        struct nbd_conn *conn = list_entry(node, struct nbd_conn, queued);

        if (!first || conn->bytes < first->bytes)
            first = conn;
    }
    return first;
}

struct nbd_conn *nbd_queue_first(struct nbd_server *server, enum nbd_wait wait)
{
    struct list *node;

    assert(is_queued(wait));
    if (wait == NBD_WAIT_MEMORY)
        return first_for_memory(server);
    node = list_first(&server->queues[wait]);
    return node ? list_entry(node, struct nbd_conn, queued) : NULL;
}

void nbd_queues_wake(struct nbd_server *server)
{
    struct nbd_conn *first[] = {nbd_queue_first(server, NBD_WAIT_SLOT),
                                nbd_queue_first(server, NBD_WAIT_REQUEST),
                                nbd_queue_first(server, NBD_WAIT_MEMORY)};

    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        if (first[i])
            first[i]->wake(first[i]);
}

static void set_wait(struct nbd_conn *conn, enum nbd_wait wait)
{
    conn->wait = wait;
    if (conn->server->observer)
        conn->server->observer->waits(conn);
}

void nbd_queue_leave(struct nbd_conn *conn)
{
    bool queued = is_queued(conn->wait);

    if (conn->wait == NBD_WAIT_NONE)
        return;
    assert(list_linked(&conn->queued) == queued);
    list_remove(&conn->queued);
    set_wait(conn, NBD_WAIT_NONE);
    if (queued)
        nbd_queues_wake(conn->server);
}

void nbd_queue_enter(struct nbd_conn *conn, enum nbd_wait wait)
{
    assert(wait != NBD_WAIT_NONE);
    if (conn->wait == wait)
        return;
    nbd_queue_leave(conn);
    if (is_queued(wait))
        list_append(&conn->server->queues[wait], &conn->queued);
    set_wait(conn, wait);
}

/* ---- what others wait for ------------------------------------------------ */

static bool awaited(const struct nbd_server *server, enum nbd_wait wait)
{
    return !list_empty(&server->queues[wait]);
}

bool nbd_server_awaited(const struct nbd_server *server)
{
    return awaited(server, NBD_WAIT_SLOT) ||
           awaited(server, NBD_WAIT_REQUEST) ||
           awaited(server, NBD_WAIT_MEMORY);
}

static bool holds_awaited(const struct nbd_conn *conn)
{
    const struct nbd_server *server = conn->server;

    return (conn->buffer && awaited(server, NBD_WAIT_SLOT)) ||
           (conn->requests > NBD_REQUESTS_ALWAYS &&
            awaited(server, NBD_WAIT_REQUEST)) ||
           (conn->bytes > conn->own && awaited(server, NBD_WAIT_MEMORY));
}

bool nbd_conn_over_limit(const struct nbd_conn *conn)
{
    /* One that is queued is itself kept waiting, unless it leaves replies
     * unread. */
    return holds_awaited(conn) && list_empty(&conn->in_flight) &&
           (!is_queued(conn->wait) || !list_empty(&conn->replies));
}
