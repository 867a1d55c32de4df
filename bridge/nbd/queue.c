/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Connections that wait, in three lines: for a seat, for one more request, for
 * bytes of the common half.  Whoever gives something back wakes the first of
 * each, and whoever leaves a line the next one.
 */
#include "bridge/nbd/internal.h"

struct nbd_conn *nbd_next_for_bytes(struct nbd_server *server)
{
    struct nbd_conn *next = NULL;

    list_each(node, &server->wait_bytes) {
        struct nbd_conn *conn = list_entry(node, struct nbd_conn, waiting);

        if (!next || conn->bytes < next->bytes)
            next = conn;
    }
    return next;
}

struct nbd_conn *nbd_first_in(struct list *line)
{
    struct list *node = list_first(line);

    return node ? list_entry(node, struct nbd_conn, waiting) : NULL;
}

void nbd_wake_next(struct nbd_server *server)
{
    struct nbd_conn *next[] = {nbd_first_in(&server->wait_seat),
                               nbd_first_in(&server->wait_request),
                               nbd_next_for_bytes(server)};

    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++)
        if (next[i])
            next[i]->wake(next[i]);
}

void nbd_stop_waiting(struct nbd_conn *conn)
{
    if (!conn->line)
        return;
    list_remove(&conn->waiting);
    conn->line = NULL;
    nbd_wake_next(conn->server);
}

void nbd_wait_in(struct list *line, struct nbd_conn *conn)
{
    conn->blocked = true;
    if (conn->line == line)
        return;
    nbd_stop_waiting(conn);
    list_append(line, &conn->waiting);
    conn->line = line;
}

bool nbd_waits_for_bytes(const struct nbd_conn *conn)
{
    return conn->line == &conn->server->wait_bytes;
}

bool nbd_server_short(const struct nbd_server *server)
{
    return !list_empty(&server->wait_seat) ||
           !list_empty(&server->wait_request) ||
           !list_empty(&server->wait_bytes);
}

static bool holds_wanted(const struct nbd_conn *conn)
{
    const struct nbd_server *server = conn->server;

    return (conn->stage && !list_empty(&server->wait_seat)) ||
           (conn->requests > NBD_REQUESTS_ALWAYS &&
            !list_empty(&server->wait_request)) ||
           (conn->bytes > conn->own && !list_empty(&server->wait_bytes));
}

bool nbd_conn_hogs(const struct nbd_conn *conn)
{
    /* One in a line is itself a victim, unless it leaves replies unread. */
    return holds_wanted(conn) && list_empty(&conn->in_flight) &&
           (!conn->line || !list_empty(&conn->replies));
}
