/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The transmission phase: requests come in and go to the disk (NBD protocol,
 * "Transmission").  A request that is wrong is answered with an error; only
 * one that cannot be told from its neighbours, for it lacks the magic, ends the
 * connection.
 */
#include "bridge/nbd_internal.h"

#include <string.h>

#include "base/bytes.h"

/* ---- the disk ------------------------------------------------------------ */

void nbd_release(struct nbd_request *r)
{
    struct nbd_pool *pool = &r->server->pool;

    if (r->conn) {
        r->conn->bytes -= r->room;
        r->conn->requests--;
    } else {
        r->server->orphaned_bytes -= r->room;
    }
    nbd_pool_give_buffer(pool, r->buffer, r->room);
    nbd_pool_give_request(pool, r);
}

static void io_done(struct aoe_request *io, int status)
{
    struct nbd_request *r = io->arg;
    struct nbd_server *server = r->server;

    server->in_flight--;
    if (r->conn)
        r->then(r, status);
    else
        nbd_release(r);
    if (server->in_flight == 0 && server->idle)
        server->idle(server);
}

void nbd_submit(struct nbd_request *r,
                void (*then)(struct nbd_request *r, int status))
{
    const struct nbd_export *export = r->conn->export;
    int err;

    r->then = then;
    r->io.done = io_done;
    r->io.arg = r;
    if (!list_linked(&r->link))
        list_append(&r->conn->in_flight, &r->link);
    r->server->in_flight++;
    err = export->submit(export->disk, &r->io);
    if (err) {
        r->server->in_flight--;
        then(r, err);
    }
}

static void submit(struct nbd_request *r, enum aoe_op op)
{
    r->io.op = op;
    r->io.offset = op == AOE_FLUSH ? 0 : r->header.offset;
    r->io.length = op == AOE_FLUSH ? 0 : r->header.length;
    r->iov = (struct iovec){r->buffer, r->header.length};
    r->io.iov = &r->iov;
    r->io.iovcnt = r->buffer ? 1 : 0;
    r->io.fua = op != AOE_READ && op != AOE_FLUSH &&
                (r->header.flags & NBD_CMD_FLAG_FUA);
    nbd_submit(r, nbd_complete);
}

static void write_zeroes(struct nbd_request *r)
{
    bool keep = r->header.flags & NBD_CMD_FLAG_NO_HOLE;

    if (r->conn->export->trim_zeroes && !keep)
        nbd_zero_by_trim(r);
    else
        submit(r, AOE_ZERO);
}

/* A request is whole: the disk's turn, where it needs one. */
static void execute(struct nbd_request *r)
{
    if (r->refused) {
        nbd_refuse(r);
        return;
    }
    if (r->header.command == NBD_CMD_FLUSH) {
        submit(r, AOE_FLUSH);
        return;
    }
    if (r->header.length == 0) {
        nbd_complete(r, 0);
        return;
    }
    switch (r->header.command) {
    case NBD_CMD_READ:
        submit(r, AOE_READ);
        break;
    case NBD_CMD_WRITE:
        submit(r, AOE_WRITE);
        break;
    case NBD_CMD_TRIM:
        submit(r, AOE_TRIM);
        break;
    case NBD_CMD_WRITE_ZEROES:
        write_zeroes(r);
        break;
    default: /* CACHE and BLOCK_STATUS ask nothing of the disk */
        nbd_complete(r, 0);
        break;
    }
}

/* ---- requests ------------------------------------------------------------ */

static struct nbd_header parse(const uint8_t *p)
{
    return (struct nbd_header){.flags = get_be16(p + 4),
                               .command = get_be16(p + 6),
                               .cookie = get_be64(p + 8),
                               .offset = get_be64(p + 16),
                               .length = get_be32(p + 24)};
}

/* Whether the connection may hold one request, with a buffer of `room` bytes,
 * more.  A single one it always may. */
static bool affordable(const struct nbd_conn *conn, size_t room)
{
    size_t max = conn->server->bytes_max;

    if (conn->requests >= NBD_REQUESTS_MAX)
        return false;
    if (room == 0 || conn->bytes == 0)
        return true;
    return conn->bytes <= max && room <= max - conn->bytes;
}

static void take_buffer(struct nbd_request *r, size_t room)
{
    if (room == 0)
        return;
    r->buffer = nbd_pool_take_buffer(&r->server->pool, room);
    if (r->buffer) {
        r->room = room;
    } else {
        r->refused = NBD_ENOMEM;
        r->why = "the server has no memory";
    }
}

static void begin(struct nbd_conn *conn, struct nbd_request *r)
{
    conn->bytes += r->room;
    conn->requests++;
    conn->bulk = r->header.command == NBD_CMD_WRITE &&
                 r->header.length >= NBD_STAGE_SIZE;
    if (r->header.command == NBD_CMD_WRITE && r->header.length > 0) {
        conn->receiving = r;
        conn->received = 0;
        conn->phase = NBD_PAYLOAD;
    } else {
        execute(r);
    }
}

bool nbd_step_request(struct nbd_conn *conn)
{
    const uint8_t *p = nbd_peek(conn, NBD_REQUEST_SIZE);
    enum nbd_error refused;
    struct nbd_request *r;
    struct nbd_header h;
    const char *why = NULL;
    size_t room = 0;

    if (!p)
        return false;
    if (get_be32(p) != NBD_REQUEST_MAGIC) {
        nbd_dead(conn, "no request where one was due");
        return true;
    }
    h = parse(p);
    if (h.command == NBD_CMD_DISC) {
        conn->phase = NBD_DRAINING;
        return true;
    }
    refused = nbd_check(conn, &h, &why);
    if (!refused && nbd_needs_buffer(&h))
        room = nbd_pool_room(&conn->server->pool, h.length);
    if (!affordable(conn, room)) {
        conn->blocked = true;
        return false;
    }
    nbd_take(conn, NBD_REQUEST_SIZE);
    r = nbd_pool_take_request(&conn->server->pool);
    if (!r) {
        nbd_dead(conn, "no memory for a request");
        return true;
    }
    r->server = conn->server;
    r->conn = conn;
    r->header = h;
    r->refused = refused;
    r->why = why;
    take_buffer(r, room);
    begin(conn, r);
    return true;
}

/* What of a write's data came with the stage; the data of a refused one is
 * received to be forgotten, since the next header comes after it. */
bool nbd_step_payload(struct nbd_conn *conn)
{
    struct nbd_request *r = conn->receiving;
    size_t staged = conn->stage_end - conn->stage_start;
    uint32_t n = r->header.length - conn->received;

    if (n > staged)
        n = (uint32_t)staged;
    if (r->buffer && n > 0)
        memcpy(r->buffer + conn->received, conn->stage + conn->stage_start, n);
    conn->received += n;
    nbd_take(conn, n);
    if (conn->received < r->header.length)
        return false;
    conn->receiving = NULL;
    conn->phase = NBD_REQUEST;
    execute(r);
    return true;
}
