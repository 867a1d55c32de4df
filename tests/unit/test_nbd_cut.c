/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A client that disconnects, stalls or lies at any byte of a session costs at
 * most its own connection: a recorded session is cut off or stalled at each
 * byte, and each byte is changed, while another connection to the same server
 * goes on working and nothing is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/lib/nbd_peer.h"

enum { DISK = 1 << 20, PIECE = 4096, GUESTS = 20, SESSION_MAX = 40000 };

/* What a client says from its flags to the end, in one piece. */
static uint8_t session[SESSION_MAX];
static size_t session_length;

static void say(const void *bytes, size_t length)
{
    assert_true(session_length + length <= sizeof session);
    memcpy(session + session_length, bytes, length);
    session_length += length;
}

static void say_option(uint32_t option, const void *data, uint32_t length)
{
    uint8_t out[256];

    say(out, nbd_put_option(out, option, data, length));
}

static void say_request(uint16_t flags, uint16_t command, uint64_t offset,
                        uint32_t length)
{
    static const uint8_t data[3 * PIECE];
    uint8_t out[NBD_REQUEST_SIZE];

    nbd_put_request(out, flags, command, session_length, offset, length);
    say(out, sizeof out);
    if (command == NBD_CMD_WRITE)
        say(data, length);
}

static int record(void **state)
{
    static const uint8_t flags[] = {0, 0, 0, 3};
    /* name, one query */
    static const char context[] =
        "\0\0\0\4e1.2\0\0\0\1\0\0\0\17base:allocation";
    static const char go[] = "\0\0\0\4e1.2\0\2\0\1\0\3";

    (void)state;
    say(flags, sizeof flags);
    say_option(NBD_OPT_LIST, NULL, 0);
    say_option(NBD_OPT_STRUCTURED_REPLY, NULL, 0);
    say_option(77, "whatever", 8);
    say_option(NBD_OPT_SET_META_CONTEXT, context, sizeof context - 1);
    say_option(NBD_OPT_INFO, go, sizeof go - 1);
    say_option(NBD_OPT_GO, go, sizeof go - 1);
    say_request(0, NBD_CMD_READ, 0, 4096);
    say_request(0, NBD_CMD_WRITE, 3, 700);
    say_request(NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 5, 2 * PIECE + 77);
    say_request(0, NBD_CMD_WRITE, DISK, 100); /* is refused */
    say_request(0, NBD_CMD_BLOCK_STATUS, 0, DISK);
    say_request(0, NBD_CMD_WRITE_ZEROES, 1, 5000);
    say_request(0, NBD_CMD_TRIM, 0, 512);
    say_request(0, NBD_CMD_FLUSH, 0, 0);
    say_request(0, NBD_CMD_DISC, 0, 0);
    return 0;
}

/* ---- guests beside the one that works ------------------------------------ */

static void wake(struct nbd_conn *conn)
{
    (void)conn;
}

static struct nbd_conn *enter(struct nbd_peer *peer)
{
    struct nbd_conn *conn = calloc(1, sizeof *conn);

    conn->wake = wake;
    assert_int_equal(nbd_conn_open(conn, &peer->server), 0);
    return conn;
}

static void take_output(struct nbd_conn *conn)
{
    struct iovec iov[8];
    int count;

    nbd_conn_resume(conn);
    while ((count = nbd_conn_output(conn, iov, 8)) > 0) {
        size_t sum = 0;

        for (int i = 0; i < count; i++)
            sum += iov[i].iov_len;
        nbd_conn_sent(conn, sum);
    }
}

/* The disk does what it was asked, including what had to wait. */
static void settle(struct nbd_peer *peer, struct nbd_conn *conn)
{
    do {
        nbd_memory_complete_all(&peer->memory);
        take_output(conn);
    } while (peer->memory.pending_count > 0);
}

/* All of it, unless the server drops the guest or reads no more.  The disk does
 * its work at once, or not yet. */
static void feed(struct nbd_peer *peer, struct nbd_conn *conn,
                 const uint8_t *bytes, size_t length, bool prompt)
{
    struct iovec iov[2];

    while (length > 0) {
        int count = nbd_conn_input(conn, iov);
        size_t fed = 0;

        for (int i = 0; i < count; i++) {
            size_t n = length - fed;

            if (n > iov[i].iov_len)
                n = iov[i].iov_len;
            memcpy(iov[i].iov_base, bytes + fed, n);
            fed += n;
        }
        if (count == 0)
            return;
        nbd_conn_received(conn, fed);
        bytes += fed;
        length -= fed;
        if (prompt)
            settle(peer, conn);
        else
            take_output(conn);
    }
}

static void leave(struct nbd_conn *conn)
{
    nbd_conn_close(conn);
    free(conn);
}

/* The connection that goes on working. */
static void works(struct nbd_peer *peer)
{
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_FLUSH, 0, 0), NBD_OK);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_WRITE, 77, 3 * PIECE),
                     NBD_OK);
    assert_int_equal(peer->conn->requests, 0);
}

static void nothing_left(struct nbd_peer *peer)
{
    nbd_memory_complete_all(&peer->memory);
    assert_int_equal(peer->server.connections, 1);
    assert_int_equal(peer->server.requests, 0);
    assert_int_equal(peer->server.shared, 0);
    assert_int_equal(peer->server.orphaned_bytes, 0);
    assert_int_equal(peer->server.pool.used, 0);
}

static int setup(void **state)
{
    struct nbd_peer *peer = calloc(1, sizeof *peer);

    nbd_peer_open(peer, DISK);
    peer->server.piece = PIECE;
    peer->server.own_max = PIECE;
    /* A slot for each. */
    nbd_server_limit(&peer->server,
                     2 * (GUESTS + 1) *
                         (PIECE + NBD_BUFFER_SIZE + NBD_CONNECTION_COST));
    nbd_peer_go(peer, false);
    *state = peer;
    return 0;
}

static int teardown(void **state)
{
    nbd_peer_close(*state);
    free(*state);
    return 0;
}

/* ---- the tests ----------------------------------------------------------- */

static void whole_session_is_in_order(void **state)
{
    struct nbd_peer *peer = *state;
    struct nbd_conn *conn = enter(peer);

    take_output(conn);
    feed(peer, conn, session, session_length, true);
    assert_null(conn->trouble);
    assert_int_equal(conn->phase, NBD_DRAINING);
    assert_true(nbd_conn_finished(conn));
    leave(conn);
    nothing_left(peer);
}

/* Cut in three ways, with what came last still at the disk: an end of file
 * until all is answered, one that is not waited for, a connection that
 * breaks. */
static void cut_at_each_byte(void **state)
{
    struct nbd_peer *peer = *state;

    for (size_t at = 0; at < session_length; at++) {
        for (int way = 0; way < 3; way++) {
            struct nbd_conn *conn = enter(peer);
            size_t late = at > 140 ? 140 : at;

            take_output(conn);
            feed(peer, conn, session, at - late, true);
            feed(peer, conn, session + at - late, late, false);
            if (way < 2)
                nbd_conn_eof(conn);
            if (way == 0) {
                settle(peer, conn);
                assert_true(nbd_conn_finished(conn));
            }
            leave(conn);
            works(peer);
            nothing_left(peer);
        }
    }
}

/* Many stall at once, with whatever memory they have by then. */
static void stalled_at_each_byte(void **state)
{
    struct nbd_peer *peer = *state;
    struct nbd_conn *guests[GUESTS] = {NULL};

    for (size_t at = 0; at < session_length; at++) {
        struct nbd_conn **guest = &guests[at % GUESTS];

        if (*guest)
            leave(*guest);
        *guest = enter(peer);
        take_output(*guest);
        feed(peer, *guest, session, at, true);
        works(peer);
    }
    for (int i = 0; i < GUESTS; i++)
        leave(guests[i]);
    nothing_left(peer);
}

/* Lies: each byte is changed. */
static void changed_at_each_byte(void **state)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    struct nbd_peer *peer = *state;

    for (size_t at = 0; at < session_length; at++) {
        for (size_t c = 0; c < sizeof changes; c++) {
            struct nbd_conn *conn = enter(peer);

            session[at] ^= changes[c];
            take_output(conn);
            feed(peer, conn, session, session_length, true);
            session[at] ^= changes[c];
            works(peer);
            leave(conn);
            nothing_left(peer);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_session_is_in_order),
        TEST(cut_at_each_byte),
        TEST(stalled_at_each_byte),
        TEST(changed_at_each_byte),
    };

    return cmocka_run_group_tests(tests, record, NULL);
}
