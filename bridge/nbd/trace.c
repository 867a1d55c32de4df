/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a connection does, for people: a line for each phase that is new with
 * -v, and with -vv one for each option, each request and its reply, and each
 * time that it has to wait.
 */
#include "bridge/nbd/trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "bridge/nbd/internal.h"

static void entered(const struct nbd_conn *conn, enum nbd_phase before)
{
    switch (conn->phase) {
    case NBD_OPTION_DATA:
    case NBD_OPTION_SKIP:
        log_trace("client %u: option %" PRIu32 ", %" PRIu32 " bytes",
                  conn->number, conn->option, conn->option_length);
        break;
    case NBD_REQUEST:
        if (before != NBD_PAYLOAD)
            log_debug("client %u: requests for %s", conn->number,
                      conn->export->name);
        break;
    case NBD_DRAINING:
        log_debug("client %u: sends no more, %u requests in flight",
                  conn->number, conn->requests);
        break;
    default:
        break;
    }
}

static void waits(const struct nbd_conn *conn)
{
    static const char *const what[NBD_WAITS] = {
        [NBD_WAIT_SLOT] = "a slot",
        [NBD_WAIT_REQUEST] = "one of the requests of all clients to end",
        [NBD_WAIT_MEMORY] = "common memory",
        [NBD_WAIT_REPLY] = "one of its own requests to end",
    };

    if (conn->wait)
        log_trace("client %u: waits for %s", conn->number, what[conn->wait]);
    else
        log_trace("client %u: goes on", conn->number);
}

/* "write 4096 at 81920, fua" */
static const char *describe(const struct nbd_io *io, char *text, size_t size)
{
    const struct nbd_header *h = &io->header;
    const char *fua = h->flags & NBD_CMD_FLAG_FUA ? ", fua" : "";

    if (h->command == NBD_CMD_FLUSH)
        snprintf(text, size, "flush");
    else
        snprintf(text, size, "%s %" PRIu32 " at %" PRIu64 "%s",
                 nbd_command_name(io), h->length, h->offset, fua);
    return text;
}

enum { TEXT_MAX = 128 };

static void requested(const struct nbd_io *io)
{
    char text[TEXT_MAX];

    log_trace("client %u: %s", io->conn->number,
              describe(io, text, sizeof text));
}

static void replied(const struct nbd_io *io, const char *why)
{
    char text[TEXT_MAX];

    log_trace("client %u: %s: %s", io->conn->number,
              describe(io, text, sizeof text), why ? why : "done");
}

const struct nbd_observer nbd_trace = {entered, waits, requested, replied};
