/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that are whole, at the disk: which of its operations each of them
 * becomes, and its end.
 */
#include "bridge/nbd/internal.h"

#include <assert.h>

#include "initiator/client/zero.h"

/* ---- the disk ------------------------------------------------------------ */

static void io_done(struct aoe_request *aoe, int status)
{
    struct nbd_io *io = aoe->arg;
    struct nbd_server *server = io->server;

    assert(server->in_flight > 0);
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

    assert(nbd_conn_transmitting(io->conn) && then);
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

/* On a disk whose trimmed sectors read as zeroes, one request after the other.
 */
static void zero_step(struct nbd_io *io, int status)
{
    uint32_t left = io->header.length - io->zeroed;
    uint64_t at = io->header.offset + io->zeroed;

    if (status || left == 0) {
        nbd_complete(io, status);
        return;
    }
    zero_by_trim(&io->aoe, at, left, io->conn->export->sector);
    io->zeroed += (uint32_t)io->aoe.length;
    io->aoe.fua = io->header.flags & NBD_CMD_FLAG_FUA;
    nbd_submit(io, zero_step);
}

static void write_zeroes(struct nbd_io *io)
{
    bool keep = io->header.flags & NBD_CMD_FLAG_NO_HOLE;

    if (io->conn->export->trim_zeroes && !keep)
        zero_step(io, 0);
    else
        submit(io, AOE_ZERO);
}

/* ---- requests ------------------------------------------------------------ */

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
