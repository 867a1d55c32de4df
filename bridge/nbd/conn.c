/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One NBD client's bytes: where received ones go, which part of the protocol
 * understands them, and which are sent next.
 *
 * Bytes are received into a small buffer, many requests at a time, except for
 * the data of a write: as soon as its header is known, the rest goes straight
 * into the buffer it is written from.
 */
#include "bridge/nbd/server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/nbd/internal.h"

void nbd_server_open(struct nbd_server *server,
                     const struct nbd_export *const *exports,
                     unsigned export_count)
{
    *server = (struct nbd_server){.exports = exports,
                                  .export_count = export_count,
                                  .piece = NBD_PIECE,
                                  .own_max = NBD_PIECE};
    pool_open(&server->pool, sizeof(struct nbd_io), NBD_BYTES_DEFAULT,
              NBD_BYTES_KEPT);
    nbd_queues_open(server);
    nbd_server_limit(server, NBD_BYTES_DEFAULT);
}

void nbd_server_close(struct nbd_server *server)
{
    assert(server->connections == 0 && server->in_flight == 0);
    pool_close(&server->pool);
}

/* ---- beginning and end --------------------------------------------------- */

static void begin(struct nbd_conn *conn, struct nbd_server *server,
                  enum nbd_phase phase)
{
    assert(conn->wake);
    conn->server = server;
    server->connections++;
    conn->phase = phase;
    list_init(&conn->in_flight);
    list_init(&conn->replies);
}

int nbd_conn_open(struct nbd_conn *conn, struct nbd_server *server)
{
    begin(conn, server, NBD_CLIENT_FLAGS);
    return nbd_greet(conn);
}

void nbd_conn_open_export(struct nbd_conn *conn, struct nbd_server *server,
                          const struct nbd_export *export)
{
    begin(conn, server, NBD_REQUEST);
    nbd_join(conn, export);
}

/* What it was not told, the next connection is: it may be the same client. */
static void leave(struct nbd_conn *conn)
{
    if (conn->writer)
        conn->export->leave(conn->writer);
    conn->writer = NULL;
}

/* What the disk has stays with it; all else is given back. */
static void abandon_requests(struct nbd_conn *conn)
{
    list_each(node, &conn->in_flight) {
        list_remove(node);
        nbd_orphan(list_entry(node, struct nbd_io, link));
    }
    nbd_cut_payload(conn);
    list_each(node, &conn->replies)
        nbd_release(list_entry(node, struct nbd_io, link));
    assert(conn->requests == 0 && conn->bytes == 0 && conn->own == 0);
}

void nbd_conn_close(struct nbd_conn *conn)
{
    assert(conn->server->connections > 0);
    abandon_requests(conn);
    nbd_queue_leave(conn);
    leave(conn);
    free(conn->out);
    conn->out = NULL;
    conn->out_sent = conn->out_length = 0;
    nbd_dead(conn, NULL);
    conn->server->connections--;
    nbd_slot_release(conn);
    nbd_queues_wake(conn->server); /* there may be memory for one more slot */
}

/* ---- understanding what has arrived -------------------------------------- */

static enum nbd_step step_nothing(struct nbd_conn *conn)
{
    conn->buffer_start = conn->buffer_end = 0;
    return NBD_STEP_CLIENT;
}

static enum nbd_step (*const steps[NBD_PHASES])(struct nbd_conn *conn) = {
    [NBD_CLIENT_FLAGS] = nbd_step_client_flags,
    [NBD_OPTION] = nbd_step_option,
    [NBD_OPTION_DATA] = nbd_step_option_data,
    [NBD_OPTION_SKIP] = nbd_step_option_skip,
    [NBD_REQUEST] = nbd_step_request,
    [NBD_PAYLOAD] = nbd_step_payload,
    [NBD_DRAINING] = step_nothing,
    [NBD_DEAD] = step_nothing,
};

/* Goes on as far as it gets.  A connection that waited keeps its place in the
 * queue until it is admitted, or no longer needs to be. */
static void advance(struct nbd_conn *conn)
{
    enum nbd_step next;

    assert(conn->buffer || conn->wait == NBD_WAIT_NONE);
    do
        next = steps[conn->phase](conn);
    while (next == NBD_STEP_AGAIN);
    if (next != NBD_STEP_WAIT)
        nbd_queue_leave(conn);
    if (nbd_output_pending(conn) || nbd_conn_finished(conn))
        conn->wake(conn);
}

void nbd_conn_resume(struct nbd_conn *conn)
{
    if (conn->wait && nbd_may_go_on(conn))
        advance(conn);
}

/* ---- bytes of the client ------------------------------------------------- */

bool nbd_conn_wants_input(const struct nbd_conn *conn)
{
    if (conn->phase == NBD_DRAINING || conn->phase == NBD_DEAD)
        return false;
    if (conn->wait)
        return false;
    return nbd_conn_transmitting(conn) || !nbd_output_pending(conn);
}

/* How much of the buffer to offer.  While large writes come in, only the next
 * header is taken into it: whatever follows that belongs elsewhere.  So it is
 * when others need slots, since a header can wait without one. */
static size_t buffer_wanted(const struct nbd_conn *conn)
{
    bool header = conn->payload.filling || !conn->payload.write;

    if (header && (conn->bulk || (nbd_conn_transmitting(conn) &&
                                  nbd_slots_scarce(conn->server))))
        return NBD_REQUEST_SIZE;
    return NBD_BUFFER_SIZE;
}

/* Moves what is left to the front, and offers the rest. */
static struct iovec buffer_rest(struct nbd_conn *conn)
{
    size_t left = nbd_buffered(conn);

    if (conn->buffer_start > 0) {
        memmove(conn->buffer, conn->buffer + conn->buffer_start, left);
        conn->buffer_start = 0;
        conn->buffer_end = left;
    }
    return (struct iovec){conn->buffer + left, buffer_wanted(conn) - left};
}

/* What comes after the buffer that is being filled is more of that write. */
static bool more_pieces(const struct nbd_payload *p)
{
    return p->filling && p->write->header.length - p->received >
                             p->filling->header.length - p->filled;
}

int nbd_conn_input(struct nbd_conn *conn, struct iovec iov[2])
{
    const struct nbd_payload *p = &conn->payload;
    int count = 0;

    if (!nbd_conn_wants_input(conn) || !nbd_slot_take(conn))
        return 0;
    if (p->filling)
        iov[count++] = (struct iovec){p->filling->buffer + p->filled,
                                      p->filling->header.length - p->filled};
    if (!more_pieces(p))
        iov[count++] = buffer_rest(conn);
    return count;
}

/* How many of `length` bytes went into the buffer of a write. */
static uint32_t received_directly(struct nbd_payload *p, size_t length)
{
    uint32_t rest, n;

    if (!p->filling)
        return 0;
    rest = p->filling->header.length - p->filled;
    n = length < rest ? (uint32_t)length : rest;
    p->filled += n;
    p->received += n;
    return n;
}

void nbd_conn_received(struct nbd_conn *conn, size_t length)
{
    length -= received_directly(&conn->payload, length);
    conn->buffer_end += length;
    assert(conn->buffer_end <= NBD_BUFFER_SIZE);
    advance(conn);
}

void nbd_conn_eof(struct nbd_conn *conn)
{
    if (conn->phase == NBD_DEAD)
        return;
    nbd_cut_payload(conn);
    nbd_queue_leave(conn);
    if (conn->phase != NBD_DRAINING)
        nbd_enter(conn, NBD_DRAINING);
    advance(conn);
}

/* ---- bytes for the client ------------------------------------------------ */

int nbd_conn_output(struct nbd_conn *conn, struct iovec *iov, int max)
{
    size_t skip = conn->reply_sent;
    int count = 0;

    if (conn->phase == NBD_DEAD)
        return 0;
    if (nbd_output_pending(conn) && count < max)
        iov[count++] = (struct iovec){conn->out + conn->out_sent,
                                      conn->out_length - conn->out_sent};
    list_each(node, &conn->replies) {
        struct nbd_io *io = list_entry(node, struct nbd_io, link);
        size_t head = io->head_length, done = skip < head ? skip : head;

        if (count + 2 > max)
            break;
        if (done < head)
            iov[count++] = (struct iovec){io->head + done, head - done};
        if (io->data_length)
            iov[count++] = (struct iovec){io->buffer + (skip - done),
                                          io->data_length - (skip - done)};
        skip = 0;
    }
    return count;
}

/* How many of `length` bytes were of the handshake. */
static size_t sent_handshake(struct nbd_conn *conn, size_t length)
{
    size_t left = conn->out_length - conn->out_sent;
    size_t n = length < left ? length : left;

    conn->out_sent += n;
    if (!nbd_output_pending(conn)) {
        conn->out_sent = conn->out_length = 0;
        if (nbd_conn_transmitting(conn)) {
            free(conn->out);
            conn->out = NULL;
            conn->out_capacity = 0;
        }
    }
    return n;
}

void nbd_conn_sent(struct nbd_conn *conn, size_t length)
{
    length -= sent_handshake(conn, length);
    conn->reply_sent += length;
    list_each(node, &conn->replies) {
        struct nbd_io *io = list_entry(node, struct nbd_io, link);
        size_t whole = (size_t)io->head_length + io->data_length;

        if (conn->reply_sent < whole)
            break;
        conn->reply_sent -= whole;
        nbd_release(io);
    }
    assert(!list_empty(&conn->replies) || conn->reply_sent == 0);
    advance(conn);
}

/* ---- waiting and stopping ------------------------------------------------ */

void nbd_conn_shutdown(struct nbd_conn *conn)
{
    conn->stopping = true;
}

void nbd_conn_yield(struct nbd_conn *conn)
{
    size_t left = nbd_buffered(conn);

    if (!conn->buffer || conn->requests > 0 || nbd_output_pending(conn))
        return;
    if (left > 0) {
        if (left > sizeof conn->kept || conn->wait != NBD_WAIT_MEMORY)
            return;
        memcpy(conn->kept, conn->buffer + conn->buffer_start, left);
        conn->kept_length = left;
        conn->buffer_start = conn->buffer_end = 0;
    }
    nbd_slot_release(conn);
}
