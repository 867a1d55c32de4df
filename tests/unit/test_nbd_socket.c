/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD clients and listeners on real sockets: paths and addresses, serving, and
 * the end.
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

    h->service.patience_limit = NS_PER_S / 20;
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

/* ---- paths --------------------------------------------------------------- */

static void socket_is_private_and_goes_away(void **state)
{
    struct house *h = *state;
    struct stat st;

    assert_int_equal(stat(h->path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    nbd_listener_close(&h->listener);
    assert_int_equal(stat(h->path, &st), -1);
}

static void path_of_a_living_server(void **state)
{
    struct house *h = *state;
    struct nbd_listener second;
    struct visitor v;

    assert_int_equal(nbd_listen_unix(&second, &h->service, h->path),
                     -EADDRINUSE);
    nbd_listener_close(&second);
    enter(h, &v);
    served(&v);
    close(v.fd);
}

static void path_of_a_dead_server(void **state)
{
    struct house *h = *state;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct nbd_listener second;
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(sun.sun_path, sizeof sun.sun_path, "%s/dead", h->directory);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    assert_int_equal(nbd_listen_unix(&second, &h->service, sun.sun_path), 0);
    assert_int_equal(stat(sun.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    nbd_listener_close(&second);
    assert_int_equal(stat(sun.sun_path, &st), -1);
}

static void path_of_something_else(void **state)
{
    struct house *h = *state;
    struct nbd_listener second;
    char path[100], longer[200];
    struct stat st;

    snprintf(path, sizeof path, "%s/file", h->directory);
    close(open(path, O_CREAT | O_WRONLY, 0644));
    assert_int_equal(nbd_listen_unix(&second, &h->service, path), -EEXIST);
    assert_int_equal(stat(path, &st), 0);
    unlink(path);
    snprintf(path, sizeof path, "%s/none/s", h->directory);
    assert_int_equal(nbd_listen_unix(&second, &h->service, path), -ENOENT);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(nbd_listen_unix(&second, &h->service, longer),
                     -ENAMETOOLONG);
}

/* A socket file that is not ours any more stays. */
static void path_taken_over(void **state)
{
    struct house *h = *state;
    struct stat st;

    assert_int_equal(unlink(h->path), 0);
    close(open(h->path, O_CREAT | O_WRONLY, 0644));
    nbd_listener_close(&h->listener);
    assert_int_equal(stat(h->path, &st), 0);
    unlink(h->path);
}

/* ---- addresses ----------------------------------------------------------- */

static bool resolves(const char *name)
{
    struct addrinfo *found;

    if (getaddrinfo(name, NULL, NULL, &found))
        return false;
    freeaddrinfo(found);
    return true;
}

static void addresses(void **state)
{
    static const struct {
        const char *address, *uri; /* NULL: refused */
    } cases[] = {
        {"0", "nbd://127.0.0.1:*/e1.2"},
        {":0", "nbd://127.0.0.1:*/e1.2"},
        {"127.0.0.1:0", "nbd://127.0.0.1:*/e1.2"},
        {"localhost:0", "nbd://*/e1.2"},
        {"0.0.0.0:0", "nbd://0.0.0.0:*/e1.2"},
        {"[::1]:0", "nbd://[::1]:*/e1.2"},
        {"", NULL},
        {"x", NULL},
        {"127.0.0.1:", NULL},
        {"127.0.0.1:-1", NULL},
        {"127.0.0.1:99999", NULL},
        {"::1:0", NULL},
        {"[::1]", NULL},
        {"[::1:0", NULL},
        {"256.0.0.1:0", NULL},
    };
    struct house *h = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nbd_listener l;
        int err = nbd_listen_tcp(&l, &h->service, cases[i].address);
        const char *star = cases[i].uri ? strchr(cases[i].uri, '*') : NULL;
        char uri[300];

        if (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT)
            continue; /* no IPv6 here */
        if (err && strncmp(cases[i].address, "localhost", 9) == 0 &&
            !resolves("localhost"))
            continue; /* no /etc/hosts here */
        if (!cases[i].uri != !!err)
            fail_msg("%s: %d", cases[i].address, err);
        if (err)
            continue;
        nbd_listener_uri(&l, "e1.2", uri, sizeof uri);
        assert_memory_equal(uri, cases[i].uri, star - cases[i].uri);
        assert_non_null(strstr(uri, star + 1));
        nbd_listener_close(&l);
    }
}

static void uri_of_a_strange_path(void **state)
{
    struct house *h = *state;
    struct nbd_listener l;
    char path[100], uri[300], want[200];

    snprintf(path, sizeof path, "%s/a b&c?%%", h->directory);
    snprintf(want, sizeof want,
             "nbd+unix:///e1.2?socket=%s/a%%20b%%26c%%3F%%25", h->directory);
    assert_int_equal(nbd_listen_unix(&l, &h->service, path), 0);
    nbd_listener_uri(&l, "e1.2", uri, sizeof uri);
    assert_string_equal(uri, want);
    nbd_listener_close(&l);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_and_writes),
        TEST(many_clients),
        TEST(stop_without_clients),
        TEST(stop_answers_what_is_in_flight),
        TEST(stop_waits_for_the_disk),
        TEST(stop_has_limited_patience),
        TEST(socket_is_private_and_goes_away),
        TEST(path_of_a_living_server),
        TEST(path_of_a_dead_server),
        TEST(path_of_something_else),
        TEST(path_taken_over),
        TEST(addresses),
        TEST(uri_of_a_strange_path),
    };

    return cmocka_run_group_tests_name("NBD sockets", tests, NULL, NULL);
}
