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
    r->io.writer = r->conn->writer;
    if (!list_linked(&r->link))
        list_append(&r->conn->in_flight, &r->link);
    r->server->in_flight++;
    err = export->submit(export->disk, &r->io);
    if (err) {
        r->server->in_flight--;
        then(r, err);
    }
}

void nbd_submit_op(struct nbd_request *r, enum aoe_op op,
                   void (*then)(struct nbd_request *r, int status))
{
    r->io.op = op;
    r->io.offset = op == AOE_FLUSH ? 0 : r->header.offset;
    r->io.length = op == AOE_FLUSH ? 0 : r->header.length;
    r->iov = (struct iovec){r->buffer, r->header.length};
    r->io.iov = &r->iov;
    r->io.iovcnt = r->buffer ? 1 : 0;
    r->io.fua = op != AOE_READ && op != AOE_FLUSH &&
                (r->header.flags & NBD_CMD_FLAG_FUA);
    nbd_submit(r, then);
}

static void submit(struct nbd_request *r, enum aoe_op op)
{
    nbd_submit_op(r, op, nbd_complete);
}

static void write_zeroes(struct nbd_request *r)
{
    bool keep = r->header.flags & NBD_CMD_FLAG_NO_HOLE;

    if (r->conn->export->trim_zeroes && !keep)
        nbd_zero_by_trim(r);
    else
        submit(r, AOE_ZERO);
}

void nbd_execute(struct nbd_request *r)
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

static void begin(struct nbd_conn *conn, struct nbd_request *r)
{
    const struct nbd_header *h = &r->header;

    conn->bulk = h->command == NBD_CMD_WRITE && h->length >= NBD_STAGE_SIZE;
    if (h->command == NBD_CMD_WRITE && h->length > 0)
        nbd_begin_payload(conn, r);
    else
        nbd_execute(r);
}

bool nbd_step_request(struct nbd_conn *conn)
{
    const uint8_t *p = nbd_peek(conn, NBD_REQUEST_SIZE);
    enum nbd_error refused;
    struct nbd_request *r;
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
    r = nbd_take(conn, refused ? 0 : room_of(conn->server, &h));
    if (!r)
        return false;
    nbd_consume(conn, NBD_REQUEST_SIZE);
    r->header = h;
    if (refused) {
        r->refused = refused;
        r->why = why;
    }
    begin(conn, r);
    return true;
}
