/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A fuzz target for the NBD server's state machine: two bytes that say how the
 * client behaves, then everything it sends.  The disk completes requests now
 * and then, newest or oldest first, some of them with an error.
 *
 *   make BUILD=build/fuzz CC=clang SAN=1 build/fuzz/lib/{bridge,initiator}.a \
 *       CFLAGS='-g -O1 -fsanitize=fuzzer-no-link'
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -o build/fuzz/nbd \
 *       tests/fuzz/fuzz_nbd.c tests/lib/nbd_memory.c \
 *       build/fuzz/lib/{bridge,initiator}.a
 *   build/fuzz/nbd -max_len=4096 DIRECTORY tests/fuzz/corpus/nbd
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/nbd_memory.h"
#include "bridge/nbd/server.h"

enum { DISK = 512 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The client's behaviour, from the first byte. */
enum {
    READ_ONLY = 1 << 0,
    NO_TRIM = 1 << 1,
    SMALL_LIMIT = 1 << 2,
    NEWEST_FIRST = 1 << 3,
    READS_LITTLE = 1 << 4,
    HANGS_UP = 1 << 5, /* instead of an orderly end of file */
    SERVER_STOPS = 1 << 6,
    SHORT_PIECES = 1 << 7, /* a long write is one of more than 4096 bytes */
};

struct world {
    struct nbd_memory memory;
    const struct nbd_export *exports[1];
    struct nbd_server server;
    struct nbd_conn *conn;
    uint8_t manners;
    size_t chunk;
    unsigned turns;
};

static void wake(struct nbd_conn *conn)
{
    (void)conn;
}

static void complete_some(struct world *w)
{
    unsigned count = w->memory.pending_count;

    if (count == 0 || w->turns % 3 == 0)
        return;
    nbd_memory_complete(&w->memory, w->manners & NEWEST_FIRST ? count - 1 : 0,
                        w->turns % 11 == 0 ? -EIO : 0);
}

static void take_output(struct world *w)
{
    size_t limit = w->manners & READS_LITTLE ? w->chunk : SIZE_MAX;
    struct iovec iov[8];
    size_t sum = 0;
    int count;

    nbd_conn_resume(w->conn);
    count = nbd_conn_output(w->conn, iov, 8);
    for (int i = 0; i < count; i++) {
        /* Every byte offered must be there to be read. */
        for (size_t b = 0; b < iov[i].iov_len; b += 64)
            sum += *(volatile uint8_t *)iov[i].iov_base * 0;
        sum += iov[i].iov_len;
    }
    if (count > 0)
        nbd_conn_sent(w->conn, sum < limit ? sum : limit);
    nbd_conn_yield(w->conn);
}

/* Feeds up to a chunk; returns how much. */
static size_t feed(struct world *w, const uint8_t *data, size_t size)
{
    struct iovec iov[2];
    int count = nbd_conn_input(w->conn, iov);
    size_t fed = 0;

    if (size > w->chunk)
        size = w->chunk;
    for (int i = 0; i < count; i++) {
        size_t n = size - fed < iov[i].iov_len ? size - fed : iov[i].iov_len;

        memcpy(iov[i].iov_base, data + fed, n);
        fed += n;
    }
    if (count > 0)
        nbd_conn_received(w->conn, fed);
    return fed;
}

static void converse(struct world *w, const uint8_t *data, size_t size)
{
    while (size > 0 && !nbd_conn_finished(w->conn)) {
        size_t fed = feed(w, data, size);

        data += fed;
        size -= fed;
        w->turns++;
        if ((w->manners & SERVER_STOPS) && size < 64)
            nbd_conn_shutdown(w->conn);
        complete_some(w);
        take_output(w);
    }
}

static void finish(struct world *w)
{
    if (!(w->manners & HANGS_UP)) {
        nbd_conn_eof(w->conn);
        nbd_memory_complete_all(&w->memory);
        while (!nbd_conn_finished(w->conn))
            take_output(w);
    }
    nbd_conn_close(w->conn);
    nbd_memory_complete_all(&w->memory);
    if (w->server.in_flight || w->server.orphaned_bytes || w->server.shared ||
        w->server.requests || w->server.slots || w->server.pool.used)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {0};

    if (size < 2)
        return 0;
    w.manners = data[0];
    w.chunk = 1 + (size_t)data[1] * 16;
    nbd_memory_open(&w.memory, DISK);
    w.memory.export.read_only = w.manners & READ_ONLY;
    if (w.manners & NO_TRIM)
        w.memory.export.trim = w.memory.export.trim_zeroes = false;
    w.exports[0] = &w.memory.export;
    nbd_server_open(&w.server, w.exports, 1);
    if (w.manners & SMALL_LIMIT)
        nbd_server_limit(&w.server, 2 * NBD_PIECE);
    if (w.manners & SHORT_PIECES)
        w.server.piece = w.server.own_max = 4096;
    w.conn = calloc(1, sizeof *w.conn);
    if (!w.conn)
        abort();
    w.conn->wake = wake;
    if (nbd_conn_open(w.conn, &w.server) == 0)
        converse(&w, data + 2, size - 2);
    finish(&w);
    free(w.conn);
    nbd_server_close(&w.server);
    nbd_memory_close(&w.memory);
    return 0;
}
