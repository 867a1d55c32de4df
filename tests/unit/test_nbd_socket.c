/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD clients on real sockets: serving them, and the end.
 */
#include "tests/unit/nbd_fixture.h"

/* ---- serving ------------------------------------------------------------- */

static void reads_and_writes(void **state)
{
    struct nbd_fixture *f = *state;
    static uint8_t data[300000], back[sizeof data];
    struct test_client c;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    open_client(f, &c);
    for (size_t at = 0; at < sizeof data; at += 100000) {
        send_request(&c, NBD_CMD_WRITE, 1000 + at, 100000);
        send_bytes(&c, data + at, 100000);
        assert_int_equal(reply_error(&c), NBD_OK);
    }
    send_request(&c, NBD_CMD_READ, 1000, sizeof data);
    assert_int_equal(reply_error(&c), NBD_OK);
    assert_true(receive(&c, back, sizeof back));
    assert_memory_equal(data, back, sizeof data);
    send_request(&c, NBD_CMD_DISC, 0, 0);
    assert_ended(&c);
    close(c.fd);
}

static void many_clients(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c[100];

    for (int i = 0; i < 100; i++)
        open_client(f, &c[i]);
    for (int i = 0; i < 100; i++)
        assert_served(&c[i]);
    for (int i = 0; i < 100; i++)
        close(c[i].fd);
    for (int i = 0; i < 1000 && !list_empty(&f->service.clients); i++)
        turn(f);
    assert_true(list_empty(&f->service.clients));
}

/* ---- the end ------------------------------------------------------------- */

static void stopped(void *arg)
{
    struct nbd_fixture *f = arg;

    f->stopped = true;
    loop_stop(f->loop, 0);
}

static void gone(void *arg)
{
    struct nbd_fixture *f = arg;

    f->left++;
    nbd_service_stop(&f->service, stopped, f);
}

/* As the kernel is served: no handshake, preallocated memory that bounds what
 * is in flight, and notice of the end. */
static void client_without_handshake(void **state)
{
    struct nbd_fixture *f = *state;
    struct pool *pool = &f->service.server.pool;
    uint8_t data[5000] = {1, 2, 3}, back[sizeof data];
    struct test_client c = {.fixture = f};
    int ends[2];

    assert_int_equal(nbd_server_reserve(&f->service.server, 4, 65536), 0);
    f->service.left = gone;
    f->service.left_arg = f;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    c.fd = ends[1];
    assert_int_equal(
        nbd_service_adopt_export(&f->service, ends[0], f->exports[0]), 0);
    send_request(&c, NBD_CMD_WRITE, 512, sizeof data);
    send_bytes(&c, data, sizeof data);
    assert_int_equal(reply_error(&c), NBD_OK);
    send_request(&c, NBD_CMD_READ, 512, sizeof back);
    assert_int_equal(reply_error(&c), NBD_OK);
    assert_true(receive(&c, back, sizeof back));
    assert_memory_equal(data, back, sizeof data);
    assert_int_equal(pool->spare, 5 * 65536); /* one is the receive buffer */

    f->prompt = false;
    for (int i = 0; i < 6; i++)
        send_request(&c, NBD_CMD_READ, 0, 4096);
    turn(f);
    assert_int_equal(f->memory.pending_count, 4);
    assert_int_equal(pool->spare, 0);
    assert_int_equal(f->left, 0);
    nbd_memory_complete_all(&f->memory);
    f->prompt = true;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(reply_error(&c), NBD_OK);
        assert_true(receive(&c, back, 4096));
    }
    send_request(&c, NBD_CMD_DISC, 0, 0);
    nbd_listener_close(&f->listener);
    assert_int_equal(loop_run(f->loop), 0);
    assert_int_equal(f->left, 1);
    assert_true(f->stopped);
    close(c.fd);
}

static void stop_without_clients(void **state)
{
    struct nbd_fixture *f = *state;

    nbd_listener_close(&f->listener);
    nbd_service_stop(&f->service, stopped, f);
    assert_int_equal(loop_run(f->loop), 0);
    assert_true(f->stopped);
}

static void stop_answers_what_is_in_flight(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client busy, idle;
    uint8_t data[512];

    f->prompt = false;
    open_client(f, &busy);
    open_client(f, &idle);
    send_request(&busy, NBD_CMD_READ, 0, sizeof data);
    turn(f);
    assert_int_equal(f->memory.pending_count, 1);
    nbd_service_stop(&f->service, stopped, f);
    assert_ended(&idle);
    send_request(&busy, NBD_CMD_FLUSH, 0, 0);
    assert_int_equal(reply_error(&busy), NBD_ESHUTDOWN);
    assert_false(f->stopped);
    nbd_memory_complete_all(&f->memory);
    assert_int_equal(reply_error(&busy), NBD_OK);
    assert_true(receive(&busy, data, sizeof data));
    assert_ended(&busy);
    while (!f->stopped)
        turn(f);
    close(busy.fd);
    close(idle.fd);
}

/* The client has gone, but the disk has not answered: the end waits for it. */
static void stop_waits_for_the_disk(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c;
    char garbage[NBD_REQUEST_SIZE] = "";

    f->prompt = false;
    open_client(f, &c);
    send_request(&c, NBD_CMD_READ, 0, 512);
    send_bytes(&c, garbage, sizeof garbage);
    assert_ended(&c);
    nbd_service_stop(&f->service, stopped, f);
    for (int i = 0; i < 5; i++)
        turn(f);
    assert_false(f->stopped);
    nbd_memory_complete_all(&f->memory);
    while (!f->stopped)
        turn(f);
    close(c.fd);
}

static void stop_has_limited_patience(void **state)
{
    struct nbd_fixture *f = *state;
    struct test_client c;

    f->service.drain_timeout = NS_PER_S / 20;
    open_client(f, &c);
    for (int i = 0; i < 4; i++)
        send_request(&c, NBD_CMD_READ, 0, 4 << 20);
    while (f->memory.done[AOE_READ] < 4)
        turn(f);
    nbd_service_stop(&f->service, stopped, f);
    while (!f->stopped)
        assert_int_equal(loop_run(f->loop), 0);
    assert_true(list_empty(&f->service.clients));
    close(c.fd);
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
