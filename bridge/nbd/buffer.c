/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The input of a connection that waits to be parsed, and the output of its
 * handshake that waits to be sent.
 */
#include "bridge/nbd/internal.h"

#include <assert.h>
#include <stdlib.h>

const uint8_t *nbd_peek(const struct nbd_conn *conn, size_t length)
{
    if (nbd_buffered(conn) < length)
        return NULL;
    return conn->buffer + conn->buffer_start;
}

void nbd_consume(struct nbd_conn *conn, size_t length)
{
    assert(length <= nbd_buffered(conn));
    conn->buffer_start += length;
    if (conn->buffer_start == conn->buffer_end)
        conn->buffer_start = conn->buffer_end = 0;
}

uint8_t *nbd_out(struct nbd_conn *conn, size_t length)
{
    size_t need = conn->out_length + length;
    uint8_t *p;

    if (need > conn->out_capacity) {
        p = realloc(conn->out, need * 2);
        if (!p) {
            nbd_dead(conn, "no memory for the reply to an option");
            return NULL;
        }
        conn->out = p;
        conn->out_capacity = need * 2;
    }
    p = conn->out + conn->out_length;
    conn->out_length += length;
    return p;
}
