/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who may have how much memory.  Any number of clients may be connected; those
 * that have bytes or requests here have a seat.  Half of the memory is divided
 * into seats: a stage and own_max bytes that nobody else can take, so a client
 * that holds much and stalls leaves the others slower but working.  Who comes
 * when all seats are taken is not read from until its turn.  The other half is
 * common; whoever needs more than there is waits, and the one that holds least
 * comes first.
 */
#include "bridge/nbd/internal.h"

#include <string.h>

static size_t half(const struct nbd_server *server)
{
    return server->bytes_max / 2;
}

static size_t stage_room(const struct nbd_server *server)
{
    return pool_capacity(&server->pool, NBD_STAGE_SIZE);
}

void nbd_server_limit(struct nbd_server *server, size_t bytes)
{
    server->bytes_max = bytes;
    server->pool.limit = bytes;
}

int nbd_server_reserve(struct nbd_server *server, unsigned requests,
                       uint32_t length)
{
    /* One more is the stage. */
    int err = pool_reserve(&server->pool, requests + 1, length);

    server->own_max = requests * server->pool.reserved_capacity;
    server->bytes_max = 0; /* nothing to share */
    return err;
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

/* ---- seats --------------------------------------------------------------- */

bool nbd_server_full(const struct nbd_server *server)
{
    size_t cost = (server->connections + (size_t)1) * NBD_CONNECTION_COST;

    return cost > half(server) / 2;
}

static size_t seat_size(const struct nbd_server *server)
{
    return server->own_max + NBD_STAGE_SIZE;
}

bool nbd_crowded(const struct nbd_server *server)
{
    return server->seats > 1 &&
           server->seats * seat_size(server) > half(server) / 2;
}

/* One can always work: memory may be set aside for nobody else. */
static bool seat_free(const struct nbd_server *server)
{
    size_t others = server->connections * (size_t)NBD_CONNECTION_COST +
                    server->orphaned_bytes;

    if (server->seats == 0 && server->orphaned_bytes == 0)
        return true;
    return others + (server->seats + (size_t)1) * seat_size(server) <=
           half(server);
}

void nbd_rise(struct nbd_conn *conn)
{
    struct nbd_server *server = conn->server;

    if (!conn->stage)
        return;
    pool_give_buffer(&server->pool, conn->stage, stage_room(server));
    conn->stage = NULL;
    server->seats--;
    if (server->in_flight == 0)
        pool_trim(&server->pool);
    nbd_wake_next(server);
}

/* ---- taking -------------------------------------------------------------- */

static bool is_shared(const struct nbd_conn *conn, size_t room)
{
    return room > 0 && conn->own + room > conn->server->own_max;
}

static bool its_turn(struct nbd_conn *conn)
{
    struct nbd_conn *next = nbd_next_for_bytes(conn->server);

    return !next || next == conn || conn->bytes < next->bytes;
}

/* `room` more bytes, its own or those of all. */
static bool affordable(struct nbd_conn *conn, size_t room)
{
    struct nbd_server *server = conn->server;

    if (!is_shared(conn, room))
        return true;
    return its_turn(conn) && server->shared <= half(server) &&
           room <= half(server) - server->shared;
}

/* Who can have the bytes it waited for comes before those that wait for a seat:
 * it had one before, and keeps its place in its own line until it has both.
 * Were it to change lines for the seat, others would overtake it there and be
 * sent back here by turns, for ever. */
static bool next_to_sit(struct nbd_conn *conn)
{
    struct nbd_server *server = conn->server;
    struct nbd_conn *bytes = nbd_next_for_bytes(server);
    struct nbd_conn *next = nbd_first_in(&server->wait_seat);

    if (nbd_waits_for_bytes(conn))
        return true;
    if (bytes && !bytes->stage && affordable(bytes, bytes->wanted))
        return false;
    return !next || next == conn;
}

bool nbd_sit(struct nbd_conn *conn)
{
    struct nbd_server *server = conn->server;

    if (conn->stage)
        return true;
    if (!seat_free(server) || !next_to_sit(conn)) {
        if (!nbd_waits_for_bytes(conn))
            nbd_wait_in(&server->wait_seat, conn);
        return false;
    }
    conn->stage = pool_take_buffer(&server->pool, stage_room(server));
    if (!conn->stage) {
        nbd_dead(conn, "no memory to receive into");
        return false;
    }
    memcpy(conn->stage, conn->kept, conn->kept_length);
    conn->stage_end = conn->kept_length;
    conn->kept_length = 0;
    server->seats++;
    if (conn->line == &server->wait_seat)
        nbd_stop_waiting(conn);
    return true;
}

bool nbd_may_go_on(struct nbd_conn *conn)
{
    if (nbd_waits_for_bytes(conn) && !affordable(conn, conn->wanted))
        return false;
    return nbd_sit(conn);
}

static void take_buffer(struct nbd_io *io, size_t room, bool shared)
{
    struct nbd_conn *conn = io->conn;

    if (room == 0)
        return;
    io->buffer = pool_take_buffer(&io->server->pool, room);
    if (!io->buffer) {
        io->refused = NBD_ENOMEM;
        io->why = "the server has no memory";
        return;
    }
    io->room = room;
    io->shared = shared;
    conn->bytes += room;
    if (shared)
        io->server->shared += room;
    else
        conn->own += room;
}

struct nbd_io *nbd_take(struct nbd_conn *conn, size_t room)
{
    struct nbd_server *server = conn->server;
    bool shared = is_shared(conn, room);
    struct nbd_io *io;

    if (conn->requests >= NBD_REQUESTS_MAX) {
        conn->blocked = true;
        return NULL;
    }
    if (conn->requests >= NBD_REQUESTS_ALWAYS &&
        server->requests >= NBD_REQUESTS_ALL) {
        nbd_wait_in(&server->wait_request, conn);
        return NULL;
    }
    if (!affordable(conn, room)) {
        conn->wanted = room;
        nbd_wait_in(&server->wait_bytes, conn);
        return NULL;
    }
    io = pool_take_object(&server->pool);
    if (!io) {
        nbd_dead(conn, "no memory for a request");
        return NULL;
    }
    io->server = server;
    io->conn = conn;
    conn->requests++;
    server->requests++;
    take_buffer(io, room, shared);
    nbd_stop_waiting(conn);
    return io;
}

/* ---- giving back --------------------------------------------------------- */

void nbd_orphan(struct nbd_io *io)
{
    struct nbd_conn *conn = io->conn;

    conn->requests--;
    conn->bytes -= io->room;
    if (!io->shared) {
        conn->own -= io->room;
        io->server->orphaned_bytes += io->room;
    }
    io->conn = NULL;
}

void nbd_release(struct nbd_io *io)
{
    struct nbd_server *server = io->server;
    struct nbd_conn *conn = io->conn;
    struct nbd_io *whole = io->whole;

    list_remove(&io->link);
    if (conn)
        nbd_orphan(io);
    if (io->shared)
        server->shared -= io->room;
    else
        server->orphaned_bytes -= io->room;
    server->requests--;
    pool_give_buffer(&server->pool, io->buffer, io->room);
    pool_give_object(&server->pool, io);
    if (whole && --whole->pieces == 0 && !whole->conn)
        nbd_release(whole);
    if (server->in_flight == 0)
        pool_trim(&server->pool);
    /* It may have been the last one of a client that is gone, and without a
     * reply: the piece of a write that broke off. */
    if (conn && (conn->blocked || nbd_conn_finished(conn)))
        conn->wake(conn);
    nbd_wake_next(server);
}
