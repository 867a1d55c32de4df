/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies: simple ones, structured ones for clients that negotiated them, and
 * which error travels for which errno (NBD protocol, "Simple reply message",
 * "Structured reply chunk message", "Error values").
 *
 * A reply is built when its request has ended, never before: once the header
 * of a read is out, there is no way left to say that the read failed.
 */
#include "bridge/nbd/internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/bytes.h"

enum { MESSAGE_MAX = 200 };

/* Any other errno is EIO: a request that reached the disk was a valid one. */
static const struct {
    int status;
    enum nbd_error error;
    const char *why;
} errors[] = {
    {-ENOSPC, NBD_ENOSPC, "it goes past the end of the disk"},
    {-ENXIO, NBD_EINVAL, "it goes past the end of the disk"},
    {-EOPNOTSUPP, NBD_EINVAL, "the disk does not support it"},
    {-EROFS, NBD_EPERM, "the disk is read-only"},
    {-EPERM, NBD_EPERM, "not permitted"},
    {-EACCES, NBD_EPERM, "not permitted"},
    {-EBUSY, NBD_EPERM, "the disk is reserved for other hosts"},
    {-ENOMEM, NBD_ENOMEM, "the server has no memory"},
    {-ESTALE, NBD_EIO, "another disk answers at its address"},
    {-ENOTUNIQ, NBD_EIO, "two disks answer at its address"},
    {-ENOTCONN, NBD_EIO, "the disk does not answer"},
    {-ETIMEDOUT, NBD_EIO, "the disk does not answer"},
    {-ECANCELED, NBD_ESHUTDOWN, "the server is shutting down"},
};

const char *nbd_command_name(const struct nbd_io *io)
{
    static const char *const names[] = {
        [NBD_CMD_READ] = "read",
        [NBD_CMD_WRITE] = "write",
        [NBD_CMD_FLUSH] = "flush",
        [NBD_CMD_TRIM] = "trim",
        [NBD_CMD_CACHE] = "cache",
        [NBD_CMD_WRITE_ZEROES] = "write of zeroes",
        [NBD_CMD_BLOCK_STATUS] = "block status",
    };
    size_t count = sizeof names / sizeof names[0];
    uint16_t command = io->header.command;

    return command < count && names[command] ? names[command] : "request";
}

static void simple(struct nbd_io *io, enum nbd_error error)
{
    put_be32(io->head, NBD_SIMPLE_REPLY_MAGIC);
    put_be32(io->head + 4, error);
    put_be64(io->head + 8, io->header.cookie);
    io->head_length = NBD_SIMPLE_REPLY_SIZE;
}

/* The head of a reply of one chunk; `length` is that of all its payload, of
 * which `in_head` bytes go where the returned pointer says. */
static uint8_t *chunk(struct nbd_io *io, uint16_t type, uint32_t length,
                      unsigned in_head)
{
    put_be32(io->head, NBD_STRUCTURED_REPLY_MAGIC);
    put_be16(io->head + 4, NBD_REPLY_FLAG_DONE);
    put_be16(io->head + 6, type);
    put_be64(io->head + 8, io->header.cookie);
    put_be32(io->head + 16, length);
    io->head_length = NBD_CHUNK_SIZE + in_head;
    return io->head + NBD_CHUNK_SIZE;
}

static void read_reply(struct nbd_io *io)
{
    uint32_t length = io->header.length;

    io->data_length = length;
    if (!io->conn->structured)
        simple(io, NBD_OK);
    else if (length == 0) /* data chunks must not be empty */
        chunk(io, NBD_REPLY_TYPE_NONE, 0, 0);
    else
        put_be64(chunk(io, NBD_REPLY_TYPE_OFFSET_DATA, 8 + length, 8),
                 io->header.offset);
}

static void status_reply(struct nbd_io *io)
{
    uint8_t *p = chunk(io, NBD_REPLY_TYPE_BLOCK_STATUS, 12, 12);

    put_be32(p, NBD_ALLOCATION_ID);
    put_be32(p + 4, io->header.length);
    put_be32(p + 8, 0); /* allocated, content unknown */
}

/* "e1.2: read of 512 bytes at 1024: why" */
static void describe(const struct nbd_io *io, const char *why, char *text,
                     size_t size)
{
    const struct nbd_header *h = &io->header;
    const char *disk = io->conn->export->name, *name = nbd_command_name(io);

    if (h->length)
        snprintf(text, size, "%s: %s of %" PRIu32 " bytes at %" PRIu64 ": %s",
                 disk, name, h->length, h->offset, why);
    else
        snprintf(text, size, "%s: %s: %s", disk, name, why);
}

static void observe(const struct nbd_io *io, const char *why)
{
    if (io->server->observer)
        io->server->observer->replied(io, why);
}

static void error_reply(struct nbd_io *io, enum nbd_error error,
                        const char *why, const uint64_t *at)
{
    char text[MESSAGE_MAX];
    unsigned length;
    uint8_t *p;

    assert(error != NBD_OK);
    observe(io, why);
    if (!io->conn->structured) {
        simple(io, error);
        return;
    }
    describe(io, why, text, sizeof text);
    length = (unsigned)strlen(text);
    p = chunk(io, at ? NBD_REPLY_TYPE_ERROR_OFFSET : NBD_REPLY_TYPE_ERROR,
              6 + length + (at ? 8 : 0), 6 + length + (at ? 8 : 0));
    put_be32(p, error);
    put_be16(p + 4, (uint16_t)length);
    memcpy(p + 6, text, length);
    if (at)
        put_be64(p + 6 + length, *at);
}

static void queue(struct nbd_io *io)
{
    assert(io->head_length > 0 && io->head_length <= NBD_HEAD_MAX);
    list_remove(&io->link);
    list_append(&io->conn->replies, &io->link);
    io->conn->wake(io->conn);
}

static void io_error_reply(struct nbd_io *io, int status)
{
    uint64_t at = io->aoe.error_offset, first = io->header.offset;
    char why[64];

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].status == status) {
            error_reply(io, errors[i].error, errors[i].why, NULL);
            return;
        }
    }
    /* The place may only be named if it is one the client asked for. */
    if (status == -EIO && io->aoe.op != AOE_FLUSH && at >= first &&
        at - first < io->header.length) {
        snprintf(why, sizeof why, "failed or no answer at byte %" PRIu64, at);
        error_reply(io, NBD_EIO, why, &at);
    } else {
        error_reply(io, NBD_EIO, "the disk failed or does not answer", NULL);
    }
}

static void success_reply(struct nbd_io *io)
{
    observe(io, NULL);
    if (io->header.command == NBD_CMD_READ)
        read_reply(io);
    else if (io->header.command == NBD_CMD_BLOCK_STATUS)
        status_reply(io);
    else
        simple(io, NBD_OK);
}

void nbd_complete(struct nbd_io *io, int status)
{
    assert(io->conn && io->pieces == 0 && io->head_length == 0);
    if (status)
        io_error_reply(io, status);
    else
        success_reply(io);
    queue(io);
}

void nbd_refuse(struct nbd_io *io)
{
    assert(io->refused && io->why && io->head_length == 0);
    error_reply(io, io->refused, io->why, NULL);
    queue(io);
}
