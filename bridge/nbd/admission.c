/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who may have how much memory.  Any number of clients may be connected; those
 * that have bytes or requests here have a slot.  Half of the memory is divided
 * into slots: a receive buffer and own_max bytes that nobody else can take, so
 * a client that holds much and stalls leaves the others slower but working.
 * Who comes when all slots are taken is not read from until its turn.  The
 * other half is common; whoever needs more than there is waits, and the one
 * that holds least comes first.
 *
 *     waits for  until                                     and meanwhile
 *     SLOT       memory for one is free, and it is first   has none
 *     REQUEST    all clients have fewer than the limit     keeps its slot
 *     MEMORY     the bytes are free, and it is first       gives its slot up,
 *                                                          if it holds nothing
 *     REPLY      one of its own replies has left           keeps its slot
 */
#include "bridge/nbd/internal.h"

#include <assert.h>
#include <string.h>

static size_t half(const struct nbd_server *server)
{
    return server->bytes_max / 2;
}

static size_t buffer_capacity(const struct nbd_server *server)
{
    return pool_capacity(&server->pool, NBD_BUFFER_SIZE);
}

void nbd_server_limit(struct nbd_server *server, size_t bytes)
{
    server->bytes_max = bytes;
    server->pool.limit = bytes;
}

int nbd_server_reserve(struct nbd_server *server, unsigned requests,
                       uint32_t length)
{
    int err;

    assert(server->connections == 0);
    assert(requests > 0 && length >= NBD_BUFFER_SIZE);
    /* One more is the receive buffer. */
    err = pool_reserve(&server->pool, requests + 1, length);
    server->own_max = requests * server->pool.reserved_capacity;
    server->bytes_max = 0; /* nothing to share */
    return err;
}

uint32_t nbd_server_payload_max(const struct nbd_server *server)
{
    size_t capacity = half(server);
    uint32_t max = NBD_PAYLOAD_MAX;

    if (capacity < server->own_max)
        capacity = server->own_max;
    while (max > capacity) /* buffers are powers of two */
        max /= 2;
    return max;
}

bool nbd_server_full(const struct nbd_server *server)
{
    size_t cost = (server->connections + (size_t)1) * NBD_CONNECTION_COST;

    return cost > half(server) / 2;
}

/* ---- what there is ------------------------------------------------------- */

static size_t slot_size(const struct nbd_server *server)
{
    return server->own_max + NBD_BUFFER_SIZE;
}

bool nbd_slots_scarce(const struct nbd_server *server)
{
    return server->slots > 1 &&
           server->slots * slot_size(server) > half(server) / 2;
}

/* One can always work: memory may be set aside for nobody else. */
static bool slot_free(const struct nbd_server *server)
{
    size_t others = server->connections * (size_t)NBD_CONNECTION_COST +
                    server->orphaned_bytes;

    if (server->slots == 0 && server->orphaned_bytes == 0)
        return true;
    return others + (server->slots + (size_t)1) * slot_size(server) <=
           half(server);
}

static bool is_shared(const struct nbd_conn *conn, size_t capacity)
{
    return capacity > 0 && conn->own + capacity > conn->server->own_max;
}

static bool first_for_memory(struct nbd_conn *conn)
{
    struct nbd_conn *first = nbd_queue_first(conn->server, NBD_WAIT_MEMORY);

    return !first || first == conn || conn->bytes < first->bytes;
}

/* `capacity` more bytes, its own or common ones. */
static bool memory_free(struct nbd_conn *conn, size_t capacity)
{
    struct nbd_server *server = conn->server;

    if (!is_shared(conn, capacity))
        return true;
    return first_for_memory(conn) && server->shared <= half(server) &&
           capacity <= half(server) - server->shared;
}

/* Who can have the memory it waited for comes before those that wait for a
 * slot: it had one before, and keeps its place in its own queue until it has
 * both.  Were it to change queues for the slot, others would overtake it there
 * and be sent back here by turns, for ever. */
static bool first_for_slot(struct nbd_conn *conn)
{
    struct nbd_server *server = conn->server;
    struct nbd_conn *memory = nbd_queue_first(server, NBD_WAIT_MEMORY);
    struct nbd_conn *first = nbd_queue_first(server, NBD_WAIT_SLOT);

    if (conn->wait == NBD_WAIT_MEMORY)
        return true;
    if (memory && !memory->buffer && memory_free(memory, memory->wanted))
        return false;
    return !first || first == conn;
}

/* ---- admission ----------------------------------------------------------- */

/* The first limit that one more request with a buffer of `capacity` bytes
 * would exceed. */
static enum nbd_wait limit_reached(struct nbd_conn *conn, size_t capacity)
{
    if (conn->requests >= NBD_REQUESTS_MAX)
        return NBD_WAIT_REPLY;
    if (conn->requests >= NBD_REQUESTS_ALWAYS &&
        conn->server->requests >= NBD_REQUESTS_ALL)
        return NBD_WAIT_REQUEST;
    if (!memory_free(conn, capacity))
        return NBD_WAIT_MEMORY;
    return NBD_WAIT_NONE;
}

static void take_buffer(struct nbd_io *io, size_t capacity, bool shared)
{
    struct nbd_conn *conn = io->conn;

    if (capacity == 0)
        return;
    io->buffer = pool_take_buffer(&io->server->pool, capacity);
    if (!io->buffer) {
        io->refused = NBD_ENOMEM;
        io->why = "the server has no memory";
        return;
    }
    io->capacity = capacity;
    io->shared = shared;
    conn->bytes += capacity;
    if (shared)
        io->server->shared += capacity;
    else
        conn->own += capacity;
}

struct nbd_io *nbd_admit(struct nbd_conn *conn, size_t capacity)
{
    struct nbd_server *server = conn->server;
    enum nbd_wait limit = limit_reached(conn, capacity);
    bool shared = is_shared(conn, capacity);
    struct nbd_io *io;

    assert(conn->buffer);
    if (limit) {
        conn->wanted = capacity;
        nbd_queue_enter(conn, limit);
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
    take_buffer(io, capacity, shared);
    nbd_queue_leave(conn);
    return io;
}

bool nbd_slot_take(struct nbd_conn *conn)
{
    struct nbd_server *server = conn->server;

    if (conn->buffer)
        return true;
    if (!slot_free(server) || !first_for_slot(conn)) {
        if (conn->wait != NBD_WAIT_MEMORY)
            nbd_queue_enter(conn, NBD_WAIT_SLOT);
        return false;
    }
    conn->buffer = pool_take_buffer(&server->pool, buffer_capacity(server));
    if (!conn->buffer) {
        nbd_dead(conn, "no memory to receive into");
        return false;
    }
    memcpy(conn->buffer, conn->kept, conn->kept_length);
    conn->buffer_end = conn->kept_length;
    conn->kept_length = 0;
    server->slots++;
    if (conn->wait == NBD_WAIT_SLOT)
        nbd_queue_leave(conn);
    return true;
}

bool nbd_may_go_on(struct nbd_conn *conn)
{
    if (conn->wait == NBD_WAIT_MEMORY && !memory_free(conn, conn->wanted))
        return false;
    return nbd_slot_take(conn);
}

/* ---- giving back --------------------------------------------------------- */

void nbd_slot_release(struct nbd_conn *conn)
{
    struct nbd_server *server = conn->server;

    if (!conn->buffer)
        return;
    assert(server->slots > 0);
    pool_give_buffer(&server->pool, conn->buffer, buffer_capacity(server));
    conn->buffer = NULL;
    server->slots--;
    if (server->in_flight == 0)
        pool_trim(&server->pool);
    nbd_queues_wake(server);
}

void nbd_orphan(struct nbd_io *io)
{
    struct nbd_conn *conn = io->conn;

    assert(conn->requests > 0 && conn->bytes >= io->capacity);
    conn->requests--;
    conn->bytes -= io->capacity;
    if (!io->shared) {
        conn->own -= io->capacity;
        io->server->orphaned_bytes += io->capacity;
    }
    io->conn = NULL;
}

/* Its memory, and its place among the requests of all. */
static void give_back(struct nbd_io *io)
{
    struct nbd_server *server = io->server;

    if (io->shared)
        server->shared -= io->capacity;
    else
        server->orphaned_bytes -= io->capacity;
    server->requests--;
    pool_give_buffer(&server->pool, io->buffer, io->capacity);
    pool_give_object(&server->pool, io);
}

void nbd_release(struct nbd_io *io)
{
    struct nbd_server *server = io->server;
    struct nbd_conn *conn = io->conn;
    struct nbd_io *whole = io->whole;

    assert(io->pieces == 0);
    list_remove(&io->link);
    if (conn)
        nbd_orphan(io);
    give_back(io);
    if (whole && --whole->pieces == 0 && !whole->conn)
        nbd_release(whole);
    if (server->in_flight == 0)
        pool_trim(&server->pool);
    /* It may have been the last one of a client that is gone, and without a
     * reply: the piece of a write that broke off. */
    if (conn && (conn->wait || nbd_conn_finished(conn)))
        conn->wake(conn);
    nbd_queues_wake(server);
}
