/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One NBD client's bytes: where received ones go, which part of the protocol
 * understands them, and which are sent next.
 *
 * Bytes are received into a small stage, many requests at a time, except for
 * the data of a write: as soon as its header is known, the rest goes straight
 * into the buffer it is written from.
 */
#include "bridge/nbd/server.h"

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
    list_init(&server->wait_seat);
    list_init(&server->wait_request);
    list_init(&server->wait_bytes);
    nbd_server_limit(server, NBD_BYTES_DEFAULT);
}

void nbd_server_close(struct nbd_server *server)
{
    pool_close(&server->pool);
}

static void begin(struct nbd_conn *conn, struct nbd_server *server,
                  enum nbd_phase phase)
{
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
    nbd_begin_transmission(conn, export);
}

/* What it was not told, the next connection is: it may be the same client. */
static void leave(struct nbd_conn *conn)
{
    if (conn->writer)
        conn->export->leave(conn->writer);
    conn->writer = NULL;
}

void nbd_conn_close(struct nbd_conn *conn)
{
    list_each(node, &conn->in_flight) {
        struct nbd_io *io = list_entry(node, struct nbd_io, link);

        list_remove(node);
        nbd_orphan(io);
    }
    nbd_cut_payload(conn);
    list_each(node, &conn->replies)
        nbd_release(list_entry(node, struct nbd_io, link));
    nbd_stop_waiting(conn);
    leave(conn);
    free(conn->out);
    conn->out = NULL;
    conn->phase = NBD_DEAD;
    conn->server->connections--;
    nbd_rise(conn);
    nbd_wake_next(conn->server); /* there is room for one more seat, perhaps */
}

/* ---- bytes of the client ------------------------------------------------- */

/* Understands what has arrived as far as it goes. */
static void advance(struct nbd_conn *conn)
{
    bool more = true;

    conn->blocked = false;
    while (more) {
        switch (conn->phase) {
        case NBD_CLIENT_FLAGS:
            more = nbd_step_client_flags(conn);
            break;
        case NBD_OPTION:
            /* One option at a time: its answer leaves before the next is
             * looked at, so that what is queued for a client that never reads
             * stays bounded. */
            more = !nbd_output_pending(conn) && nbd_step_option(conn);
            break;
        case NBD_OPTION_DATA:
            more = nbd_step_option_data(conn);
            break;
        case NBD_OPTION_SKIP:
            more = nbd_step_option_skip(conn);
            break;
        case NBD_REQUEST:
            more = nbd_step_request(conn);
            break;
        case NBD_PAYLOAD:
            more = nbd_step_payload(conn);
            break;
        case NBD_DRAINING:
        case NBD_DEAD:
            conn->stage_start = conn->stage_end = 0;
            more = false;
            break;
        }
    }
    if (nbd_output_pending(conn) || nbd_conn_finished(conn))
        conn->wake(conn);
}

void nbd_conn_resume(struct nbd_conn *conn)
{
    if (conn->blocked && nbd_may_go_on(conn))
        advance(conn);
}

bool nbd_conn_reads(const struct nbd_conn *conn)
{
    if (conn->phase == NBD_DRAINING || conn->phase == NBD_DEAD)
        return false;
    if (conn->blocked)
        return false;
    return nbd_conn_transmitting(conn) || !nbd_output_pending(conn);
}

/* How much of the stage to offer.  While large writes come in, only the next
 * header is taken into it: whatever follows that belongs elsewhere.  So it is
 * when others need seats, since a header can wait without one. */
static size_t stage_wanted(const struct nbd_conn *conn)
{
    bool header = conn->filling || !conn->receiving;

    if (header && (conn->bulk ||
                   (nbd_conn_transmitting(conn) && nbd_crowded(conn->server))))
        return NBD_REQUEST_SIZE;
    return NBD_STAGE_SIZE;
}

/* What comes after the buffer that is being filled is more of that write. */
static bool more_pieces(const struct nbd_conn *conn)
{
    return conn->filling && conn->receiving->header.length - conn->received >
                                conn->filling->header.length - conn->filled;
}

int nbd_conn_room(struct nbd_conn *conn, struct iovec iov[2])
{
    struct nbd_io *io = conn->filling;
    size_t kept = conn->stage_end - conn->stage_start;
    int count = 0;

    if (!nbd_conn_reads(conn) || !nbd_sit(conn))
        return 0;
    if (io)
        iov[count++] = (struct iovec){io->buffer + conn->filled,
                                      io->header.length - conn->filled};
    if (more_pieces(conn))
        return count;
    if (conn->stage_start > 0) {
        memmove(conn->stage, conn->stage + conn->stage_start, kept);
        conn->stage_start = 0;
        conn->stage_end = kept;
    }
    iov[count++] =
        (struct iovec){conn->stage + kept, stage_wanted(conn) - kept};
    return count;
}

void nbd_conn_fed(struct nbd_conn *conn, size_t length)
{
    struct nbd_io *io = conn->filling;

    if (io) {
        uint32_t rest = io->header.length - conn->filled;
        uint32_t direct = length < rest ? (uint32_t)length : rest;

        conn->filled += direct;
        conn->received += direct;
        length -= direct;
    }
    conn->stage_end += length;
    advance(conn);
}

void nbd_conn_eof(struct nbd_conn *conn)
{
    if (conn->phase == NBD_DEAD)
        return;
    nbd_cut_payload(conn);
    nbd_stop_waiting(conn);
    conn->phase = NBD_DRAINING;
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
            conn->out_room = 0;
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
    advance(conn);
}

/* ---- the end ------------------------------------------------------------- */

void nbd_conn_shutdown(struct nbd_conn *conn)
{
    conn->stopping = true;
}

void nbd_conn_rest(struct nbd_conn *conn)
{
    size_t staged = conn->stage_end - conn->stage_start;

    if (!conn->stage || conn->requests > 0 || nbd_output_pending(conn))
        return;
    if (staged > 0) {
        if (staged > sizeof conn->kept || !nbd_waits_for_bytes(conn))
            return;
        memcpy(conn->kept, conn->stage + conn->stage_start, staged);
        conn->kept_length = staged;
        conn->stage_start = conn->stage_end = 0;
    }
    nbd_rise(conn);
}
