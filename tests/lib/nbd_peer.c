/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A client of the NBD state machine without a socket.
 */
#include "tests/lib/nbd_peer.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void wake(struct nbd_conn *conn)
{
    struct nbd_peer *peer = conn->arg;

    peer->wakes++;
}

void nbd_peer_connect(struct nbd_peer *peer)
{
    /* In an allocation of its own, so that the sanitizer sees every stray
     * access. */
    peer->conn = calloc(1, sizeof *peer->conn);
    assert_non_null(peer->conn);
    peer->conn->wake = wake;
    peer->conn->arg = peer;
    assert_int_equal(nbd_conn_open(peer->conn, &peer->server), 0);
}

void nbd_peer_disconnect(struct nbd_peer *peer)
{
    nbd_conn_close(peer->conn);
    free(peer->conn);
    peer->conn = NULL;
}

void nbd_peer_open(struct nbd_peer *peer, size_t size)
{
    memset(peer, 0, sizeof *peer);
    nbd_memory_open(&peer->memory, size);
    peer->exports[0] = &peer->memory.export;
    nbd_server_open(&peer->server, peer->exports, 1);
    nbd_peer_connect(peer);
}

void nbd_peer_close(struct nbd_peer *peer)
{
    if (peer->conn)
        nbd_peer_disconnect(peer);
    nbd_memory_complete_all(&peer->memory);
    assert_int_equal(peer->server.in_flight, 0);
    assert_int_equal(peer->server.orphaned_bytes, 0);
    nbd_server_close(&peer->server);
    nbd_memory_close(&peer->memory);
    free(peer->in);
}

/* ---- bytes --------------------------------------------------------------- */

static void collect(struct nbd_peer *peer, const void *bytes, size_t length)
{
    if (peer->in_length + length > peer->in_capacity) {
        peer->in_capacity = (peer->in_length + length) * 2;
        peer->in = realloc(peer->in, peer->in_capacity);
        assert_non_null(peer->in);
    }
    memcpy(peer->in + peer->in_length, bytes, length);
    peer->in_length += length;
}

void nbd_peer_collect(struct nbd_peer *peer)
{
    struct iovec iov[8];
    int count;

    nbd_conn_resume(peer->conn);
    while ((count = nbd_conn_output(peer->conn, iov, 8)) > 0) {
        size_t sum = 0;

        for (int i = 0; i < count; i++) {
            size_t n = iov[i].iov_len;

            if (peer->chunk && n > peer->chunk - sum)
                n = peer->chunk - sum;
            collect(peer, iov[i].iov_base, n);
            sum += n;
            if (peer->chunk && sum == peer->chunk)
                break;
        }
        nbd_conn_sent(peer->conn, sum);
    }
    nbd_conn_yield(peer->conn);
}

size_t nbd_peer_send(struct nbd_peer *peer, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    size_t sent = 0;

    nbd_peer_collect(peer);
    while (sent < length) {
        struct iovec iov[2];
        int count = nbd_conn_input(peer->conn, iov);
        size_t limit = peer->chunk ? peer->chunk : length, put = 0;

        if (count == 0)
            break;
        for (int i = 0; i < count; i++) {
            size_t n = iov[i].iov_len;

            if (n > length - sent - put)
                n = length - sent - put;
            if (n > limit - put)
                n = limit - put;
            memcpy(iov[i].iov_base, from + sent + put, n);
            put += n;
        }
        sent += put;
        nbd_conn_received(peer->conn, put);
        nbd_peer_collect(peer);
    }
    return sent;
}

const uint8_t *nbd_peer_take(struct nbd_peer *peer, size_t length)
{
    static uint8_t *taken;

    if (peer->in_length < length)
        fail_msg("%zu bytes from the server, not %zu", peer->in_length, length);
    taken = realloc(taken, length + 1);
    assert_non_null(taken);
    memcpy(taken, peer->in, length);
    peer->in_length -= length;
    memmove(peer->in, peer->in + length, peer->in_length);
    return taken;
}

void nbd_peer_forget(struct nbd_peer *peer)
{
    peer->in_length = 0;
}

/* ---- handshake ----------------------------------------------------------- */

void nbd_peer_greet(struct nbd_peer *peer)
{
    static const uint8_t flags[4] = {0, 0, 0, 3};

    nbd_peer_collect(peer);
    nbd_peer_take(peer, NBD_GREETING_SIZE);
    assert_int_equal(nbd_peer_send(peer, flags, 4), 4);
}

size_t nbd_put_option(uint8_t *out, uint32_t option, const void *data,
                      uint32_t length)
{
    put_be64(out, NBD_OPTION_MAGIC);
    put_be32(out + 8, option);
    put_be32(out + 12, length);
    if (length)
        memcpy(out + 16, data, length);
    return NBD_OPTION_SIZE + (size_t)length;
}

void nbd_peer_option(struct nbd_peer *peer, uint32_t option, const void *data,
                     uint32_t length)
{
    uint8_t *bytes = malloc(NBD_OPTION_SIZE + (size_t)length);

    assert_non_null(bytes);
    nbd_put_option(bytes, option, data, length);
    nbd_peer_send(peer, bytes, NBD_OPTION_SIZE + (size_t)length);
    free(bytes);
}

void nbd_peer_info(struct nbd_peer *peer, uint32_t option, const char *name)
{
    static const uint8_t items[] = {0, 4, 0, 0, 0, 1, 0, 2, 0, 3};
    uint32_t length = (uint32_t)strlen(name);
    uint8_t data[256];

    put_be32(data, length);
    memcpy(data + 4, name, length);
    memcpy(data + 4 + length, items, sizeof items);
    nbd_peer_option(peer, option, data, 4 + length + sizeof items);
}

const uint8_t *nbd_peer_reply(struct nbd_peer *peer, uint32_t option,
                              uint32_t type, uint32_t *length)
{
    const uint8_t *p = nbd_peer_take(peer, NBD_OPTION_REPLY_SIZE);

    assert_true(get_be64(p) == NBD_REP_MAGIC);
    assert_int_equal(get_be32(p + 8), option);
    assert_int_equal(get_be32(p + 12), type);
    *length = get_be32(p + 16);
    return nbd_peer_take(peer, *length);
}

void nbd_peer_go(struct nbd_peer *peer, bool structured)
{
    static const uint8_t meta[] = "\0\0\0\0\0\0\0\1\0\0\0\17base:allocation";
    uint32_t length;

    nbd_peer_greet(peer);
    if (structured) {
        nbd_peer_option(peer, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
        nbd_peer_reply(peer, NBD_OPT_STRUCTURED_REPLY, NBD_REP_ACK, &length);
        nbd_peer_option(peer, NBD_OPT_SET_META_CONTEXT, meta, sizeof meta - 1);
        nbd_peer_reply(peer, NBD_OPT_SET_META_CONTEXT, NBD_REP_META_CONTEXT,
                       &length);
        nbd_peer_reply(peer, NBD_OPT_SET_META_CONTEXT, NBD_REP_ACK, &length);
    }
    nbd_peer_info(peer, NBD_OPT_GO, "");
    assert_true(nbd_conn_transmitting(peer->conn));
    nbd_peer_forget(peer);
}

/* ---- transmission -------------------------------------------------------- */

void nbd_put_request(uint8_t out[NBD_REQUEST_SIZE], uint16_t flags,
                     uint16_t command, uint64_t cookie, uint64_t offset,
                     uint32_t length)
{
    put_be32(out, NBD_REQUEST_MAGIC);
    put_be16(out + 4, flags);
    put_be16(out + 6, command);
    put_be64(out + 8, cookie);
    put_be64(out + 16, offset);
    put_be32(out + 24, length);
}

void nbd_peer_request(struct nbd_peer *peer, uint16_t flags, uint16_t command,
                      uint64_t cookie, uint64_t offset, uint32_t length)
{
    uint8_t header[NBD_REQUEST_SIZE];

    nbd_put_request(header, flags, command, cookie, offset, length);
    assert_int_equal(nbd_peer_send(peer, header, sizeof header), sizeof header);
}

unsigned nbd_peer_try(struct nbd_peer *peer, uint16_t flags, uint16_t command,
                      uint64_t offset, uint32_t length)
{
    static uint64_t cookie = 1000;
    struct nbd_reply reply;

    nbd_peer_request(peer, flags, command, ++cookie, offset, length);
    if (command == NBD_CMD_WRITE) {
        uint8_t *data = calloc(1, (size_t)length + 1);

        assert_non_null(data);
        assert_int_equal(nbd_peer_send(peer, data, length), length);
        free(data);
    }
    nbd_memory_complete_all(&peer->memory);
    nbd_peer_collect(peer);
    reply = nbd_peer_next(peer, 0);
    assert_int_equal(reply.cookie, cookie);
    assert_int_equal(peer->in_length, 0);
    return reply.error;
}

static void parse_error(struct nbd_reply *reply, const uint8_t *p)
{
    uint16_t length = get_be16(p + 4);
    bool offset = reply->type == NBD_REPLY_TYPE_ERROR_OFFSET;

    reply->error = get_be32(p);
    assert_int_not_equal(reply->error, 0);
    assert_int_equal(6 + length + (offset ? 8 : 0), reply->length);
    assert_true(length < sizeof reply->message);
    memcpy(reply->message, p + 6, length);
    if (offset)
        reply->error_offset = get_be64(p + 6 + length);
}

struct nbd_reply nbd_peer_next(struct nbd_peer *peer, uint32_t read_length)
{
    struct nbd_reply reply = {0};
    const uint8_t *p;

    assert_true(peer->in_length >= NBD_SIMPLE_REPLY_SIZE);
    if (get_be32(peer->in) == NBD_SIMPLE_REPLY_MAGIC) {
        p = nbd_peer_take(peer, NBD_SIMPLE_REPLY_SIZE);
        reply.error = get_be32(p + 4);
        reply.cookie = get_be64(p + 8);
        reply.length = reply.error ? 0 : read_length;
        reply.data = nbd_peer_take(peer, reply.length);
        return reply;
    }
    p = nbd_peer_take(peer, NBD_CHUNK_SIZE);
    assert_int_equal(get_be32(p), NBD_STRUCTURED_REPLY_MAGIC);
    assert_int_equal(get_be16(p + 4), NBD_REPLY_FLAG_DONE);
    reply.structured = true;
    reply.type = get_be16(p + 6);
    reply.cookie = get_be64(p + 8);
    reply.length = get_be32(p + 16);
    p = nbd_peer_take(peer, reply.length);
    if (reply.type & 1 << 15) {
        parse_error(&reply, p);
    } else if (reply.type == NBD_REPLY_TYPE_OFFSET_DATA) {
        assert_true(reply.length > 8);
        reply.length -= 8;
        p += 8;
    }
    reply.data = p;
    return reply;
}
