/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The data of writes.  A short one is received whole; a long one goes to the
 * disk in pieces while the rest is still arriving, so that it needs neither
 * memory for all of it nor the time until the last byte is there.  Pieces end
 * at multiples of 4096, so that no sector belongs to two of them.
 *
 * What arrives is filled into a buffer, the write's own or that of its next
 * piece, which has to be admitted first; or, once the write has failed, it is
 * discarded, since the next header comes after it.
 */
#include "bridge/nbd/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { PIECE_END = 4096 };

void nbd_begin_payload(struct nbd_conn *conn, struct nbd_io *io)
{
    assert(!conn->payload.write && io->header.length > 0);
    conn->payload =
        (struct nbd_payload){.write = io, .filling = io->buffer ? io : NULL};
    io->aoe.op = AOE_WRITE; /* what a failed piece is reported as */
    nbd_enter(conn, NBD_PAYLOAD);
}

static bool has_failed(const struct nbd_io *write)
{
    return write->refused || write->status;
}

/* ---- pieces -------------------------------------------------------------- */

/* A write in pieces has ended when all of it came and no piece is left. */
static void end_if_last(struct nbd_io *whole)
{
    if (whole->pieces > 0 || whole->conn->payload.write == whole)
        return;
    if (!whole->status && (whole->header.flags & NBD_CMD_FLAG_FUA))
        nbd_submit_op(whole, AOE_FLUSH, nbd_complete);
    else
        nbd_complete(whole, whole->status);
}

static void piece_done(struct nbd_io *piece, int status)
{
    struct nbd_io *whole = piece->whole;
    bool wanted = whole->conn != NULL;

    if (status && !whole->status) {
        whole->status = status;
        whole->aoe.error_offset = piece->aoe.error_offset;
    }
    nbd_release(piece); /* and `whole` with the last one, if nobody wants it */
    if (wanted)
        end_if_last(whole);
}

/* From where the data has come to, to the next end of a piece. */
static uint32_t piece_length(const struct nbd_conn *conn, uint64_t at)
{
    const struct nbd_payload *p = &conn->payload;
    uint32_t left = p->write->header.length - p->received;
    uint32_t length = conn->server->piece - (uint32_t)(at % PIECE_END);

    return length < left ? length : left;
}

static void begin_piece(struct nbd_payload *p, struct nbd_io *piece,
                        uint64_t at, uint32_t length)
{
    piece->header = p->write->header;
    /* One flush at the end of all pieces makes them durable. */
    piece->header.flags &= (uint16_t)~NBD_CMD_FLAG_FUA;
    piece->header.offset = at;
    piece->header.length = length;
    piece->whole = p->write;
    p->write->pieces++;
    p->filling = piece;
    p->filled = 0;
}

/* False: it is not admitted yet.  Without memory the write fails instead. */
static bool next_piece(struct nbd_conn *conn)
{
    struct nbd_payload *p = &conn->payload;
    uint64_t at = p->write->header.offset + p->received;
    uint32_t length = piece_length(conn, at);
    struct nbd_io *piece =
        nbd_admit(conn, pool_capacity(&conn->server->pool, length));

    if (!piece)
        return false;
    if (piece->refused) {
        p->write->status = -ENOMEM;
        nbd_release(piece);
    } else {
        begin_piece(p, piece, at, length);
    }
    return true;
}

/* ---- receiving ----------------------------------------------------------- */

static enum nbd_step end_payload(struct nbd_conn *conn)
{
    struct nbd_io *write = conn->payload.write;

    conn->payload = (struct nbd_payload){.write = NULL};
    nbd_enter(conn, NBD_REQUEST);
    if (write->refused || write->buffer) {
        nbd_execute(write);
    } else {
        list_append(&conn->in_flight, &write->link);
        end_if_last(write);
    }
    return NBD_STEP_AGAIN;
}

/* Up to `max` bytes that came with the header go to `into`, or nowhere. */
static uint32_t take_buffered(struct nbd_conn *conn, uint8_t *into,
                              uint32_t max)
{
    size_t buffered = nbd_buffered(conn);
    uint32_t n = max < buffered ? max : (uint32_t)buffered;

    if (into && n > 0)
        memcpy(into, conn->buffer + conn->buffer_start, n);
    nbd_consume(conn, n);
    conn->payload.received += n;
    return n;
}

/* What has arrived was received into the buffer already, but for what came with
 * the header. */
static enum nbd_step fill(struct nbd_conn *conn)
{
    struct nbd_payload *p = &conn->payload;
    struct nbd_io *io = p->filling;

    p->filled += take_buffered(conn, io->buffer + p->filled,
                               io->header.length - p->filled);
    if (p->filled < io->header.length)
        return NBD_STEP_CLIENT;
    p->filling = NULL;
    if (io != p->write)
        nbd_submit_op(io, AOE_WRITE, piece_done);
    return p->received < p->write->header.length ? NBD_STEP_AGAIN
                                                 : end_payload(conn);
}

static enum nbd_step discard(struct nbd_conn *conn)
{
    struct nbd_payload *p = &conn->payload;
    uint32_t length = p->write->header.length;

    take_buffered(conn, NULL, length - p->received);
    return p->received < length ? NBD_STEP_CLIENT : end_payload(conn);
}

enum nbd_step nbd_step_payload(struct nbd_conn *conn)
{
    struct nbd_payload *p = &conn->payload;

    assert(p->write && p->received <= p->write->header.length);
    if (!p->filling && !has_failed(p->write) && !next_piece(conn))
        return NBD_STEP_WAIT;
    return p->filling ? fill(conn) : discard(conn);
}

void nbd_cut_payload(struct nbd_conn *conn)
{
    struct nbd_io *whole = conn->payload.write, *piece = conn->payload.filling;

    conn->payload = (struct nbd_payload){.write = NULL};
    if (!whole)
        return;
    if (piece && piece != whole)
        nbd_release(piece);
    if (whole->pieces > 0)
        nbd_orphan(whole);
    else
        nbd_release(whole);
}
