/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD clients that mean no good, on real sockets: those that stall, leave or
 * never begin, hold what others need or are too many.
 */
#include "tests/unit/nbd_house.h"

/* ---- clients that mean no good ------------------------------------------- */

static void silent_client_is_dropped(void **state)
{
    struct house *h = *state;
    struct visitor silent, slow, good;
    uint8_t greeting[NBD_GREETING_SIZE];

    h->service.handshake_timeout = NS_PER_S / 20;
    enter(h, &good);
    knock(h, &silent);
    assert_true(receive(&silent, greeting, sizeof greeting));
    knock(h, &slow);
    assert_true(receive(&slow, greeting, sizeof greeting));
    say(&slow, "\0\0\0\3IHAVE", 9);
    await_end(&silent);
    await_end(&slow);
    served(&good);
    close(silent.fd);
    close(slow.fd);
    close(good.fd);
}

/* One in the middle of a payload, one that takes no replies: others notice
 * nothing, and the two are not watched in vain. */
static void stalled_clients_cost_only_themselves(void **state)
{
    struct house *h = *state;
    struct visitor writer, reader, good;

    enter(h, &writer);
    ask(&writer, NBD_CMD_WRITE, 0, 1 << 20);
    say(&writer, "some", 4);
    enter(h, &reader);
    nbd_server_limit(&h->service.server, NBD_BYTES_MIN);
    for (int i = 0; i < 4; i++)
        ask(&reader, NBD_CMD_READ, 0, NBD_BYTES_MIN / 4);
    enter(h, &good);
    for (int i = 0; i < 10; i++)
        served(&good);
    assert_int_equal(h->memory.done[AOE_READ], 2);
    close(writer.fd);
    close(reader.fd);
    served(&good);
    close(good.fd);
}

/* Clients that hold all the memory there is to share: others work on with
 * their own, and whoever needs more gets it by the stalled ones' end. */
static void stalled_clients_give_memory_back(void **state)
{
    struct house *h = *state;
    struct visitor hog, small, large;
    static uint8_t data[NBD_BYTES_MIN / 2];

    nbd_server_limit(&h->service.server, NBD_BYTES_MIN);
    h->service.stall_timeout = NS_PER_S / 20;
    enter(h, &hog);
    ask(&hog, NBD_CMD_READ, 0, sizeof data);
    enter(h, &small);
    enter(h, &large);
    while (h->memory.done[AOE_READ] < 1)
        turn(h);
    ask(&large, NBD_CMD_READ, 0, sizeof data);
    for (int i = 0; i < 10; i++) {
        ask(&small, NBD_CMD_READ, 0, 65536);
        assert_int_equal(answer(&small), NBD_OK);
        assert_true(receive(&small, data, 65536));
    }
    assert_int_equal(answer(&large), NBD_OK);
    assert_true(receive(&large, data, sizeof data));
    served(&large);
    served(&small);
    while (receive(&hog, data, 1)) /* what was on its way, then the end */
        ;
    close(hog.fd);
    close(small.fd);
    close(large.fd);
}

enum { GONE = 6 };

enum {
    SEAT = NBD_PIECE + NBD_BUFFER_SIZE,
    CROWD = 50,
    SEATS = (NBD_BYTES_MIN / 2 - CROWD * NBD_CONNECTION_COST) / SEAT,
};

/* Many more clients than can be served at a time are served in turn, whether
 * they stay or go. */
static void more_clients_than_seats(void **state)
{
    struct house *h = *state;
    struct visitor v[CROWD];
    static uint8_t data[4096];

    nbd_server_limit(&h->service.server, NBD_BYTES_MIN);
    for (int i = 0; i < CROWD; i++)
        enter(h, &v[i]);
    assert_int_equal(h->service.server.connections, CROWD);
    for (int i = 0; i < CROWD; i++)
        h->memory.bytes[i * 4096] = (uint8_t)i;
    h->prompt = false;
    for (unsigned i = 0; i < CROWD; i++)
        ask(&v[i], NBD_CMD_READ, i * 4096, 4096);
    do
        turn(h);
    while (h->memory.pending_count < SEATS);
    for (int i = 0; i < 10; i++)
        turn(h);
    assert_int_equal(h->memory.pending_count, SEATS);
    assert_in_range(h->service.server.pool.used, 0, NBD_BYTES_MIN / 2);
    h->prompt = true;
    nbd_memory_complete_all(&h->memory);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(answer(&v[i]), NBD_OK);
        assert_true(receive(&v[i], data, sizeof data));
        assert_int_equal(data[0], (uint8_t)i);
        close(v[i].fd);
    }
    while (h->service.server.connections > 0)
        turn(h);
    assert_int_equal(h->service.server.slots, 0);
}

/* Clients in the middle of a word have all the seats.  Nobody minds until
 * somebody else has something to say. */
static void stalled_clients_give_seats_back(void **state)
{
    struct house *h = *state;
    struct visitor v[SEATS + 1], good, late;

    nbd_server_limit(&h->service.server, NBD_BYTES_MIN);
    h->service.stall_timeout = NS_PER_S / 20;
    enter(h, &good);
    for (int i = 0; i <= SEATS; i++) {
        enter(h, &v[i]);
        say(&v[i], "\x25\x60\x95", 3);
        turn(h);
    }
    assert_int_equal(h->service.server.connections, SEATS + 2);
    /* Who waits for a seat before it has said hello is not the one to go. */
    h->service.stall_timeout = NS_PER_S / 5;
    h->service.handshake_timeout = NS_PER_S / 20;
    enter(h, &late);
    served(&good);
    served(&late);
    close(late.fd);
    for (int i = 0; i < SEATS - 1; i++)
        await_end(&v[i]);
    for (int i = 0; i <= SEATS; i++)
        close(v[i].fd);
    served(&good);
    close(good.fd);
}

/* Who waits for what one stalled client has holds no seat meanwhile. */
static void waiting_clients_have_no_seats(void **state)
{
    struct house *h = *state;
    struct visitor hog, v[2 * SEATS], good;

    nbd_server_limit(&h->service.server, NBD_BYTES_MIN);
    enter(h, &hog);
    ask(&hog, NBD_CMD_READ, 0, NBD_BYTES_MIN / 2);
    while (h->memory.done[AOE_READ] < 1)
        turn(h);
    for (int i = 0; i < 2 * SEATS; i++) {
        enter(h, &v[i]);
        ask(&v[i], NBD_CMD_READ, 0, NBD_BYTES_MIN / 2);
    }
    enter(h, &good);
    served(&good);
    assert_int_equal(h->service.server.slots, 1);
    close(hog.fd);
    for (int i = 0; i < 2 * SEATS; i++) {
        assert_int_equal(answer(&v[i]), NBD_OK);
        close(v[i].fd);
    }
    served(&good);
    close(good.fd);
}

/* A connection that does nothing has a price too. */
static void too_many_clients(void **state)
{
    enum { MOST = NBD_BYTES_MIN / 4 / NBD_CONNECTION_COST };
    struct house *h = *state;
    static struct visitor v[MOST];
    struct visitor next;
    uint8_t greeting[NBD_GREETING_SIZE];

    nbd_server_limit(&h->service.server, NBD_BYTES_MIN);
    for (int i = 0; i < MOST; i++)
        enter(h, &v[i]);
    knock(h, &next);
    turn(h);
    turn(h);
    assert_int_equal(h->service.server.connections, MOST);
    served(&v[0]);
    close(v[0].fd);
    assert_true(receive(&next, greeting, sizeof greeting));
    for (int i = 1; i < MOST; i++)
        close(v[i].fd);
    close(next.fd);
}

static void garbage_ends_the_connection(void **state)
{
    struct house *h = *state;
    struct visitor v, good;
    char garbage[100];

    enter(h, &good);
    enter(h, &v);
    h->prompt = false;
    ask(&v, NBD_CMD_READ, 0, 4096);
    memset(garbage, 'x', sizeof garbage);
    say(&v, garbage, sizeof garbage);
    await_end(&v);
    assert_int_equal(h->service.server.in_flight, 1);
    nbd_memory_complete_all(&h->memory);
    h->prompt = true;
    served(&good);
    close(v.fd);
    close(good.fd);
}

static void gone_before_the_reply(void **state)
{
    struct house *h = *state;
    struct visitor v, good;

    enter(h, &good);
    enter(h, &v);
    h->prompt = false;
    for (int i = 0; i < 16; i++)
        ask(&v, NBD_CMD_READ, 0, 65536);
    close(v.fd);
    for (int i = 0; i < 3; i++)
        turn(h);
    assert_int_equal(h->memory.pending_count, 16);
    nbd_memory_complete_all(&h->memory);
    h->prompt = true;
    served(&good);
    assert_int_equal(h->service.server.in_flight, 0);
    close(good.fd);
}

/* Whoever connects, asks for much and breaks off must wait with the next
 * connection until the disk has given the memory back. */
static void broken_off_requests_are_bounded(void **state)
{
    struct house *h = *state;
    struct visitor v, next;
    char garbage[NBD_REQUEST_SIZE] = "";

    h->prompt = false;
    enter(h, &v);
    ask(&v, NBD_CMD_READ, 0, 65536);
    say(&v, garbage, sizeof garbage);
    await_end(&v);
    assert_int_equal(h->service.server.orphaned_bytes, 65536);
    enter(h, &next);
    nbd_server_limit(&h->service.server, 2 * SEAT);
    ask(&next, NBD_CMD_FLUSH, 0, 0);
    turn(h);
    turn(h);
    assert_int_equal(h->memory.pending_count, 1);
    assert_int_equal(h->service.server.slots, 0);
    nbd_memory_complete_all(&h->memory);
    h->prompt = true;
    assert_int_equal(answer(&next), NBD_OK);
    close(v.fd);
    close(next.fd);
}

/* Without a descriptor to spare accepting pauses; it does not spin, and goes
 * on when there is one again. */
static void too_few_descriptors(void **state)
{
    struct house *h = *state;
    struct rlimit before, none;
    struct visitor v, good;
    uint8_t greeting[NBD_GREETING_SIZE];

    enter(h, &good);
    knock(h, &v);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    /* poll(2) itself refuses more descriptors than the limit allows. */
    h->listener.watch.ready(h->listener.watch.arg, POLLIN);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(h->listener.watch.index, 0);
    assert_int_not_equal(h->listener.retry.index, 0);
    served(&good);
    assert_true(receive(&v, greeting, sizeof greeting));
    close(v.fd);
    close(good.fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Clients that hang up in the middle of a long write, of which the disk has the
 * first piece: their end is when it is done with that. */
static void gone_while_writing(void **state)
{
    struct house *h = *state;
    struct visitor v[GONE], good;
    static uint8_t data[NBD_PIECE + 5000];

    h->prompt = false;
    for (int i = 0; i < GONE; i++) {
        enter(h, &v[i]);
        ask(&v[i], NBD_CMD_WRITE, 0, 1 << 20);
        /* At the next piece's beginning, and in it. */
        say(&v[i], data, i % 2 ? sizeof data : NBD_PIECE);
        do
            turn(h);
        while (h->memory.pending_count <= (unsigned)i);
    }
    for (int i = 0; i < GONE; i++)
        if (i % 3)
            close(v[i].fd);
        else
            shutdown(v[i].fd, SHUT_WR);
    for (int i = 0; i < 5; i++)
        turn(h);
    assert_int_equal(h->service.server.connections, GONE);
    h->prompt = true;
    nbd_memory_complete_all(&h->memory);
    for (int i = 0; i < GONE; i += 3) {
        await_end(&v[i]);
        close(v[i].fd);
    }
    enter(h, &good);
    served(&good);
    assert_int_equal(h->service.server.connections, 1);
    assert_int_equal(h->service.server.requests, 0);
    close(good.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(silent_client_is_dropped),
        TEST(gone_while_writing),
        TEST(stalled_clients_cost_only_themselves),
        TEST(stalled_clients_give_memory_back),
        TEST(more_clients_than_seats),
        TEST(stalled_clients_give_seats_back),
        TEST(waiting_clients_have_no_seats),
        TEST(too_many_clients),
        TEST(garbage_ends_the_connection),
        TEST(gone_before_the_reply),
        TEST(broken_off_requests_are_bounded),
        TEST(too_few_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
