/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options of the handshake and their answers (NBD protocol, "Option
 * types").  Whatever is wrong with one is answered; only EXPORT_NAME, which
 * has no way to say no, ends the connection.
 */
#include "bridge/nbd/internal.h"

#include <string.h>

#include "base/bytes.h"

/* ---- exports ------------------------------------------------------------- */

/* What the export can do for this client. */
static uint16_t export_flags(const struct nbd_conn *conn,
                             const struct nbd_export *export)
{
    /* Every connection ends at the same disk object and nothing is cached on
     * the way, so a flush on one covers the writes of all. */
    uint16_t flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH |
                     NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_CACHE |
                     NBD_FLAG_CAN_MULTI_CONN;

    if (conn->structured)
        flags |= NBD_FLAG_SEND_DF;
    if (export->rotating)
        flags |= NBD_FLAG_ROTATIONAL;
    if (export->read_only)
        return flags | NBD_FLAG_READ_ONLY;
    flags |= NBD_FLAG_SEND_WRITE_ZEROES;
    if (export->trim)
        flags |= NBD_FLAG_SEND_TRIM;
    if (export->trim_zeroes)
        flags |= NBD_FLAG_SEND_FAST_ZERO;
    return flags;
}

/* From here on the client's bytes are requests. */
static void begin_transmission(struct nbd_conn *conn,
                               const struct nbd_export *export)
{
    nbd_join(conn, export);
    nbd_enter(conn, NBD_REQUEST);
}

static void answer_export_name(struct nbd_conn *conn, const uint8_t *name)
{
    const struct nbd_export *export =
        nbd_export_find(conn->server, name, conn->option_length);
    size_t zeroes = conn->no_zeroes ? 0 : NBD_EXPORT_NAME_ZEROES;
    uint8_t *p;

    if (conn->stopping || !export) {
        nbd_dead(conn,
                 export ? "the server is shutting down" : "no such export");
        return;
    }
    p = nbd_out(conn, 10 + zeroes);
    if (!p)
        return;
    put_be64(p, export->size);
    put_be16(p + 8, export_flags(conn, export));
    memset(p + 10, 0, zeroes);
    begin_transmission(conn, export);
}

/* ---- LIST ---------------------------------------------------------------- */

static void answer_list(struct nbd_conn *conn)
{
    if (conn->option_length) {
        nbd_option_error(conn, NBD_REP_ERR_INVALID, "LIST carries no data");
        return;
    }
    for (unsigned i = 0; i < conn->server->export_count; i++) {
        const struct nbd_export *export = conn->server->exports[i];
        uint32_t name = (uint32_t)strlen(export->name);
        uint32_t description = (uint32_t)strlen(export->description);
        uint8_t *p;

        p = nbd_option_reply_begin(conn, NBD_REP_SERVER,
                                   4 + name + description);
        if (!p)
            return;
        put_be32(p, name);
        memcpy(p + 4, export->name, name);
        memcpy(p + 4 + name, export->description, description);
    }
    nbd_option_reply(conn, NBD_REP_ACK, NULL, 0);
}

/* ---- INFO and GO --------------------------------------------------------- */

static void info_text(struct nbd_conn *conn, uint16_t item, const char *text)
{
    uint32_t length = (uint32_t)strnlen(text, NBD_STRING_MAX);
    uint8_t *p = nbd_option_reply_begin(conn, NBD_REP_INFO, 2 + length);

    if (!p)
        return;
    put_be16(p, item);
    memcpy(p + 2, text, length);
}

static void info_item(struct nbd_conn *conn, const struct nbd_export *export,
                      uint16_t item)
{
    uint8_t data[14];

    put_be16(data, item);
    switch (item) {
    case NBD_INFO_EXPORT:
        put_be64(data + 2, export->size);
        put_be16(data + 10, export_flags(conn, export));
        nbd_option_reply(conn, NBD_REP_INFO, data, 12);
        break;
    case NBD_INFO_NAME:
        info_text(conn, item, export->name);
        break;
    case NBD_INFO_DESCRIPTION:
        info_text(conn, item, export->description);
        break;
    case NBD_INFO_BLOCK_SIZE:
        put_be32(data + 2, export->sector);
        put_be32(data + 6, export->sector > 4096 ? export->sector : 4096);
        put_be32(data + 10, nbd_server_payload_max(conn->server));
        nbd_option_reply(conn, NBD_REP_INFO, data, 14);
        break;
    }
}

/* Sends the items asked for, each once however often it was asked for. */
static void info_items(struct nbd_conn *conn, const struct nbd_export *export,
                       const uint8_t *asked, unsigned count)
{
    bool sent[NBD_INFO_BLOCK_SIZE + 1] = {[NBD_INFO_EXPORT] = true};

    info_item(conn, export, NBD_INFO_EXPORT);
    for (unsigned i = 0; i < count; i++) {
        uint16_t item = get_be16(asked + 2 * i);

        if (item > NBD_INFO_BLOCK_SIZE || sent[item])
            continue;
        sent[item] = true;
        info_item(conn, export, item);
    }
}

static void answer_info(struct nbd_conn *conn, const uint8_t *data)
{
    const struct nbd_export *export;
    uint32_t length = conn->option_length, name, count;

    /* name length, name, item count, items: all of it and nothing more */
    if (length < 6 || (name = get_be32(data)) > length - 6 ||
        (count = get_be16(data + 4 + name)) * 2 != length - 6 - name) {
        nbd_option_error(conn, NBD_REP_ERR_INVALID,
                         "its lengths do not add up");
        return;
    }
    export = nbd_export_find(conn->server, data + 4, name);
    if (!export) {
        nbd_option_error(conn, NBD_REP_ERR_UNKNOWN, "no such export");
        return;
    }
    info_items(conn, export, data + 6 + name, count);
    nbd_option_reply(conn, NBD_REP_ACK, NULL, 0);
    if (conn->option == NBD_OPT_GO && conn->phase != NBD_DEAD)
        begin_transmission(conn, export);
}

/* ---- the others ---------------------------------------------------------- */

static void answer_structured_reply(struct nbd_conn *conn)
{
    if (conn->option_length) {
        nbd_option_error(conn, NBD_REP_ERR_INVALID,
                         "STRUCTURED_REPLY carries no data");
        return;
    }
    conn->structured = true;
    nbd_option_reply(conn, NBD_REP_ACK, NULL, 0);
}

void nbd_answer_option(struct nbd_conn *conn, const uint8_t *data)
{
    if (conn->stopping && conn->option != NBD_OPT_ABORT &&
        conn->option != NBD_OPT_EXPORT_NAME) {
        nbd_option_error(conn, NBD_REP_ERR_SHUTDOWN,
                         "the server is shutting down");
        return;
    }
    switch (conn->option) {
    case NBD_OPT_EXPORT_NAME:
        answer_export_name(conn, data);
        break;
    case NBD_OPT_ABORT:
        nbd_option_reply(conn, NBD_REP_ACK, NULL, 0);
        if (conn->phase != NBD_DEAD)
            nbd_enter(conn, NBD_DRAINING);
        break;
    case NBD_OPT_LIST:
        answer_list(conn);
        break;
    case NBD_OPT_INFO:
    case NBD_OPT_GO:
        answer_info(conn, data);
        break;
    case NBD_OPT_STRUCTURED_REPLY:
        answer_structured_reply(conn);
        break;
    case NBD_OPT_LIST_META_CONTEXT:
    case NBD_OPT_SET_META_CONTEXT:
        nbd_answer_meta_context(conn, data);
        break;
    default:
        nbd_option_error(conn, NBD_REP_ERR_UNSUP, "unsupported option");
        break;
    }
}
