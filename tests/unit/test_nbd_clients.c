/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Hostile NBD clients, on real sockets: those that stall, leave or never start,
 * hold what others need, or are too many.
 */
#include "tests/unit/nbd_fixture.h"

/* ---- clients that mean no good ------------------------------------------- */

static void silent_client_is_dropped(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client silent, slow, good;
    uint8_t greeting[NBD_GREETING_SIZE];

    f->service.handshake_timeout = NS_PER_S / 20;
    open_client(f, &good);
    connect_client(f, &silent);
    assert_true(receive(&silent, greeting, sizeof greeting));
    connect_client(f, &slow);
    assert_true(receive(&slow, greeting, sizeof greeting));
    send_bytes(&slow, "\0\0\0\3IHAVE", 9);
    assert_ended(&silent);
    assert_ended(&slow);
    assert_served(&good);
    close(silent.fd);
    close(slow.fd);
    close(good.fd);
}

/* One stalls in the middle of a payload, one takes no replies: others notice
 * nothing, and the server does not spin on the two. */
static void stalled_clients_cost_only_themselves(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client writer, reader, good;

    open_client(f, &writer);
    send_request(&writer, NBD_CMD_WRITE, 0, 1 << 20);
    send_bytes(&writer, "some", 4);
    open_client(f, &reader);
    nbd_server_limit(&f->service.server, NBD_BYTES_MIN);
    for (int i = 0; i < 4; i++)
        send_request(&reader, NBD_CMD_READ, 0, NBD_BYTES_MIN / 4);
    open_client(f, &good);
    for (int i = 0; i < 10; i++)
        assert_served(&good);
    assert_int_equal(f->memory.done[AOE_READ], 2);
    close(writer.fd);
    close(reader.fd);
    assert_served(&good);
    close(good.fd);
}

/* Clients that hold all the shared memory: others go on with their own, and
 * whoever needs more gets it when the stalled ones are dropped. */
static void stalled_clients_give_memory_back(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client holder, small, large;
    static uint8_t data[NBD_BYTES_MIN / 2];

    nbd_server_limit(&f->service.server, NBD_BYTES_MIN);
    f->service.stall_timeout = NS_PER_S / 20;
    open_client(f, &holder);
    send_request(&holder, NBD_CMD_READ, 0, sizeof data);
    open_client(f, &small);
    open_client(f, &large);
    while (f->memory.done[AOE_READ] < 1)
        turn(f);
    send_request(&large, NBD_CMD_READ, 0, sizeof data);
    for (int i = 0; i < 10; i++) {
        send_request(&small, NBD_CMD_READ, 0, 65536);
        assert_int_equal(reply_error(&small), NBD_OK);
        assert_true(receive(&small, data, 65536));
    }
    assert_int_equal(reply_error(&large), NBD_OK);
    assert_true(receive(&large, data, sizeof data));
    assert_served(&large);
    assert_served(&small);
    while (receive(&holder, data, 1)) /* what was on its way, then the end */
        ;
    close(holder.fd);
    close(small.fd);
    close(large.fd);
}

enum { GONE = 6 };

enum {
    SLOT_SIZE = NBD_PIECE + NBD_BUFFER_SIZE,
    CLIENTS = 50,
    SLOTS = (NBD_BYTES_MIN / 2 - CLIENTS * NBD_CONNECTION_COST) / SLOT_SIZE,
};

/* Many more clients than can be served at a time are served in turn, whether
 * they stay or go. */
static void more_clients_than_slots(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c[CLIENTS];
    static uint8_t data[4096];

    nbd_server_limit(&f->service.server, NBD_BYTES_MIN);
    for (int i = 0; i < CLIENTS; i++)
        open_client(f, &c[i]);
    assert_int_equal(f->service.server.connections, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        f->memory.bytes[i * 4096] = (uint8_t)i;
    f->prompt = false;
    for (unsigned i = 0; i < CLIENTS; i++)
        send_request(&c[i], NBD_CMD_READ, i * 4096, 4096);
    do
        turn(f);
    while (f->memory.pending_count < SLOTS);
    for (int i = 0; i < 10; i++)
        turn(f);
    assert_int_equal(f->memory.pending_count, SLOTS);
    assert_in_range(f->service.server.pool.used, 0, NBD_BYTES_MIN / 2);
    f->prompt = true;
    nbd_memory_complete_all(&f->memory);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(reply_error(&c[i]), NBD_OK);
        assert_true(receive(&c[i], data, sizeof data));
        assert_int_equal(data[0], (uint8_t)i);
        close(c[i].fd);
    }
    while (f->service.server.connections > 0)
        turn(f);
    assert_int_equal(f->service.server.slots, 0);
}

/* Clients in the middle of a message have all the slots.  That is tolerated
 * until another client has something to send. */
static void stalled_clients_give_slots_back(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c[SLOTS + 1], good, late;

    nbd_server_limit(&f->service.server, NBD_BYTES_MIN);
    f->service.stall_timeout = NS_PER_S / 20;
    open_client(f, &good);
    for (int i = 0; i <= SLOTS; i++) {
        open_client(f, &c[i]);
        send_bytes(&c[i], "\x25\x60\x95", 3);
        turn(f);
    }
    assert_int_equal(f->service.server.connections, SLOTS + 2);
    /* A client that waits for a slot before its handshake is not the one to be
     * dropped. */
    f->service.stall_timeout = NS_PER_S / 5;
    f->service.handshake_timeout = NS_PER_S / 20;
    open_client(f, &late);
    assert_served(&good);
    assert_served(&late);
    close(late.fd);
    for (int i = 0; i < SLOTS - 1; i++)
        assert_ended(&c[i]);
    for (int i = 0; i <= SLOTS; i++)
        close(c[i].fd);
    assert_served(&good);
    close(good.fd);
}

/* A client that waits for what a stalled one holds has no slot meanwhile. */
static void waiting_clients_have_no_slots(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client holder, c[2 * SLOTS], good;

    nbd_server_limit(&f->service.server, NBD_BYTES_MIN);
    open_client(f, &holder);
    send_request(&holder, NBD_CMD_READ, 0, NBD_BYTES_MIN / 2);
    while (f->memory.done[AOE_READ] < 1)
        turn(f);
    for (int i = 0; i < 2 * SLOTS; i++) {
        open_client(f, &c[i]);
        send_request(&c[i], NBD_CMD_READ, 0, NBD_BYTES_MIN / 2);
    }
    open_client(f, &good);
    assert_served(&good);
    assert_int_equal(f->service.server.slots, 1);
    close(holder.fd);
    for (int i = 0; i < 2 * SLOTS; i++) {
        assert_int_equal(reply_error(&c[i]), NBD_OK);
        close(c[i].fd);
    }
    assert_served(&good);
    close(good.fd);
}

/* An idle connection has a cost, too. */
static void too_many_clients(void **state)
{
    enum { MOST = NBD_BYTES_MIN / 4 / NBD_CONNECTION_COST };
    struct nbd_fixture *f = *state;
    static struct test_client c[MOST];
    struct test_client next;
    uint8_t greeting[NBD_GREETING_SIZE];

    nbd_server_limit(&f->service.server, NBD_BYTES_MIN);
    for (int i = 0; i < MOST; i++)
        open_client(f, &c[i]);
    connect_client(f, &next);
    turn(f);
    turn(f);
    assert_int_equal(f->service.server.connections, MOST);
    assert_served(&c[0]);
    close(c[0].fd);
    assert_true(receive(&next, greeting, sizeof greeting));
    for (int i = 1; i < MOST; i++)
        close(c[i].fd);
    close(next.fd);
}

static void garbage_ends_the_connection(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c, good;
    char garbage[100];

    open_client(f, &good);
    open_client(f, &c);
    f->prompt = false;
    send_request(&c, NBD_CMD_READ, 0, 4096);
    memset(garbage, 'x', sizeof garbage);
    send_bytes(&c, garbage, sizeof garbage);
    assert_ended(&c);
    assert_int_equal(f->service.server.in_flight, 1);
    nbd_memory_complete_all(&f->memory);
    f->prompt = true;
    assert_served(&good);
    close(c.fd);
    close(good.fd);
}

static void gone_before_the_reply(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c, good;

    open_client(f, &good);
    open_client(f, &c);
    f->prompt = false;
    for (int i = 0; i < 16; i++)
        send_request(&c, NBD_CMD_READ, 0, 65536);
    close(c.fd);
    for (int i = 0; i < 3; i++)
        turn(f);
    assert_int_equal(f->memory.pending_count, 16);
    nbd_memory_complete_all(&f->memory);
    f->prompt = true;
    assert_served(&good);
    assert_int_equal(f->service.server.in_flight, 0);
    close(good.fd);
}

/* A client that connects, requests a lot and disconnects must wait with its
 * next connection until the disk has released the memory. */
static void broken_off_requests_are_bounded(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c, next;
    char garbage[NBD_REQUEST_SIZE] = "";

    f->prompt = false;
    open_client(f, &c);
    send_request(&c, NBD_CMD_READ, 0, 65536);
    send_bytes(&c, garbage, sizeof garbage);
    assert_ended(&c);
    assert_int_equal(f->service.server.orphaned_bytes, 65536);
    open_client(f, &next);
    nbd_server_limit(&f->service.server, 2 * SLOT_SIZE);
    send_request(&next, NBD_CMD_FLUSH, 0, 0);
    turn(f);
    turn(f);
    assert_int_equal(f->memory.pending_count, 1);
    assert_int_equal(f->service.server.slots, 0);
    nbd_memory_complete_all(&f->memory);
    f->prompt = true;
    assert_int_equal(reply_error(&next), NBD_OK);
    close(c.fd);
    close(next.fd);
}

/* Without a free descriptor, accepting pauses; it does not spin, and resumes
 * when there is one again. */
static void too_few_descriptors(void **state)
{
    struct nbd_fixture *f = *state;
    struct rlimit before, none;
    struct test_client c, good;
    uint8_t greeting[NBD_GREETING_SIZE];

    open_client(f, &good);
    connect_client(f, &c);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    /* poll(2) itself refuses more descriptors than the limit allows. */
    f->listener.watch.ready(f->listener.watch.arg, POLLIN);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(f->listener.watch.index, 0);
    assert_int_not_equal(f->listener.retry.index, 0);
    assert_served(&good);
    assert_true(receive(&c, greeting, sizeof greeting));
    close(c.fd);
    close(good.fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Clients that hang up in the middle of a long write whose first piece is at
 * the disk: they end when the disk has finished with it. */
static void gone_while_writing(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c[GONE], good;
    static uint8_t data[NBD_PIECE + 5000];

    f->prompt = false;
    for (int i = 0; i < GONE; i++) {
        open_client(f, &c[i]);
        send_request(&c[i], NBD_CMD_WRITE, 0, 1 << 20);
        /* At the next piece's beginning, and in it. */
        send_bytes(&c[i], data, i % 2 ? sizeof data : NBD_PIECE);
        do
            turn(f);
        while (f->memory.pending_count <= (unsigned)i);
    }
    for (int i = 0; i < GONE; i++)
        if (i % 3)
            close(c[i].fd);
        else
            shutdown(c[i].fd, SHUT_WR);
    for (int i = 0; i < 5; i++)
        turn(f);
    assert_int_equal(f->service.server.connections, GONE);
    f->prompt = true;
    nbd_memory_complete_all(&f->memory);
    for (int i = 0; i < GONE; i += 3) {
        assert_ended(&c[i]);
        close(c[i].fd);
    }
    open_client(f, &good);
    assert_served(&good);
    assert_int_equal(f->service.server.connections, 1);
    assert_int_equal(f->service.server.requests, 0);
    close(good.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(silent_client_is_dropped),
        TEST(gone_while_writing),
        TEST(stalled_clients_cost_only_themselves),
        TEST(stalled_clients_give_memory_back),
        TEST(more_clients_than_slots),
        TEST(stalled_clients_give_slots_back),
        TEST(waiting_clients_have_no_slots),
        TEST(too_many_clients),
        TEST(garbage_ends_the_connection),
        TEST(gone_before_the_reply),
        TEST(broken_off_requests_are_bounded),
        TEST(too_few_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
