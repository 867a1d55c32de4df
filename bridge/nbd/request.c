/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The transmission phase: requests are read, checked and admitted (NBD
 * protocol, "Transmission").  A request that is wrong is answered with an
 * error; only one that cannot be told from its neighbours, for it lacks the
 * magic, ends the connection.
 */
#include "bridge/nbd/internal.h"

#include "base/bytes.h"

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
static size_t capacity_for(const struct nbd_server *server,
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

    conn->bulk = h->command == NBD_CMD_WRITE && h->length >= NBD_BUFFER_SIZE;
    if (h->command == NBD_CMD_WRITE && h->length > 0)
        nbd_begin_payload(conn, io);
    else
        nbd_execute(io);
}

enum nbd_step nbd_step_request(struct nbd_conn *conn)
{
    const uint8_t *p = nbd_peek(conn, NBD_REQUEST_SIZE);
    enum nbd_error refused;
    struct nbd_io *io;
    struct nbd_header h;
    const char *why = NULL;

    if (!p)
        return NBD_STEP_CLIENT;
    if (get_be32(p) != NBD_REQUEST_MAGIC) {
        nbd_dead(conn, "bad magic where a request was expected");
        return NBD_STEP_AGAIN;
    }
    h = parse(p);
    if (h.command == NBD_CMD_DISC) {
        nbd_enter(conn, NBD_DRAINING);
        return NBD_STEP_AGAIN;
    }
    refused = nbd_check(conn, &h, &why);
    io = nbd_admit(conn, refused ? 0 : capacity_for(conn->server, &h));
    if (!io)
        return NBD_STEP_WAIT;
    nbd_consume(conn, NBD_REQUEST_SIZE);
    io->header = h;
    if (refused) {
        io->refused = refused;
        io->why = why;
    }
    if (conn->server->observer)
        conn->server->observer->requested(io);
    begin(conn, io);
    return NBD_STEP_AGAIN;
}
