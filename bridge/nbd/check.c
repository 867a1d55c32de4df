/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which requests are refused, with which error and why, before anything is
 * spent on them (NBD protocol, "Request types", "Error values").
 */
#include "bridge/nbd/internal.h"

/* What the commands allow.  FUA is legal on every one of them. */
static const struct {
    bool known;
    bool writes;    /* not on a read-only export */
    bool ranged;    /* offset and length name a part of the disk */
    uint16_t flags; /* legal beside FUA */
} commands[] = {
    [NBD_CMD_READ] = {true, false, true, NBD_CMD_FLAG_DF},
    [NBD_CMD_WRITE] = {true, true, true, 0},
    [NBD_CMD_FLUSH] = {true, false, false, 0},
    [NBD_CMD_TRIM] = {true, true, true, 0},
    [NBD_CMD_CACHE] = {true, false, true, 0},
    [NBD_CMD_WRITE_ZEROES] = {true, true, true,
                              NBD_CMD_FLAG_NO_HOLE | NBD_CMD_FLAG_FAST_ZERO},
    [NBD_CMD_BLOCK_STATUS] = {true, false, true, NBD_CMD_FLAG_REQ_ONE},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static enum nbd_error refuse(const char **why, enum nbd_error error,
                             const char *text)
{
    *why = text;
    return error;
}

bool nbd_needs_buffer(const struct nbd_header *h)
{
    return (h->command == NBD_CMD_READ || h->command == NBD_CMD_WRITE) &&
           h->length > 0;
}

static enum nbd_error check_range(const struct nbd_conn *conn,
                                  const struct nbd_header *h, const char **why)
{
    uint64_t size = conn->export->size;
    /* A write needs memory for its pieces only. */
    uint32_t longest = h->command == NBD_CMD_READ
                           ? nbd_server_payload_max(conn->server)
                           : NBD_PAYLOAD_MAX;
    bool fills =
        h->command == NBD_CMD_WRITE || h->command == NBD_CMD_WRITE_ZEROES;

    if (h->offset > size || h->length > size - h->offset)
        return refuse(why, fills ? NBD_ENOSPC : NBD_EINVAL,
                      "it goes past the end of the disk");
    if (nbd_needs_buffer(h) && h->length > longest)
        return refuse(why,
                      h->flags & NBD_CMD_FLAG_DF ? NBD_EOVERFLOW : NBD_EINVAL,
                      "it is longer than this server allows");
    return NBD_OK;
}

/* What only some exports, or some clients, may ask. */
static enum nbd_error check_command(const struct nbd_conn *conn,
                                    const struct nbd_header *h,
                                    const char **why)
{
    const struct nbd_export *export = conn->export;

    switch (h->command) {
    case NBD_CMD_READ:
        if ((h->flags & NBD_CMD_FLAG_DF) && !conn->structured)
            return refuse(why, NBD_EINVAL, "DF without structured replies");
        break;
    case NBD_CMD_TRIM:
        if (!export->trim)
            return refuse(why, NBD_EINVAL, "the disk cannot trim");
        break;
    case NBD_CMD_WRITE_ZEROES:
        if ((h->flags & NBD_CMD_FLAG_FAST_ZERO) &&
            (!export->trim_zeroes || (h->flags & NBD_CMD_FLAG_NO_HOLE)))
            return refuse(why, NBD_ENOTSUP,
                          "no faster than writing the zeroes");
        break;
    case NBD_CMD_BLOCK_STATUS:
        if (conn->allocation != export) /* selected for one export only */
            return refuse(why, NBD_EINVAL, "no meta context was selected");
        if (h->length == 0)
            return refuse(why, NBD_EINVAL, "block status of 0 bytes");
        break;
    }
    return NBD_OK;
}

enum nbd_error nbd_check(const struct nbd_conn *conn,
                         const struct nbd_header *h, const char **why)
{
    enum nbd_error error;

    if (conn->stopping)
        return refuse(why, NBD_ESHUTDOWN, "the server is shutting down");
    if (h->command >= COMMANDS || !commands[h->command].known)
        return refuse(why, NBD_EINVAL, "unknown command");
    if (h->flags & ~(commands[h->command].flags | NBD_CMD_FLAG_FUA))
        return refuse(why, NBD_EINVAL, "unsupported flag");
    if (commands[h->command].writes && conn->export->read_only)
        return refuse(why, NBD_EPERM, "the disk is read-only");
    error = check_command(conn, h, why);
    if (error || !commands[h->command].ranged)
        return error;
    return check_range(conn, h, why);
}
