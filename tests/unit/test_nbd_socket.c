/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD clients on real sockets: serving them, and the end.
 */
#include "tests/unit/nbd_house.h"

/* ---- serving ------------------------------------------------------------- */

static void reads_and_writes(void **state)
{
    struct house *h = *state;
    static uint8_t data[300000], back[sizeof data];
    struct visitor v;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    enter(h, &v);
    for (size_t at = 0; at < sizeof data; at += 100000) {
        ask(&v, NBD_CMD_WRITE, 1000 + at, 100000);
        say(&v, data + at, 100000);
        assert_int_equal(answer(&v), NBD_OK);
    }
    ask(&v, NBD_CMD_READ, 1000, sizeof data);
    assert_int_equal(answer(&v), NBD_OK);
    assert_true(receive(&v, back, sizeof back));
    assert_memory_equal(data, back, sizeof data);
    ask(&v, NBD_CMD_DISC, 0, 0);
    await_end(&v);
    close(v.fd);
}

static void many_clients(void **state)
{
    struct house *h = *state;
    struct visitor v[100];

    for (int i = 0; i < 100; i++)
        enter(h, &v[i]);
    for (int i = 0; i < 100; i++)
        served(&v[i]);
    for (int i = 0; i < 100; i++)
        close(v[i].fd);
    for (int i = 0; i < 1000 && !list_empty(&h->service.clients); i++)
        turn(h);
    assert_true(list_empty(&h->service.clients));
}

/* ---- the end ------------------------------------------------------------- */

static void stopped(void *arg)
{
    struct house *h = arg;

    h->stopped = true;
    loop_stop(h->loop, 0);
}

static void gone(void *arg)
{
    struct house *h = arg;

    h->left++;
    nbd_service_stop(&h->service, stopped, h);
}

/* As the kernel is served: no handshake, memory that is there already and
 * bounds what is in flight, and an end that is heard of. */
static void client_without_handshake(void **state)
{
    struct house *h = *state;
    struct pool *pool = &h->service.server.pool;
    uint8_t data[5000] = {1, 2, 3}, back[sizeof data];
    struct visitor v = {.house = h};
    int ends[2];

    assert_int_equal(nbd_server_reserve(&h->service.server, 4, 65536), 0);
    h->service.left = gone;
    h->service.left_arg = h;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    v.fd = ends[1];
    assert_int_equal(
        nbd_service_adopt_export(&h->service, ends[0], h->exports[0]), 0);
    ask(&v, NBD_CMD_WRITE, 512, sizeof data);
    say(&v, data, sizeof data);
    assert_int_equal(answer(&v), NBD_OK);
    ask(&v, NBD_CMD_READ, 512, sizeof back);
    assert_int_equal(answer(&v), NBD_OK);
    assert_true(receive(&v, back, sizeof back));
    assert_memory_equal(data, back, sizeof data);
    assert_int_equal(pool->spare, 5 * 65536); /* one is the stage */

    h->prompt = false;
    for (int i = 0; i < 6; i++)
        ask(&v, NBD_CMD_READ, 0, 4096);
    turn(h);
    assert_int_equal(h->memory.pending_count, 4);
    assert_int_equal(pool->spare, 0);
    assert_int_equal(h->left, 0);
    nbd_memory_complete_all(&h->memory);
    h->prompt = true;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(answer(&v), NBD_OK);
        assert_true(receive(&v, back, 4096));
    }
    ask(&v, NBD_CMD_DISC, 0, 0);
    nbd_listener_close(&h->listener);
    assert_int_equal(loop_run(h->loop), 0);
    assert_int_equal(h->left, 1);
    assert_true(h->stopped);
    close(v.fd);
}

static void stop_without_clients(void **state)
{
    struct house *h = *state;

    nbd_listener_close(&h->listener);
    nbd_service_stop(&h->service, stopped, h);
    assert_int_equal(loop_run(h->loop), 0);
    assert_true(h->stopped);
}

static void stop_answers_what_is_in_flight(void **state)
{
    struct house *h = *state;
    struct visitor busy, idle;
    uint8_t data[512];

    h->prompt = false;
    enter(h, &busy);
    enter(h, &idle);
    ask(&busy, NBD_CMD_READ, 0, sizeof data);
    turn(h);
    assert_int_equal(h->memory.pending_count, 1);
    nbd_service_stop(&h->service, stopped, h);
    await_end(&idle);
    ask(&busy, NBD_CMD_FLUSH, 0, 0);
    assert_int_equal(answer(&busy), NBD_ESHUTDOWN);
    assert_false(h->stopped);
    nbd_memory_complete_all(&h->memory);
    assert_int_equal(answer(&busy), NBD_OK);
    assert_true(receive(&busy, data, sizeof data));
    await_end(&busy);
    while (!h->stopped)
        turn(h);
    close(busy.fd);
    close(idle.fd);
}

/* The client has gone, the disk has not answered: the end waits for it. */
static void stop_waits_for_the_disk(void **state)
{
    struct house *h = *state;
    struct visitor v;
    char garbage[NBD_REQUEST_SIZE] = "";

    h->prompt = false;
    enter(h, &v);
    ask(&v, NBD_CMD_READ, 0, 512);
    say(&v, garbage, sizeof garbage);
    await_end(&v);
    nbd_service_stop(&h->service, stopped, h);
    for (int i = 0; i < 5; i++)
        turn(h);
    assert_false(h->stopped);
    nbd_memory_complete_all(&h->memory);
    while (!h->stopped)
        turn(h);
    close(v.fd);
}

static void stop_has_limited_patience(void **state)
{
    struct house *h = *state;
    struct visitor v;

    h->service.drain_timeout = NS_PER_S / 20;
    enter(h, &v);
    for (int i = 0; i < 4; i++)
        ask(&v, NBD_CMD_READ, 0, 4 << 20);
    while (h->memory.done[AOE_READ] < 4)
        turn(h);
    nbd_service_stop(&h->service, stopped, h);
    while (!h->stopped)
        assert_int_equal(loop_run(h->loop), 0);
    assert_true(list_empty(&h->service.clients));
    close(v.fd);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_and_writes),         TEST(many_clients),
        TEST(stop_without_clients),     TEST(stop_answers_what_is_in_flight),
        TEST(stop_waits_for_the_disk),  TEST(stop_has_limited_patience),
        TEST(client_without_handshake),
    };

    return cmocka_run_group_tests_name("NBD sockets", tests, NULL, NULL);
}
