/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The transmission phase: requests come in and go to the disk (NBD protocol,
 * "Transmission").  A request that is wrong is answered with an error; only
 * one that cannot be told from its neighbours, for it lacks the magic, ends the
 * connection.
 */
#include "bridge/nbd/internal.h"

#include "base/bytes.h"

/* ---- the disk ------------------------------------------------------------ */

static void io_done(struct aoe_request *aoe, int status)
{
    struct nbd_io *io = aoe->arg;
    struct nbd_server *server = io->server;

    server->in_flight--;
    if (io->conn)
        io->then(io, status);
    else
        nbd_release(io);
    if (server->in_flight == 0 && server->idle)
        server->idle(server);
}

void nbd_submit(struct nbd_io *io, void (*then)(struct nbd_io *io, int status))
{
    const struct nbd_export *export = io->conn->export;
    int err;

    io->then = then;
    io->aoe.done = io_done;
    io->aoe.arg = io;
    io->aoe.writer = io->conn->writer;
    if (!list_linked(&io->link))
        list_append(&io->conn->in_flight, &io->link);
    io->server->in_flight++;
    err = export->submit(export->disk, &io->aoe);
    if (err) {
        io->server->in_flight--;
        then(io, err);
    }
}

void nbd_submit_op(struct nbd_io *io, enum aoe_op op,
                   void (*then)(struct nbd_io *io, int status))
{
    io->aoe.op = op;
    io->aoe.offset = op == AOE_FLUSH ? 0 : io->header.offset;
    io->aoe.length = op == AOE_FLUSH ? 0 : io->header.length;
    io->iov = (struct iovec){io->buffer, io->header.length};
    io->aoe.iov = &io->iov;
    io->aoe.iovcnt = io->buffer ? 1 : 0;
    io->aoe.fua = op != AOE_READ && op != AOE_FLUSH &&
                  (io->header.flags & NBD_CMD_FLAG_FUA);
    nbd_submit(io, then);
}

static void submit(struct nbd_io *io, enum aoe_op op)
{
    nbd_submit_op(io, op, nbd_complete);
}

static void write_zeroes(struct nbd_io *io)
{
    bool keep = io->header.flags & NBD_CMD_FLAG_NO_HOLE;

    if (io->conn->export->trim_zeroes && !keep)
        nbd_zero_by_trim(io);
    else
        submit(io, AOE_ZERO);
}

void nbd_execute(struct nbd_io *io)
{
    if (io->refused) {
        nbd_refuse(io);
        return;
    }
    if (io->header.command == NBD_CMD_FLUSH) {
        submit(io, AOE_FLUSH);
        return;
    }
    if (io->header.length == 0) {
        nbd_complete(io, 0);
        return;
    }
    switch (io->header.command) {
    case NBD_CMD_READ:
        submit(io, AOE_READ);
        break;
    case NBD_CMD_WRITE:
        submit(io, AOE_WRITE);
        break;
    case NBD_CMD_TRIM:
        submit(io, AOE_TRIM);
        break;
    case NBD_CMD_WRITE_ZEROES:
        write_zeroes(io);
        break;
    default: /* CACHE and BLOCK_STATUS ask nothing of the disk */
        nbd_complete(io, 0);
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

/* The memory it needs from its header on; the pieces of a long write take
 * theirs one by one. */
static size_t room_of(const struct nbd_server *server,
                      const struct nbd_header *h)
{
    if (!nbd_needs_buffer(h) ||
        (h->command == NBD_CMD_WRITE && h->length > server->piece))
        return 0;
    return pool_capacity(&server->pool, h->length);
}

static void begin(struct nbd_conn *conn, struct nbd_io *io)
{
    const struct nbd_header *h = &io->header;

    conn->bulk = h->command == NBD_CMD_WRITE && h->length >= NBD_STAGE_SIZE;
    if (h->command == NBD_CMD_WRITE && h->length > 0)
        nbd_begin_payload(conn, io);
    else
        nbd_execute(io);
}

bool nbd_step_request(struct nbd_conn *conn)
{
    const uint8_t *p = nbd_peek(conn, NBD_REQUEST_SIZE);
    enum nbd_error refused;
    struct nbd_io *io;
    struct nbd_header h;
    const char *why = NULL;

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
    io = nbd_take(conn, refused ? 0 : room_of(conn->server, &h));
    if (!io)
        return false;
    nbd_consume(conn, NBD_REQUEST_SIZE);
    io->header = h;
    if (refused) {
        io->refused = refused;
        io->why = why;
    }
    begin(conn, io);
    return true;
}
