/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who may have how much memory.  Half of it is divided: every connection has
 * own_max bytes that nobody can take from it, so a client that holds much and
 * stalls leaves the others slower but working, and a connection there is no
 * such share for is not accepted.  The other half is common; whoever needs
 * more than there is waits, and the one that holds least comes first.
 */
#include "bridge/nbd_internal.h"

void nbd_server_limit(struct nbd_server *server, size_t bytes)
{
    server->bytes_max = bytes;
    server->pool.limit = bytes;
}

int nbd_server_reserve(struct nbd_server *server, unsigned requests,
                       uint32_t length)
{
    int err = nbd_pool_reserve(&server->pool, requests, length);

    server->own_max = server->pool.keep_bytes;
    server->bytes_max = 0; /* nothing to share */
    return err;
}

static size_t half(const struct nbd_server *server)
{
    return server->bytes_max / 2;
}

uint32_t nbd_server_payload_max(const struct nbd_server *server)
{
    size_t room = half(server);
    uint32_t most = NBD_PAYLOAD_MAX;

    if (room < server->own_max)
        room = server->own_max;
    while (most > room) /* buffers are powers of two */
        most /= 2;
    return most;
}

bool nbd_server_full(const struct nbd_server *server)
{
    size_t shares = (server->connections + 1) * server->own_max;

    return shares + server->orphaned_bytes > half(server);
}

/* ---- waiting ------------------------------------------------------------- */

/* The next to be served from what all share. */
static struct nbd_conn *next_in_line(struct nbd_server *server)
{
    struct nbd_conn *next = NULL;

    list_each(node, &server->waiting) {
        struct nbd_conn *conn = list_entry(node, struct nbd_conn, waiting);

        if (!next || conn->bytes < next->bytes)
            next = conn;
    }
    return next;
}

/* All of them look again: some wait for bytes, some for a request. */
static void wake_waiting(struct nbd_server *server)
{
    list_each(node, &server->waiting) {
        struct nbd_conn *conn = list_entry(node, struct nbd_conn, waiting);

        conn->wake(conn);
    }
}

void nbd_stop_waiting(struct nbd_conn *conn)
{
    if (!list_linked(&conn->waiting))
        return;
    list_remove(&conn->waiting);
    wake_waiting(conn->server);
}

static bool its_turn(struct nbd_conn *conn)
{
    struct nbd_conn *next = next_in_line(conn->server);

    return !next || next == conn || conn->bytes < next->bytes;
}

/* ---- taking -------------------------------------------------------------- */

static bool affordable(struct nbd_conn *conn, size_t room, bool *shared)
{
    struct nbd_server *server = conn->server;

    *shared = false;
    if (conn->requests >= NBD_REQUESTS_ALWAYS &&
        server->requests >= NBD_REQUESTS_ALL)
        return false;
    if (room == 0 || conn->own + room <= server->own_max)
        return true;
    *shared = true;
    return its_turn(conn) && server->shared <= half(server) &&
           room <= half(server) - server->shared;
}

static void take_buffer(struct nbd_request *r, size_t room, bool shared)
{
    struct nbd_conn *conn = r->conn;

    if (room == 0)
        return;
    r->buffer = nbd_pool_take_buffer(&r->server->pool, room);
    if (!r->buffer) {
        r->refused = NBD_ENOMEM;
        r->why = "the server has no memory";
        return;
    }
    r->room = room;
    r->shared = shared;
    conn->bytes += room;
    if (shared)
        r->server->shared += room;
    else
        conn->own += room;
}

struct nbd_request *nbd_take(struct nbd_conn *conn, size_t room)
{
    struct nbd_server *server = conn->server;
    struct nbd_request *r;
    bool shared;

    if (conn->requests >= NBD_REQUESTS_MAX) {
        conn->blocked = true;
        return NULL;
    }
    if (!affordable(conn, room, &shared)) {
        conn->blocked = true;
        if (!list_linked(&conn->waiting))
            list_append(&server->waiting, &conn->waiting);
        return NULL;
    }
    r = nbd_pool_take_request(&server->pool);
    if (!r) {
        nbd_dead(conn, "no memory for a request");
        return NULL;
    }
    r->server = server;
    r->conn = conn;
    conn->requests++;
    server->requests++;
    take_buffer(r, room, shared);
    nbd_stop_waiting(conn);
    return r;
}

/* ---- giving back --------------------------------------------------------- */

void nbd_orphan(struct nbd_request *r)
{
    struct nbd_conn *conn = r->conn;

    conn->requests--;
    conn->bytes -= r->room;
    if (!r->shared) {
        conn->own -= r->room;
        r->server->orphaned_bytes += r->room;
    }
    r->conn = NULL;
}

void nbd_release(struct nbd_request *r)
{
    struct nbd_server *server = r->server;
    struct nbd_conn *conn = r->conn;
    struct nbd_request *whole = r->whole;

    list_remove(&r->link);
    if (conn)
        nbd_orphan(r);
    if (r->shared)
        server->shared -= r->room;
    else
        server->orphaned_bytes -= r->room;
    server->requests--;
    nbd_pool_give_buffer(&server->pool, r->buffer, r->room);
    nbd_pool_give_request(&server->pool, r);
    if (whole && --whole->pieces == 0 && !whole->conn)
        nbd_release(whole);
    if (server->in_flight == 0)
        nbd_pool_trim(&server->pool);
    if (conn && conn->blocked)
        conn->wake(conn);
    wake_waiting(server);
}
