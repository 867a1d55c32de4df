/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The phases of a connection: how it comes to requests, and its two ends.
 */
#include "bridge/nbd/internal.h"

void nbd_begin_transmission(struct nbd_conn *conn,
                            const struct nbd_export *export)
{
    conn->export = export;
    conn->phase = NBD_REQUEST;
    if (export->join)
        conn->writer = export->join(export->disk);
}

void nbd_dead(struct nbd_conn *conn, const char *trouble)
{
    conn->phase = NBD_DEAD;
    conn->trouble = trouble;
}

bool nbd_conn_finished(const struct nbd_conn *conn)
{
    if (conn->phase == NBD_DEAD)
        return true;
    return (conn->phase == NBD_DRAINING || conn->stopping) &&
           list_empty(&conn->in_flight) && list_empty(&conn->replies) &&
           !nbd_output_pending(conn);
}

bool nbd_conn_transmitting(const struct nbd_conn *conn)
{
    return conn->export != NULL;
}
