/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD clients whose acknowledged writes are lost: each connection is told once,
 * and a client that reconnects after its connection broke is told what that one
 * was not.
 */
#include "tests/unit/nbd_transmission.h"

/* Another connection to the same server. */
struct guest {
    struct nbd_conn conn;
};

static void silent(struct nbd_conn *conn)
{
    (void)conn;
}

static void come(struct nbd_peer *peer, struct guest *g)
{
    memset(g, 0, sizeof *g);
    g->conn.wake = silent;
    nbd_conn_open_export(&g->conn, &peer->server, &peer->memory.export);
}

/* The error of the reply to a flush, or to a durable write. */
static unsigned ask(struct nbd_peer *peer, struct guest *g, uint16_t flags,
                    uint16_t command)
{
    uint8_t out[NBD_REQUEST_SIZE + 512] = {0};
    uint32_t length = command == NBD_CMD_WRITE ? 512 : 0;
    struct iovec iov[2], reply[2];

    nbd_put_request(out, flags, command, 1, 0, length);
    assert_true(nbd_conn_input(&g->conn, iov) > 0);
    memcpy(iov[0].iov_base, out, NBD_REQUEST_SIZE + length);
    nbd_conn_received(&g->conn, NBD_REQUEST_SIZE + length);
    nbd_memory_complete_all(&peer->memory);
    assert_int_equal(nbd_conn_output(&g->conn, reply, 2), 1);
    length = get_be32((uint8_t *)reply[0].iov_base + 4);
    nbd_conn_sent(&g->conn, reply[0].iov_len);
    return length;
}

static unsigned flush(struct nbd_peer *peer, struct guest *g)
{
    return ask(peer, g, 0, NBD_CMD_FLUSH);
}

static unsigned put(struct nbd_peer *peer, struct guest *g, uint16_t flags)
{
    return ask(peer, g, flags, NBD_CMD_WRITE);
}

static void each_connection_is_told_once(void **state)
{
    struct nbd_peer *peer = *state;
    struct guest g[3];

    for (int i = 0; i < 3; i++)
        come(peer, &g[i]);
    assert_int_equal(put(peer, &g[0], 0), NBD_OK);
    lossy_lose(&peer->memory.lossy);
    assert_int_equal(put(peer, &g[1], 0), NBD_OK);
    /* One client may have several connections and flush by any of them. */
    assert_int_equal(flush(peer, &g[2]), NBD_EIO);
    assert_int_equal(flush(peer, &g[2]), NBD_OK);
    assert_int_equal(flush(peer, &g[0]), NBD_EIO);
    assert_int_equal(flush(peer, &g[0]), NBD_OK);
    assert_int_equal(put(peer, &g[1], NBD_CMD_FLAG_FUA), NBD_EIO);
    assert_int_equal(put(peer, &g[1], NBD_CMD_FLAG_FUA), NBD_OK);
    for (int i = 0; i < 3; i++)
        nbd_conn_close(&g[i].conn);
    come(peer, &g[0]);
    assert_int_equal(flush(peer, &g[0]), NBD_OK);
    nbd_conn_close(&g[0].conn);
}

static void a_client_that_comes_back_is_told(void **state)
{
    struct nbd_peer *peer = *state;
    struct guest g, other;

    come(peer, &other);
    for (int first = 0; first < 2; first++) {
        come(peer, &g);
        assert_int_equal(put(peer, &g, 0), NBD_OK);
        if (first) /* lost before its connection breaks, or after */
            lossy_lose(&peer->memory.lossy);
        nbd_conn_close(&g.conn);
        if (!first)
            lossy_lose(&peer->memory.lossy);
        assert_int_equal(flush(peer, &other), NBD_EIO);
        come(peer, &g);
        assert_int_equal(flush(peer, &g), NBD_EIO);
        assert_int_equal(flush(peer, &g), NBD_OK);
        nbd_conn_close(&g.conn);
    }
    nbd_conn_close(&other.conn);
}

/* Its connection breaks while the disk still has its write. */
static void a_write_outlives_its_connection(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t out[NBD_REQUEST_SIZE + 512] = {0};
    struct iovec iov[2];
    struct guest g;

    come(peer, &g);
    nbd_put_request(out, 0, NBD_CMD_WRITE, 1, 0, 512);
    assert_true(nbd_conn_input(&g.conn, iov) > 0);
    memcpy(iov[0].iov_base, out, sizeof out);
    nbd_conn_received(&g.conn, sizeof out);
    assert_int_equal(peer->memory.pending_count, 1);
    nbd_conn_close(&g.conn);
    nbd_memory_complete_all(&peer->memory);
    lossy_lose(&peer->memory.lossy);
    come(peer, &g);
    assert_int_equal(flush(peer, &g), NBD_EIO);
    nbd_conn_close(&g.conn);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_connection_is_told_once),
        TEST(a_client_that_comes_back_is_told),
        TEST(a_write_outlives_its_connection),
    };

    return cmocka_run_group_tests_name("nbd_lost", tests, NULL, NULL);
}
