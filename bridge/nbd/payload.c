/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The data of writes.  A short one is received whole; a long one goes to the
 * disk in pieces while the rest is still arriving, so that it needs neither
 * memory for all of it nor the time until the last byte is there.  Pieces end
 * at multiples of 4096, so that no sector belongs to two of them.
 */
#include "bridge/nbd/internal.h"

#include <errno.h>
#include <string.h>

enum { PIECE_END = 4096 };

void nbd_begin_payload(struct nbd_conn *conn, struct nbd_io *io)
{
    conn->receiving = io;
    conn->received = 0;
    conn->filling = io->buffer ? io : NULL;
    conn->filled = 0;
    conn->phase = NBD_PAYLOAD;
    io->aoe.op = AOE_WRITE; /* what a failed piece is reported as */
}

/* The data is received to be forgotten, since the next header comes after it.
 */
static bool forgotten(const struct nbd_io *io)
{
    return io->refused || io->status;
}

/* ---- pieces -------------------------------------------------------------- */

/* A write in pieces has ended when all of it came and no piece is left. */
static void end_if_last(struct nbd_io *whole)
{
    if (whole->pieces > 0 || whole->conn->receiving == whole)
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

/* Memory for what comes next; false: it has to wait. */
static bool next_piece(struct nbd_conn *conn)
{
    struct nbd_io *whole = conn->receiving, *piece;
    uint64_t at = whole->header.offset + conn->received;
    uint32_t left = whole->header.length - conn->received;
    uint32_t length = conn->server->piece - (uint32_t)(at % PIECE_END);

    if (length > left)
        length = left;
    piece = nbd_take(conn, pool_capacity(&conn->server->pool, length));
    if (!piece)
        return false;
    if (piece->refused) {
        whole->status = -ENOMEM;
        nbd_release(piece);
        return true;
    }
    piece->header = whole->header;
    /* One flush at the end of all pieces makes them durable. */
    piece->header.flags &= (uint16_t)~NBD_CMD_FLAG_FUA;
    piece->header.offset = at;
    piece->header.length = length;
    piece->whole = whole;
    whole->pieces++;
    conn->filling = piece;
    conn->filled = 0;
    return true;
}

/* ---- receiving ----------------------------------------------------------- */

/* What of it came with the stage. */
static void take_staged(struct nbd_conn *conn)
{
    struct nbd_io *io = conn->filling;
    size_t staged = conn->stage_end - conn->stage_start;
    uint32_t n = io ? io->header.length - conn->filled
                    : conn->receiving->header.length - conn->received;

    if (n > staged)
        n = (uint32_t)staged;
    if (io && n > 0) {
        memcpy(io->buffer + conn->filled, conn->stage + conn->stage_start, n);
        conn->filled += n;
    }
    conn->received += n;
    nbd_consume(conn, n);
}

static void end_payload(struct nbd_conn *conn)
{
    struct nbd_io *io = conn->receiving;

    conn->receiving = NULL;
    conn->phase = NBD_REQUEST;
    if (io->refused || io->buffer) {
        nbd_execute(io);
        return;
    }
    list_append(&conn->in_flight, &io->link);
    end_if_last(io);
}

bool nbd_step_payload(struct nbd_conn *conn)
{
    struct nbd_io *whole = conn->receiving, *io;
    uint32_t length = whole->header.length;

    if (!conn->filling && !forgotten(whole) && conn->received < length &&
        !next_piece(conn))
        return false;
    take_staged(conn);
    io = conn->filling;
    if (io && conn->filled < io->header.length)
        return false;
    conn->filling = NULL;
    if (io && io != whole)
        nbd_submit_op(io, AOE_WRITE, piece_done);
    if (conn->received == length) {
        end_payload(conn);
        return true;
    }
    return io || conn->stage_end > conn->stage_start;
}

void nbd_cut_payload(struct nbd_conn *conn)
{
    struct nbd_io *whole = conn->receiving, *piece = conn->filling;

    conn->receiving = conn->filling = NULL;
    if (!whole)
        return;
    if (piece && piece != whole)
        nbd_release(piece);
    if (whole->pieces > 0)
        nbd_orphan(whole);
    else
        nbd_release(whole);
}
