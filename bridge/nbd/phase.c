/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The phases of a connection: which may follow which, and its two ends.
 */
#include "bridge/nbd/internal.h"

#include <assert.h>

#define TO(phase) (1u << (phase))

static const unsigned followers[NBD_PHASES] = {
    [NBD_CLIENT_FLAGS] = TO(NBD_OPTION) | TO(NBD_DRAINING) | TO(NBD_DEAD),
    [NBD_OPTION] = TO(NBD_OPTION_DATA) | TO(NBD_OPTION_SKIP) |
                   TO(NBD_DRAINING) | TO(NBD_DEAD),
    [NBD_OPTION_DATA] =
        TO(NBD_OPTION) | TO(NBD_REQUEST) | TO(NBD_DRAINING) | TO(NBD_DEAD),
    [NBD_OPTION_SKIP] = TO(NBD_OPTION) | TO(NBD_DRAINING) | TO(NBD_DEAD),
    [NBD_REQUEST] = TO(NBD_PAYLOAD) | TO(NBD_DRAINING) | TO(NBD_DEAD),
    [NBD_PAYLOAD] = TO(NBD_REQUEST) | TO(NBD_DRAINING) | TO(NBD_DEAD),
    [NBD_DRAINING] = TO(NBD_DEAD),
    [NBD_DEAD] = 0,
};

void nbd_enter(struct nbd_conn *conn, enum nbd_phase phase)
{
    enum nbd_phase before = conn->phase;

    assert(followers[before] & TO(phase));
    assert(phase != NBD_PAYLOAD || conn->payload.write);
    assert(phase != NBD_REQUEST || !conn->payload.write);
    assert(conn->export || (phase != NBD_REQUEST && phase != NBD_PAYLOAD));
    conn->phase = phase;
    if (conn->server->observer)
        conn->server->observer->entered(conn, before);
}

void nbd_dead(struct nbd_conn *conn, const char *trouble)
{
    if (conn->phase == NBD_DEAD)
        return;
    nbd_enter(conn, NBD_DEAD);
    conn->trouble = trouble;
}

void nbd_join(struct nbd_conn *conn, const struct nbd_export *export)
{
    assert(!conn->export && export);
    conn->export = export;
    if (export->join)
        conn->writer = export->join(export->disk);
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
