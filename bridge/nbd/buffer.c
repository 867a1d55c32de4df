/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The bytes that a connection has received and not yet understood, and those of
 * the handshake that it has not yet sent.
 */
#include "bridge/nbd/internal.h"

#include <stdlib.h>

const uint8_t *nbd_peek(const struct nbd_conn *conn, size_t length)
{
    if (conn->stage_end - conn->stage_start < length)
        return NULL;
    return conn->stage + conn->stage_start;
}

void nbd_consume(struct nbd_conn *conn, size_t length)
{
    conn->stage_start += length;
    if (conn->stage_start == conn->stage_end)
        conn->stage_start = conn->stage_end = 0;
}

uint8_t *nbd_out(struct nbd_conn *conn, size_t length)
{
    size_t need = conn->out_length + length;
    uint8_t *p;

    if (need > conn->out_room) {
        p = realloc(conn->out, need * 2);
        if (!p) {
            nbd_dead(conn, "no memory for the answer to an option");
            return NULL;
        }
        conn->out = p;
        conn->out_room = need * 2;
    }
    p = conn->out + conn->out_length;
    conn->out_length += length;
    return p;
}
