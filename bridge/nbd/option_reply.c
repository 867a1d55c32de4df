/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies to options (NBD protocol, "Fixed newstyle negotiation"), and the
 * export that an option names.
 */
#include "bridge/nbd/internal.h"

#include <string.h>

#include "base/bytes.h"

uint8_t *nbd_option_reply_begin(struct nbd_conn *conn, uint32_t type,
                                uint32_t length)
{
    uint8_t *p = nbd_out(conn, NBD_OPTION_REPLY_SIZE + (size_t)length);

    if (!p)
        return NULL;
    put_be64(p, NBD_REP_MAGIC);
    put_be32(p + 8, conn->option);
    put_be32(p + 12, type);
    put_be32(p + 16, length);
    return p + NBD_OPTION_REPLY_SIZE;
}

void nbd_option_reply(struct nbd_conn *conn, uint32_t type, const void *data,
                      uint32_t length)
{
    uint8_t *p = nbd_option_reply_begin(conn, type, length);

    if (p && length)
        memcpy(p, data, length);
}

void nbd_option_error(struct nbd_conn *conn, uint32_t type, const char *text)
{
    nbd_option_reply(conn, type, text, (uint32_t)strlen(text));
}

const struct nbd_export *nbd_export_find(const struct nbd_server *server,
                                         const uint8_t *name, size_t length)
{
    if (length == 0)
        return server->export_count ? server->exports[0] : NULL;
    for (unsigned i = 0; i < server->export_count; i++) {
        const char *have = server->exports[i]->name;

        if (strlen(have) == length && memcmp(have, name, length) == 0)
            return server->exports[i];
    }
    return NULL;
}
