/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD replies: structured ones, and clients that go away before theirs.
 */
#include "tests/unit/nbd_transmission.h"

/* ---- structured replies -------------------------------------------------- */

static void structured_reads(void **state)
{
    struct nbd_peer *peer = *state;
    struct nbd_reply reply;

    memset(peer->memory.bytes, 0x42, DISK);
    nbd_peer_request(peer, NBD_CMD_FLAG_DF, NBD_CMD_READ, 9, 77, 65537);
    nbd_memory_complete_all(&peer->memory);
    nbd_peer_collect(peer);
    assert_int_equal(get_be64(peer->in + NBD_CHUNK_SIZE), 77);
    reply = nbd_peer_next(peer, 0);
    assert_int_equal(reply.type, NBD_REPLY_TYPE_OFFSET_DATA);
    assert_int_equal(reply.length, 65537);
    assert_int_equal(reply.data[65536], 0x42);

    nbd_peer_request(peer, 0, NBD_CMD_READ, 9, 77, 0);
    nbd_peer_collect(peer);
    reply = nbd_peer_next(peer, 0);
    assert_int_equal(reply.type, NBD_REPLY_TYPE_NONE);
    assert_int_equal(reply.length, 0);
}

static void structured_errors_say_where_and_why(void **state)
{
    struct nbd_peer *peer = *state;
    struct nbd_reply reply;

    nbd_peer_request(peer, 0, NBD_CMD_READ, 9, 1000, 5000);
    peer->memory.pending[0]->error_offset = 5999;
    nbd_memory_complete(&peer->memory, 0, -EIO);
    nbd_peer_collect(peer);
    reply = nbd_peer_next(peer, 0);
    assert_int_equal(reply.type, NBD_REPLY_TYPE_ERROR_OFFSET);
    assert_int_equal(reply.error, NBD_EIO);
    assert_int_equal(reply.error_offset, 5999);
    assert_string_equal(
        reply.message,
        "e1.2: read of 5000 bytes at 1000: failed or no answer at byte 5999");

    /* An offset outside the request would be our protocol error. */
    for (uint64_t at = 999; at <= 6000; at += 5001) {
        nbd_peer_request(peer, 0, NBD_CMD_READ, 9, 1000, 5000);
        peer->memory.pending[0]->error_offset = at;
        nbd_memory_complete(&peer->memory, 0, -EIO);
        nbd_peer_collect(peer);
        assert_int_equal(nbd_peer_next(peer, 0).type, NBD_REPLY_TYPE_ERROR);
    }

    nbd_peer_request(peer, 0, NBD_CMD_READ, 9, DISK, 1);
    reply = nbd_peer_next(peer, 0);
    assert_int_equal(reply.type, NBD_REPLY_TYPE_ERROR);
    assert_int_equal(reply.error, NBD_EINVAL);
    assert_string_equal(reply.message, "e1.2: read of 1 bytes at 1048576: it "
                                       "goes past the end of the disk");
    nbd_peer_request(peer, 0, 77, 9, UINT64_MAX, UINT32_MAX);
    assert_string_equal(nbd_peer_next(peer, 0).message,
                        "e1.2: request of 4294967295 bytes at "
                        "18446744073709551615: unknown command");
}

/* The longest message and name still fit the reply. */
static void structured_error_of_a_long_name(void **state)
{
    struct nbd_peer *peer = *state;
    char name[300];

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    peer->memory.export.name = name;
    nbd_peer_request(peer, 0, NBD_CMD_READ, 9, 1000, 5000);
    peer->memory.pending[0]->error_offset = 5999;
    nbd_memory_complete(&peer->memory, 0, -EIO);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 0).error_offset, 5999);
}

static void block_status(void **state)
{
    struct nbd_peer *peer = *state;
    struct nbd_reply reply;

    for (unsigned flags = 0; flags <= NBD_CMD_FLAG_REQ_ONE;
         flags += NBD_CMD_FLAG_REQ_ONE) {
        nbd_peer_request(peer, flags, NBD_CMD_BLOCK_STATUS, 5, 3, DISK - 3);
        reply = nbd_peer_next(peer, 0);
        assert_int_equal(reply.type, NBD_REPLY_TYPE_BLOCK_STATUS);
        assert_int_equal(reply.length, 12);
        assert_int_equal(get_be32(reply.data), 1);
        assert_int_equal(get_be32(reply.data + 4), DISK - 3);
        assert_int_equal(get_be32(reply.data + 8), 0);
    }
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_BLOCK_STATUS, 0, 0),
                     NBD_EINVAL);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_BLOCK_STATUS, 1, DISK),
                     NBD_EINVAL);
    assert_int_equal(peer->memory.pending_count, 0);
}

static void too_long_for_one_chunk(void **state)
{
    struct nbd_peer peer;

    (void)state;
    nbd_peer_open(&peer, NBD_PAYLOAD_MAX + 4096);
    nbd_peer_go(&peer, true);
    assert_int_equal(nbd_peer_try(&peer, NBD_CMD_FLAG_DF, NBD_CMD_READ, 0,
                                  NBD_PAYLOAD_MAX + 1),
                     NBD_EOVERFLOW);
    nbd_peer_close(&peer);
}

/* ---- endings ------------------------------------------------------------- */

static void disc_waits_for_what_is_in_flight(void **state)
{
    struct nbd_peer *peer = *state;

    nbd_peer_request(peer, 0, NBD_CMD_READ, 1, 0, 512);
    nbd_peer_request(peer, 0, NBD_CMD_DISC, 2, 0, 0);
    assert_false(nbd_conn_finished(peer->conn));
    assert_int_equal(nbd_peer_send(peer, "more", 4), 0);
    nbd_memory_complete_all(&peer->memory);
    assert_false(nbd_conn_finished(peer->conn));
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 512).cookie, 1);
    assert_true(nbd_conn_finished(peer->conn));
}

/* The client leaves with requests at the disk, replies unsent and half a write
 * received: the disk's requests end later, in memory that is still valid. */
static void gone_with_requests_in_flight(void **state)
{
    struct nbd_peer *peer = *state;

    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 16; i++)
            nbd_peer_request(peer, 0, NBD_CMD_READ, i, 0, 4096);
        nbd_memory_complete(&peer->memory, 3, 0);
        nbd_memory_complete(&peer->memory, 3, -EIO);
        nbd_peer_request(peer, 0, NBD_CMD_WRITE, 99, 0, 70000);
        nbd_peer_send(peer, "half", 4);
        nbd_peer_disconnect(peer);
        assert_int_equal(peer->server.orphaned_bytes, 14 * 4096);
        assert_int_equal(peer->server.in_flight, 14);
        if (round == 1)
            nbd_memory_complete_all(&peer->memory);
        nbd_peer_forget(peer);
        nbd_peer_connect(peer);
        nbd_peer_go(peer, false);
        nbd_memory_complete_all(&peer->memory);
        assert_int_equal(peer->server.orphaned_bytes, 0);
    }
    assert_int_equal(peer->memory.done[AOE_WRITE], 0);
}

static void end_of_file_in_a_payload(void **state)
{
    struct nbd_peer *peer = *state;

    nbd_peer_request(peer, 0, NBD_CMD_READ, 1, 0, 512);
    nbd_peer_request(peer, 0, NBD_CMD_WRITE, 2, 0, 70000);
    nbd_peer_send(peer, "half", 4);
    nbd_conn_eof(peer->conn);
    assert_false(nbd_conn_finished(peer->conn));
    nbd_memory_complete_all(&peer->memory);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 512).cookie, 1);
    assert_true(nbd_conn_finished(peer->conn));
    assert_int_equal(peer->memory.done[AOE_WRITE], 0);
    assert_int_equal(peer->conn->bytes, 0);
}

static void idle(struct nbd_server *server)
{
    ++*(unsigned *)server->arg;
}

static void shutdown_ends_what_is_in_flight(void **state)
{
    struct nbd_peer *peer = *state;
    unsigned idles = 0;

    peer->server.idle = idle;
    peer->server.arg = &idles;
    nbd_peer_request(peer, 0, NBD_CMD_READ, 1, 0, 512);
    nbd_conn_shutdown(peer->conn);
    assert_false(nbd_conn_finished(peer->conn));
    nbd_peer_request(peer, 0, NBD_CMD_WRITE, 2, 0, 4);
    nbd_peer_send(peer, "data", 4);
    assert_int_equal(nbd_peer_next(peer, 0).error, NBD_ESHUTDOWN);
    assert_int_equal(idles, 0);
    nbd_memory_complete_all(&peer->memory);
    assert_int_equal(idles, 1);
    nbd_peer_collect(peer);
    assert_int_equal(nbd_peer_next(peer, 512).error, 0);
    assert_true(nbd_conn_finished(peer->conn));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define STRUCTURED(f)                                                          \
    cmocka_unit_test_setup_teardown(f, setup_structured, teardown)
    const struct CMUnitTest tests[] = {
        STRUCTURED(structured_reads),
        STRUCTURED(structured_errors_say_where_and_why),
        STRUCTURED(structured_error_of_a_long_name),
        STRUCTURED(block_status),
        cmocka_unit_test(too_long_for_one_chunk),
        TEST(disc_waits_for_what_is_in_flight),
        TEST(gone_with_requests_in_flight),
        TEST(end_of_file_in_a_payload),
        TEST(shutdown_ends_what_is_in_flight),
    };

    return cmocka_run_group_tests_name("NBD replies", tests, NULL, NULL);
}
