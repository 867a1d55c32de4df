/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The fixed newstyle handshake up to the data of each option (NBD protocol,
 * "Fixed newstyle negotiation"): greeting, client flags, option headers, and
 * the limits that keep a hostile client cheap.
 */
#include "bridge/nbd/internal.h"

#include <errno.h>

#include "base/bytes.h"

int nbd_greet(struct nbd_conn *conn)
{
    uint8_t *p = nbd_out(conn, NBD_GREETING_SIZE);

    if (!p)
        return -ENOMEM;
    put_be64(p, NBD_MAGIC);
    put_be64(p + 8, NBD_OPTION_MAGIC);
    put_be16(p + 16, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
    return 0;
}

enum nbd_step nbd_step_client_flags(struct nbd_conn *conn)
{
    const uint8_t *p = nbd_peek(conn, NBD_CLIENT_FLAGS_SIZE);
    uint32_t flags;

    if (!p)
        return NBD_STEP_CLIENT;
    flags = get_be32(p);
    nbd_consume(conn, NBD_CLIENT_FLAGS_SIZE);
    if (flags & ~(uint32_t)(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES)) {
        nbd_dead(conn, "unknown client flags");
        return NBD_STEP_AGAIN;
    }
    conn->fixed_newstyle = flags & NBD_FLAG_FIXED_NEWSTYLE;
    conn->no_zeroes = flags & NBD_FLAG_NO_ZEROES;
    nbd_enter(conn, NBD_OPTION);
    return NBD_STEP_AGAIN;
}

enum nbd_step nbd_step_option(struct nbd_conn *conn)
{
    const uint8_t *p = nbd_peek(conn, NBD_OPTION_SIZE);

    /* One option at a time: its reply leaves before the next is looked at, so
     * that what is queued for a client that never reads stays bounded. */
    if (!p || nbd_output_pending(conn))
        return NBD_STEP_CLIENT;
    if (get_be64(p) != NBD_OPTION_MAGIC) {
        nbd_dead(conn, "bad magic where an option was expected");
        return NBD_STEP_AGAIN;
    }
    conn->option = get_be32(p + 8);
    conn->option_length = get_be32(p + 12);
    nbd_consume(conn, NBD_OPTION_SIZE);
    if (++conn->options > NBD_OPTIONS_MAX) {
        nbd_dead(conn, "too many options");
        return NBD_STEP_AGAIN;
    }
    /* The other options have a reply, which plain newstyle clients do not
     * expect. */
    if (!conn->fixed_newstyle && conn->option != NBD_OPT_EXPORT_NAME) {
        nbd_dead(conn,
                 "an option other than EXPORT_NAME without fixed newstyle");
        return NBD_STEP_AGAIN;
    }
    nbd_enter(conn, conn->option_length > NBD_OPTION_DATA_MAX
                        ? NBD_OPTION_SKIP
                        : NBD_OPTION_DATA);
    return NBD_STEP_AGAIN;
}

enum nbd_step nbd_step_option_data(struct nbd_conn *conn)
{
    const uint8_t *data = nbd_peek(conn, conn->option_length);

    if (!data)
        return NBD_STEP_CLIENT;
    nbd_answer_option(conn, data);
    nbd_consume(conn, conn->option_length);
    if (conn->phase == NBD_OPTION_DATA)
        nbd_enter(conn, NBD_OPTION);
    return NBD_STEP_AGAIN;
}

enum nbd_step nbd_step_option_skip(struct nbd_conn *conn)
{
    size_t n = nbd_buffered(conn);

    if (n > conn->option_length)
        n = conn->option_length;
    conn->option_length -= (uint32_t)n;
    nbd_consume(conn, n);
    if (conn->option_length > 0)
        return NBD_STEP_CLIENT;
    if (conn->option == NBD_OPT_EXPORT_NAME) {
        nbd_dead(conn, "an export name longer than any export has");
        return NBD_STEP_AGAIN;
    }
    nbd_enter(conn, NBD_OPTION);
    nbd_option_error(conn, NBD_REP_ERR_TOO_BIG, "too much data for an option");
    return NBD_STEP_AGAIN;
}
