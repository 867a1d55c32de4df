/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The NBD handshake: every option, byte by byte and cut at every byte, and
 * hostile clients.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/lib/nbd_peer.h"

enum { DISK = 1 << 20 };

static int setup(void **state)
{
    struct nbd_peer *peer = malloc(sizeof *peer);

    nbd_peer_open(peer, DISK);
    *state = peer;
    return 0;
}

static int teardown(void **state)
{
    nbd_peer_close(*state);
    free(*state);
    return 0;
}

static void again(struct nbd_peer *peer)
{
    nbd_peer_disconnect(peer);
    nbd_peer_forget(peer);
    nbd_peer_connect(peer);
}

static void greeting(void **state)
{
    struct nbd_peer *peer = *state;
    const uint8_t *p;

    nbd_peer_collect(peer);
    p = nbd_peer_take(peer, NBD_GREETING_SIZE);
    assert_memory_equal(p, "NBDMAGICIHAVEOPT\0\3", NBD_GREETING_SIZE);
    assert_int_equal(peer->in_length, 0);
}

static void unknown_client_flags_end_it(void **state)
{
    struct nbd_peer *peer = *state;

    nbd_peer_send(peer, "\0\0\0\7", 4);
    assert_true(nbd_conn_finished(peer->conn));
    assert_non_null(peer->conn->trouble);
    assert_int_equal(peer->conn->phase, NBD_DEAD);
}

/* ---- GO and INFO --------------------------------------------------------- */

static uint16_t item(struct nbd_peer *peer, uint32_t option, uint16_t want,
                     const uint8_t **data, uint32_t *length)
{
    const uint8_t *p = nbd_peer_reply(peer, option, NBD_REP_INFO, length);

    assert_true(*length >= 2);
    assert_int_equal(get_be16(p), want);
    *data = p + 2;
    *length -= 2;
    return get_be16(p);
}

static void check_info(struct nbd_peer *peer, uint32_t option, uint16_t flags)
{
    const uint8_t *p;
    uint32_t length;

    item(peer, option, NBD_INFO_EXPORT, &p, &length);
    assert_int_equal(length, 10);
    assert_int_equal(get_be64(p), DISK);
    assert_int_equal(get_be16(p + 8), flags);
    item(peer, option, NBD_INFO_NAME, &p, &length);
    assert_int_equal(length, 4);
    assert_memory_equal(p, "e1.2", 4);
    item(peer, option, NBD_INFO_DESCRIPTION, &p, &length);
    assert_int_equal(length, 6);
    assert_memory_equal(p, "memory", 6);
    item(peer, option, NBD_INFO_BLOCK_SIZE, &p, &length);
    assert_int_equal(length, 12);
    assert_int_equal(get_be32(p), 512);
    assert_int_equal(get_be32(p + 4), 4096);
    assert_int_equal(get_be32(p + 8), 32 << 20);
    nbd_peer_reply(peer, option, NBD_REP_ACK, &length);
    assert_int_equal(length, 0);
    assert_int_equal(peer->in_length, 0);
}

enum {
    ALWAYS = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA |
             NBD_FLAG_CAN_MULTI_CONN | NBD_FLAG_SEND_CACHE,
    WRITABLE = ALWAYS | NBD_FLAG_SEND_WRITE_ZEROES,
    TRIMMABLE = WRITABLE | NBD_FLAG_SEND_TRIM | NBD_FLAG_SEND_FAST_ZERO,
};

static void info_and_go_say_the_same(void **state)
{
    struct nbd_peer *peer = *state;

    for (peer->chunk = 0; peer->chunk < 3; peer->chunk++) {
        again(peer);
        nbd_peer_greet(peer);
        nbd_peer_info(peer, NBD_OPT_INFO, "e1.2");
        check_info(peer, NBD_OPT_INFO, TRIMMABLE);
        assert_false(nbd_conn_transmitting(peer->conn));
        nbd_peer_info(peer, NBD_OPT_GO, "e1.2");
        check_info(peer, NBD_OPT_GO, TRIMMABLE);
        assert_true(nbd_conn_transmitting(peer->conn));
    }
}

static void flags_tell_what_the_disk_can(void **state)
{
    struct nbd_peer *peer = *state;
    struct nbd_export *export = &peer->memory.export;
    uint32_t length;

    nbd_peer_greet(peer);
    export->trim_zeroes = false;
    nbd_peer_info(peer, NBD_OPT_INFO, "");
    check_info(peer, NBD_OPT_INFO, WRITABLE | NBD_FLAG_SEND_TRIM);
    export->trim = false;
    nbd_peer_info(peer, NBD_OPT_INFO, "");
    check_info(peer, NBD_OPT_INFO, WRITABLE);
    export->rotating = true;
    nbd_peer_info(peer, NBD_OPT_INFO, "");
    check_info(peer, NBD_OPT_INFO, WRITABLE | NBD_FLAG_ROTATIONAL);
    export->read_only = true;
    export->rotating = false;
    export->trim = export->trim_zeroes = true;
    nbd_peer_info(peer, NBD_OPT_INFO, "");
    check_info(peer, NBD_OPT_INFO, ALWAYS | NBD_FLAG_READ_ONLY);
    nbd_peer_option(peer, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
    nbd_peer_reply(peer, NBD_OPT_STRUCTURED_REPLY, NBD_REP_ACK, &length);
    nbd_peer_info(peer, NBD_OPT_INFO, "");
    check_info(peer, NBD_OPT_INFO,
               ALWAYS | NBD_FLAG_READ_ONLY | NBD_FLAG_SEND_DF);
}

static void negotiation_continues_after_a_failed_go(void **state)
{
    struct nbd_peer *peer = *state;
    uint32_t length;

    nbd_peer_greet(peer);
    nbd_peer_info(peer, NBD_OPT_GO, "e1.3");
    nbd_peer_reply(peer, NBD_OPT_GO, NBD_REP_ERR_UNKNOWN, &length);
    nbd_peer_info(peer, NBD_OPT_GO, "e1.2");
    check_info(peer, NBD_OPT_GO, TRIMMABLE);
}

static void go_with_false_lengths(void **state)
{
    static const struct {
        const char *data;
        uint32_t length;
    } bad[] = {
        {"", 0},
        {"\0\0\0\0", 4},
        {"\0\0\0\0\0", 5},
        {"\0\0\0\1\0\0", 6},         /* the name does not fit */
        {"\377\377\377\377\0\0", 6}, /* overflows */
        {"\377\377\377\372\0\0e1.2", 10},
        {"\0\0\0\4e1.2\0\1", 10},     /* one item promised, none there */
        {"\0\0\0\4e1.2\0\0\0\3", 12}, /* none promised, one there */
        {"\0\0\0\4e1.2\377\377\0\3", 12},
        {"\0\0\0\4e1.2\0\0\0", 11},
    };
    struct nbd_peer *peer = *state;
    uint32_t length;

    nbd_peer_greet(peer);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nbd_peer_option(peer, NBD_OPT_GO, bad[i].data, bad[i].length);
        nbd_peer_reply(peer, NBD_OPT_GO, NBD_REP_ERR_INVALID, &length);
        assert_int_equal(peer->in_length, 0);
    }
    nbd_peer_info(peer, NBD_OPT_GO, "e1.2");
    check_info(peer, NBD_OPT_GO, TRIMMABLE);
}

/* ---- EXPORT_NAME --------------------------------------------------------- */

static void export_name(void **state)
{
    struct nbd_peer *peer = *state;
    const uint8_t *p;

    nbd_peer_greet(peer);
    nbd_peer_option(peer, NBD_OPT_EXPORT_NAME, "e1.2", 4);
    assert_int_equal(peer->in_length, 10);
    p = nbd_peer_take(peer, 10);
    assert_int_equal(get_be64(p), DISK);
    assert_int_equal(get_be16(p + 8), TRIMMABLE);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_FLUSH, 0, 0), NBD_OK);
}

static void export_name_for_clients_that_want_zeroes(void **state)
{
    static const uint8_t zeroes[NBD_EXPORT_NAME_ZEROES];
    struct nbd_peer *peer = *state;
    const uint8_t *p;

    nbd_peer_collect(peer);
    nbd_peer_forget(peer);
    nbd_peer_send(peer, "\0\0\0\0", 4);
    nbd_peer_option(peer, NBD_OPT_EXPORT_NAME, "", 0);
    p = nbd_peer_take(peer, 10 + sizeof zeroes);
    assert_memory_equal(p + 10, zeroes, sizeof zeroes);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_FLUSH, 0, 0), NBD_OK);
}

static void export_name_unknown_ends_it(void **state)
{
    struct nbd_peer *peer = *state;

    nbd_peer_greet(peer);
    nbd_peer_option(peer, NBD_OPT_EXPORT_NAME, "e1", 2);
    assert_int_equal(peer->conn->phase, NBD_DEAD);
    assert_int_equal(peer->in_length, 0);
}

static void plain_newstyle_has_no_other_option(void **state)
{
    struct nbd_peer *peer = *state;

    nbd_peer_send(peer, "\0\0\0\2", 4);
    nbd_peer_option(peer, NBD_OPT_LIST, NULL, 0);
    assert_int_equal(peer->conn->phase, NBD_DEAD);
}

/* ---- the others ---------------------------------------------------------- */

static void list(void **state)
{
    struct nbd_peer *peer = *state;
    const uint8_t *p;
    uint32_t length;

    nbd_peer_greet(peer);
    nbd_peer_option(peer, NBD_OPT_LIST, "x", 1);
    nbd_peer_reply(peer, NBD_OPT_LIST, NBD_REP_ERR_INVALID, &length);
    nbd_peer_option(peer, NBD_OPT_LIST, NULL, 0);
    p = nbd_peer_reply(peer, NBD_OPT_LIST, NBD_REP_SERVER, &length);
    assert_int_equal(length, 4 + 4 + 6);
    assert_memory_equal(p, "\0\0\0\4e1.2memory", length);
    nbd_peer_reply(peer, NBD_OPT_LIST, NBD_REP_ACK, &length);
    assert_int_equal(peer->in_length, 0);
}

static void list_of_several(void **state)
{
    struct nbd_peer *peer = *state;
    struct nbd_export second = peer->memory.export;
    uint32_t length;

    second.name = "e7.0";
    second.size = 512;
    peer->exports[1] = &second;
    peer->server.export_count = 2;
    nbd_peer_greet(peer);
    nbd_peer_option(peer, NBD_OPT_LIST, NULL, 0);
    nbd_peer_reply(peer, NBD_OPT_LIST, NBD_REP_SERVER, &length);
    assert_memory_equal(
        nbd_peer_reply(peer, NBD_OPT_LIST, NBD_REP_SERVER, &length) + 4, "e7.0",
        4);
    nbd_peer_forget(peer);
    nbd_peer_info(peer, NBD_OPT_GO, "e7.0");
    assert_ptr_equal(peer->conn->export, &second);
    nbd_peer_disconnect(peer);
}

static void options_it_does_not_have(void **state)
{
    struct nbd_peer *peer = *state;
    uint32_t length;

    nbd_peer_greet(peer);
    for (uint32_t option = 0; option < 16; option++) {
        if (option == NBD_OPT_EXPORT_NAME || option == NBD_OPT_ABORT ||
            option == NBD_OPT_LIST ||
            (option >= NBD_OPT_INFO && option <= NBD_OPT_SET_META_CONTEXT))
            continue;
        nbd_peer_option(peer, option, "some data", 9);
        nbd_peer_reply(peer, option, NBD_REP_ERR_UNSUP, &length);
        assert_int_equal(peer->in_length, 0);
    }
}

static void too_much_data_is_skipped(void **state)
{
    static uint8_t data[NBD_OPTION_DATA_MAX * 5];
    struct nbd_peer *peer = *state;
    uint32_t length;

    for (peer->chunk = 0; peer->chunk <= 1; peer->chunk++) {
        again(peer);
        nbd_peer_greet(peer);
        nbd_peer_option(peer, NBD_OPT_GO, data, NBD_OPTION_DATA_MAX);
        nbd_peer_reply(peer, NBD_OPT_GO, NBD_REP_ERR_INVALID, &length);
        nbd_peer_option(peer, NBD_OPT_GO, data, NBD_OPTION_DATA_MAX + 1);
        nbd_peer_reply(peer, NBD_OPT_GO, NBD_REP_ERR_TOO_BIG, &length);
        nbd_peer_option(peer, 77, data, sizeof data);
        nbd_peer_reply(peer, 77, NBD_REP_ERR_TOO_BIG, &length);
        nbd_peer_option(peer, NBD_OPT_LIST, NULL, 0);
        nbd_peer_reply(peer, NBD_OPT_LIST, NBD_REP_SERVER, &length);
    }
    again(peer);
    nbd_peer_greet(peer);
    nbd_peer_option(peer, NBD_OPT_EXPORT_NAME, data, NBD_OPTION_DATA_MAX + 1);
    assert_int_equal(peer->conn->phase, NBD_DEAD);
}

static void too_many_options(void **state)
{
    struct nbd_peer *peer = *state;
    uint32_t length;

    nbd_peer_greet(peer);
    for (int i = 0; i < NBD_OPTIONS_MAX; i++) {
        nbd_peer_option(peer, 99, NULL, 0);
        nbd_peer_reply(peer, 99, NBD_REP_ERR_UNSUP, &length);
    }
    nbd_peer_option(peer, 99, NULL, 0);
    assert_int_equal(peer->conn->phase, NBD_DEAD);
}

static void abort_is_acknowledged(void **state)
{
    struct nbd_peer *peer = *state;
    uint32_t length;

    nbd_peer_greet(peer);
    nbd_peer_option(peer, NBD_OPT_ABORT, NULL, 0);
    nbd_peer_reply(peer, NBD_OPT_ABORT, NBD_REP_ACK, &length);
    assert_true(nbd_conn_finished(peer->conn));
    assert_int_equal(peer->conn->phase, NBD_DRAINING);
}

static void not_an_option(void **state)
{
    struct nbd_peer *peer = *state;

    nbd_peer_greet(peer);
    nbd_peer_send(peer, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_int_equal(peer->conn->phase, NBD_DEAD);
}

static void shutting_down(void **state)
{
    struct nbd_peer *peer = *state;
    uint32_t length;

    nbd_peer_greet(peer);
    nbd_conn_shutdown(peer->conn);
    nbd_peer_info(peer, NBD_OPT_GO, "e1.2");
    nbd_peer_reply(peer, NBD_OPT_GO, NBD_REP_ERR_SHUTDOWN, &length);
    assert_true(nbd_conn_finished(peer->conn));
    nbd_peer_option(peer, NBD_OPT_EXPORT_NAME, "e1.2", 4);
    assert_int_equal(peer->conn->phase, NBD_DEAD);
}

/* ---- meta contexts ------------------------------------------------------- */

#define NAME    "\0\0\0\4e1.2"
#define ONE     "\0\0\0\1"
#define NONE    "\0\0\0\0"
#define BASE    "\0\0\0\5base:"
#define ALL     "\0\0\0\17base:allocation"
#define OTHER   "\0\0\0\12qemu:dirty"
#define DATA(s) (s), sizeof(s) - 1

static void meta(struct nbd_peer *peer, uint32_t option, const char *data,
                 size_t data_length, bool found)
{
    const uint8_t *p;
    uint32_t length;

    nbd_peer_option(peer, option, data, (uint32_t)data_length);
    if (found) {
        p = nbd_peer_reply(peer, option, NBD_REP_META_CONTEXT, &length);
        assert_int_equal(length, 4 + 15);
        assert_memory_equal(p + 4, "base:allocation", 15);
    }
    nbd_peer_reply(peer, option, NBD_REP_ACK, &length);
    assert_int_equal(peer->in_length, 0);
}

static void structured(struct nbd_peer *peer)
{
    uint32_t length;

    nbd_peer_option(peer, NBD_OPT_STRUCTURED_REPLY, "x", 1);
    nbd_peer_reply(peer, NBD_OPT_STRUCTURED_REPLY, NBD_REP_ERR_INVALID,
                   &length);
    nbd_peer_option(peer, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
    nbd_peer_reply(peer, NBD_OPT_STRUCTURED_REPLY, NBD_REP_ACK, &length);
}

static void meta_contexts(void **state)
{
    const uint32_t LIST = NBD_OPT_LIST_META_CONTEXT;
    const uint32_t SET = NBD_OPT_SET_META_CONTEXT;
    struct nbd_peer *peer = *state;
    uint32_t length;

    nbd_peer_greet(peer);
    nbd_peer_option(peer, SET, DATA(NAME ONE ALL));
    nbd_peer_reply(peer, SET, NBD_REP_ERR_INVALID, &length);
    structured(peer);
    meta(peer, LIST, DATA(NAME NONE), true);
    meta(peer, LIST, DATA(NAME ONE BASE), true);
    meta(peer, LIST, DATA(NAME ONE OTHER), false);
    assert_null(peer->conn->allocation);
    meta(peer, SET, DATA(NAME ONE ALL), true);
    assert_non_null(peer->conn->allocation);
    meta(peer, SET, DATA(NAME ONE BASE), false);
    assert_null(peer->conn->allocation);
    meta(peer, SET, DATA(NAME "\0\0\0\3" OTHER ALL ALL), true);
    assert_non_null(peer->conn->allocation);
    /* A set that fails leaves nothing selected. */
    nbd_peer_option(peer, SET, DATA("\0\0\0\1x" ONE ALL));
    nbd_peer_reply(peer, SET, NBD_REP_ERR_UNKNOWN, &length);
    assert_null(peer->conn->allocation);
}

static void meta_contexts_with_false_lengths(void **state)
{
    static const struct {
        const char *data;
        size_t length;
    } bad[] = {
        {DATA("")},
        {DATA("\0\0\0\4e1.")},
        {DATA(NAME)},
        {DATA(NAME "\0\0\0")},
        {DATA(NAME ONE)},
        {DATA(NAME ONE "\0\0\0\1")},
        {DATA(NAME ONE "\377\377\377\377base:allocation")},
        {DATA(NAME "\377\377\377\377" ALL)},
        {DATA(NAME ONE ALL "x")},
        {DATA("\377\377\377\377"
              "e1.2" ONE ALL)},
    };
    struct nbd_peer *peer = *state;
    uint32_t length;

    nbd_peer_greet(peer);
    structured(peer);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nbd_peer_option(peer, NBD_OPT_SET_META_CONTEXT, bad[i].data,
                        (uint32_t)bad[i].length);
        nbd_peer_reply(peer, NBD_OPT_SET_META_CONTEXT, NBD_REP_ERR_INVALID,
                       &length);
        assert_null(peer->conn->allocation);
    }
}

/* The selection was for one export; going to another drops it. */
static void meta_context_of_another_export(void **state)
{
    struct nbd_peer *peer = *state;
    struct nbd_export second = peer->memory.export;

    second.name = "e7.0";
    peer->exports[1] = &second;
    peer->server.export_count = 2;
    nbd_peer_greet(peer);
    structured(peer);
    meta(peer, NBD_OPT_SET_META_CONTEXT, DATA(NAME ONE ALL), true);
    nbd_peer_info(peer, NBD_OPT_GO, "e7.0");
    nbd_peer_forget(peer);
    assert_int_equal(nbd_peer_try(peer, 0, NBD_CMD_BLOCK_STATUS, 0, 512),
                     NBD_EINVAL);
    nbd_peer_disconnect(peer);
}

/* ---- cut short ----------------------------------------------------------- */

/* A whole handshake and its first request, cut at every byte: the server waits
 * for the rest, and the end of the connection is not an error. */
static void cut_at_every_byte(void **state)
{
    struct nbd_peer *peer = *state;
    uint8_t bytes[512];
    size_t length = 4;

    memcpy(bytes, "\0\0\0\3", 4);
    length += nbd_put_option(bytes + length, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
    length += nbd_put_option(bytes + length, NBD_OPT_SET_META_CONTEXT,
                             DATA(NAME ONE ALL));
    length += nbd_put_option(bytes + length, NBD_OPT_GO, DATA(NAME "\0\1\0\3"));
    nbd_put_request(bytes + length, 0, NBD_CMD_WRITE, 1, 0, 64);
    length += NBD_REQUEST_SIZE + 64;
    for (size_t cut = 0; cut <= length; cut++) {
        again(peer);
        assert_int_equal(nbd_peer_send(peer, bytes, cut), cut);
        assert_false(nbd_conn_finished(peer->conn));
        assert_int_equal(peer->memory.pending_count, cut == length);
        nbd_conn_eof(peer->conn);
        assert_int_equal(nbd_conn_finished(peer->conn), cut < length);
        nbd_memory_complete_all(&peer->memory);
    }
    assert_int_equal(peer->memory.done[AOE_WRITE], 1);
}

/* A client that pipelines the whole handshake and never reads an answer holds
 * no more than one. */
static void answers_wait_for_a_slow_reader(void **state)
{
    struct nbd_peer *peer = *state;
    struct iovec iov[2];
    uint8_t bytes[4 + 2 * NBD_OPTION_SIZE] = {0, 0, 0, 3};

    nbd_conn_sent(peer->conn, NBD_GREETING_SIZE);
    nbd_put_option(bytes + 4, NBD_OPT_LIST, NULL, 0);
    nbd_put_option(bytes + 4 + NBD_OPTION_SIZE, NBD_OPT_LIST, NULL, 0);
    assert_int_equal(nbd_conn_input(peer->conn, iov), 1);
    memcpy(iov[0].iov_base, bytes, sizeof bytes);
    nbd_conn_received(peer->conn, sizeof bytes);
    assert_int_equal(peer->conn->options, 1);
    assert_int_equal(nbd_conn_input(peer->conn, iov), 0);
    nbd_peer_collect(peer);
    assert_int_equal(peer->conn->options, 2);
    assert_int_equal(nbd_conn_input(peer->conn, iov), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(greeting),
        TEST(unknown_client_flags_end_it),
        TEST(info_and_go_say_the_same),
        TEST(flags_tell_what_the_disk_can),
        TEST(negotiation_continues_after_a_failed_go),
        TEST(go_with_false_lengths),
        TEST(export_name),
        TEST(export_name_for_clients_that_want_zeroes),
        TEST(export_name_unknown_ends_it),
        TEST(plain_newstyle_has_no_other_option),
        TEST(list),
        TEST(list_of_several),
        TEST(options_it_does_not_have),
        TEST(too_much_data_is_skipped),
        TEST(too_many_options),
        TEST(abort_is_acknowledged),
        TEST(not_an_option),
        TEST(shutting_down),
        TEST(meta_contexts),
        TEST(meta_contexts_with_false_lengths),
        TEST(meta_context_of_another_export),
        TEST(cut_at_every_byte),
        TEST(answers_wait_for_a_slow_reader),
    };

    return cmocka_run_group_tests_name("NBD handshake", tests, NULL, NULL);
}
