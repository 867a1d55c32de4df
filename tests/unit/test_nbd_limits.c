/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Long writes, which reach the disk in pieces, and the most that the NBD server
 * holds for its clients.
 */
#include "tests/unit/nbd_transmission.h"

/* ---- long writes --------------------------------------------------------- */

enum { LONG = 2 * NBD_PIECE + 1000, ODD = 5 };

static uint8_t *pattern(size_t length)
{
    uint8_t *bytes = malloc(length);

    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 253);
    return bytes;
}

/* The first piece is at the disk before the second has come; the next ones
 * begin at whole blocks; the reply leaves after the last. */
static void long_writes_leave_in_pieces(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t *data = pattern(LONG);
    const uint32_t first = NBD_PIECE - ODD;

    nbd_peer_request(peer, 0, NBD_CMD_WRITE, 3, ODD, LONG);
    assert_int_equal(nbd_peer_send(peer, data, first - 1), first - 1);
    assert_int_equal(peer->memory.pending_count, 0);
    nbd_peer_send(peer, data + first - 1, 1);
    assert_int_equal(peer->memory.pending_count, 1);
    assert_int_equal(peer->memory.pending[0]->offset, ODD);
    assert_int_equal(peer->memory.pending[0]->length, first);
    nbd_peer_send(peer, data + first, LONG - first);
    assert_int_equal(peer->memory.pending_count, 3);
    assert_int_equal(peer->memory.pending[1]->offset, NBD_PIECE);
    assert_int_equal(peer->memory.pending[2]->offset, 2 * NBD_PIECE);
    nbd_memory_complete(&peer->memory, 1, 0);
    nbd_memory_complete(&peer->memory, 1, 0);
    nbd_peer_collect(peer);
    assert_int_equal(peer->in_length, 0);
    nbd_memory_complete(&peer->memory, 0, 0);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 0).cookie, 3);
    assert_memory_equal(peer->memory.bytes + ODD, data, LONG);
    assert_int_equal(peer->memory.bytes[ODD + LONG], 0);
    assert_int_equal(peer->conn->requests, 0);
    assert_int_equal(peer->server.requests, 0);
    free(data);
}

static void long_writes_in_any_chunks(void **state)
{
    static const size_t chunks[] = {1000, 4096, 131071, 0};
    struct nbd_peer *peer = *state;
    uint8_t *data = pattern(LONG);

    for (size_t c = 0; c < sizeof chunks / sizeof chunks[0]; c++) {
        peer->chunk = chunks[c];
        memset(peer->memory.bytes, 0, DISK);
        nbd_peer_request(peer, 0, NBD_CMD_WRITE, 3, c, LONG);
        assert_int_equal(nbd_peer_send(peer, data, LONG), LONG);
        nbd_memory_complete_all(&peer->memory);
        nbd_peer_collect(peer);
        assert_int_equal(nbd_peer_next(peer, 0).error, 0);
        assert_memory_equal(peer->memory.bytes + c, data, LONG);
    }
    free(data);
}

static void long_fua_writes_end_with_a_flush(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t *data = pattern(LONG);

    nbd_peer_request(peer, NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 3, 0, LONG);
    nbd_peer_send(peer, data, LONG);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(peer->memory.pending[0]->op, AOE_WRITE);
        nbd_memory_complete(&peer->memory, 0, 0);
    }
    nbd_peer_collect(peer);
    assert_int_equal(peer->in_length, 0);
    assert_int_equal(peer->memory.pending_count, 1);
    assert_int_equal(peer->memory.pending[0]->op, AOE_FLUSH);
    nbd_memory_complete(&peer->memory, 0, 0);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 0).error, NBD_OK);
    free(data);
}

/* A piece that fails fails the write; the rest is received and discarded, and
 * nothing is flushed. */
static void long_writes_fail_as_one(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t *data = pattern(LONG);
    struct nbd_reply reply;

    for (int refused = 0; refused < 2; refused++) {
        again(peer, true);
        nbd_peer_request(peer, NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 3, 0, LONG);
        peer->memory.refuse = refused ? -EIO : 0;
        nbd_peer_send(peer, data, NBD_PIECE + 1);
        if (!refused) {
            peer->memory.pending[0]->error_offset = 512;
            nbd_memory_complete(&peer->memory, 0, -EIO);
        }
        nbd_peer_send(peer, data, LONG - NBD_PIECE - 1);
        nbd_memory_complete_all(&peer->memory);
        nbd_peer_collect(peer);
        reply = nbd_peer_next(peer, 0);
        assert_int_equal(reply.error, NBD_EIO);
        if (!refused)
            assert_int_equal(reply.error_offset, 512);
        assert_int_equal(peer->memory.done[AOE_FLUSH], 0);
        assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_CACHE, 0, 512), 0);
    }
    free(data);
}

/* The client goes in the middle of one, at every point of it. */
static void long_writes_cut_short(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t *data = pattern(LONG);

    for (int point = 0; point < 6; point++) {
        nbd_peer_request(peer, 0, NBD_CMD_WRITE, 3, 0, LONG);
        nbd_peer_send(peer, data,
                      point < 2   ? 10
                      : point < 4 ? NBD_PIECE + 10
                                  : LONG);
        if (point % 2)
            nbd_conn_eof(peer->conn);
        if (point == 3)
            nbd_memory_complete_all(&peer->memory);
        nbd_peer_disconnect(peer);
        nbd_peer_forget(peer);
        nbd_memory_complete_all(&peer->memory);
        assert_int_equal(peer->server.requests, 0);
        assert_int_equal(peer->server.shared, 0);
        assert_int_equal(peer->server.orphaned_bytes, 0);
        assert_int_equal(peer->server.pool.used, 0);
        nbd_peer_connect(peer);
        nbd_peer_go(peer, false);
    }
    free(data);
}

/* With a disk that hangs, a long write takes the available memory and then
 * waits, and continues when pieces end. */
static void long_writes_wait_for_memory(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t *data = pattern(6 * NBD_PIECE);
    size_t sent;

    nbd_server_limit(&peer->server, 4 * NBD_PIECE);
    nbd_peer_request(peer, 0, NBD_CMD_WRITE, 3, 0, 6 * NBD_PIECE);
    sent = nbd_peer_send(peer, data, 6 * NBD_PIECE);
    assert_int_equal(peer->memory.pending_count, 3);
    assert_true(sent >= 3 * NBD_PIECE && sent < 4 * NBD_PIECE);
    assert_int_equal(peer->server.pool.used, 3 * NBD_PIECE + NBD_BUFFER_SIZE);
    nbd_memory_complete(&peer->memory, 0, 0);
    nbd_peer_collect(peer);
    while (sent < 6 * NBD_PIECE) {
        sent += nbd_peer_send(peer, data + sent, 6 * NBD_PIECE - sent);
        assert_true(peer->server.pool.used <= 3 * NBD_PIECE + NBD_BUFFER_SIZE);
        nbd_memory_complete(&peer->memory, 0, 0);
        nbd_peer_collect(peer);
    }
    nbd_memory_complete_all(&peer->memory);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 0).error, 0);
    assert_memory_equal(peer->memory.bytes, data, 6 * NBD_PIECE);
    free(data);
}

/* ---- limits -------------------------------------------------------------- */

static void bytes_in_flight_are_bounded(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t header[NBD_REQUEST_SIZE];
    struct iovec iov[2];
    unsigned taken = 0;

    /* One of them its own, three of what all share. */
    nbd_server_limit(&peer->server, 96 << 10);
    peer->server.own_max = 16 << 10;
    nbd_put_request(header, 0, NBD_CMD_READ, 1, 0, 16 << 10);
    for (; taken < 10; taken++)
        if (nbd_peer_send(peer, header, sizeof header) < sizeof header)
            break;
    /* The fifth was received, but waits; then nothing more is read. */
    assert_int_equal(taken, 5);
    assert_int_equal(peer->memory.pending_count, 4);
    assert_int_equal(peer->conn->bytes, 64 << 10);
    assert_int_equal(nbd_conn_input(peer->conn, iov), 0);
    /* A completion is not enough: the reply must have left. */
    nbd_memory_complete(&peer->memory, 0, 0);
    assert_int_equal(nbd_conn_input(peer->conn, iov), 0);
    nbd_peer_collect(peer);
    assert_int_equal(peer->memory.pending_count, 4);
    nbd_memory_complete_all(&peer->memory);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_conn_input(peer->conn, iov), 1);
    /* The longest request fits if nothing else is in flight. */
    assert_int_equal(peer->conn->bytes, 0);
    nbd_peer_request(peer, 0, NBD_CMD_READ, 1, 0, 32 << 10);
    assert_int_equal(peer->memory.pending_count, 1);
    nbd_peer_request(peer, 0, NBD_CMD_FLUSH, 1, 0, 0);
    assert_int_equal(peer->memory.pending_count, 2);
}

static void requests_in_flight_are_bounded(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t header[NBD_REQUEST_SIZE];
    struct iovec iov[2];

    nbd_put_request(header, 0, NBD_CMD_FLUSH, 1, 0, 0);
    for (unsigned i = 0; i < NBD_REQUESTS_MAX; i++)
        assert_int_equal(nbd_peer_send(peer, header, sizeof header),
                         sizeof header);
    nbd_peer_send(peer, header, sizeof header);
    assert_int_equal(peer->memory.pending_count, NBD_REQUESTS_MAX);
    assert_int_equal(nbd_conn_input(peer->conn, iov), 0);
    nbd_memory_complete_all(&peer->memory);
    nbd_peer_collect(peer);
    assert_int_equal(peer->memory.pending_count, 1);
    assert_int_equal(nbd_conn_input(peer->conn, iov), 1);
}

/* Requests whose replies the client does not read do not pile up either. */
static void unread_replies_are_bounded(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t header[NBD_REQUEST_SIZE];
    struct iovec iov[2];
    unsigned sent = 0;

    nbd_put_request(header, 0, 99, 1, 0, 0);
    while (nbd_conn_input(peer->conn, iov) > 0) {
        memcpy(iov[0].iov_base, header, sizeof header);
        nbd_conn_received(peer->conn, sizeof header);
        assert_true(++sent <= NBD_REQUESTS_MAX + 1);
    }
    assert_int_equal(peer->conn->requests, NBD_REQUESTS_MAX);
    nbd_peer_collect(peer);
    assert_int_equal(peer->conn->requests, 0);
    assert_int_equal(peer->in_length, sent * NBD_SIMPLE_REPLY_SIZE);
}

static void silent(struct nbd_conn *conn)
{
    (void)conn;
}

/* A second client of the same server. */
static void read_at_once(struct nbd_conn *conn, uint32_t length)
{
    uint8_t header[NBD_REQUEST_SIZE];
    struct iovec iov[2];

    nbd_put_request(header, 0, NBD_CMD_READ, 1, 0, length);
    assert_true(nbd_conn_input(conn, iov) > 0);
    memcpy(iov[0].iov_base, header, sizeof header);
    nbd_conn_received(conn, sizeof header);
}

/* It waited for memory for its next piece when the first one failed, and needs
 * none any more: nobody has to queue behind it. */
static void failed_writes_leave_the_queue(void **state)
{
    enum { COMMON = 4 * NBD_PIECE };
    struct nbd_peer *peer = *state;
    struct nbd_conn other = {.wake = silent};
    uint8_t *data = pattern(LONG);
    struct iovec iov[4];

    nbd_server_limit(&peer->server, 2 * COMMON);
    nbd_conn_open_export(&other, &peer->server, &peer->memory.export);
    read_at_once(&other, COMMON);
    nbd_peer_request(peer, 0, NBD_CMD_WRITE, 3, 0, LONG);
    nbd_peer_send(peer, data, NBD_PIECE);
    assert_int_equal(peer->memory.pending_count, 2);
    assert_int_equal(peer->conn->wait, NBD_WAIT_MEMORY);
    nbd_memory_complete(&peer->memory, 1, -EIO);
    nbd_peer_send(peer, data + NBD_PIECE, LONG - NBD_PIECE);
    assert_int_equal(nbd_peer_next(peer, 0).error, NBD_EIO);
    assert_int_equal(peer->conn->wait, NBD_WAIT_NONE);

    nbd_memory_complete_all(&peer->memory);
    assert_int_equal(nbd_conn_output(&other, iov, 4), 2);
    nbd_conn_sent(&other, iov[0].iov_len + iov[1].iov_len);
    assert_int_equal(peer->server.shared, 0);
    read_at_once(&other, COMMON);
    assert_int_equal(peer->memory.pending_count, 1);
    nbd_conn_close(&other);
    free(data);
}

static void idle_memory_is_bounded(void **state)
{
    struct nbd_peer peer;

    (void)state;
    nbd_peer_open(&peer, NBD_PAYLOAD_MAX);
    nbd_peer_go(&peer, false);
    for (unsigned i = 0; i < 32; i++)
        nbd_peer_request(&peer, 0, NBD_CMD_READ, i, 0, 1 << 20);
    nbd_memory_complete_all(&peer.memory);
    nbd_peer_collect(&peer);
    assert_true(peer.server.pool.spare > 0);
    assert_true(peer.server.pool.spare <= 4 << 20);
    nbd_peer_close(&peer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(long_writes_leave_in_pieces),
        TEST(long_writes_in_any_chunks),
        TEST(long_fua_writes_end_with_a_flush),
        TEST(long_writes_fail_as_one),
        TEST(long_writes_cut_short),
        TEST(long_writes_wait_for_memory),
        TEST(bytes_in_flight_are_bounded),
        TEST(requests_in_flight_are_bounded),
        TEST(unread_replies_are_bounded),
        TEST(failed_writes_leave_the_queue),
        cmocka_unit_test(idle_memory_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
