/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where an NBD server listens: paths of sockets, addresses, and the URIs that
 * lead there.
 */
#include "tests/unit/nbd_fixture.h"

/* ---- paths --------------------------------------------------------------- */

static void socket_is_private_and_goes_away(void **state)
{
    struct nbd_fixture *f = *state;
    struct stat st;

    assert_int_equal(stat(f->path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    nbd_listener_close(&f->listener);
    assert_int_equal(stat(f->path, &st), -1);
}

static void path_of_a_living_server(void **state)
{
    struct nbd_fixture *f = *state;
    struct nbd_listener second;
    struct test_client c;

    assert_int_equal(nbd_listen_unix(&second, &f->service, f->path),
                     -EADDRINUSE);
    nbd_listener_close(&second);
    open_client(f, &c);
    assert_served(&c);
    close(c.fd);
}

static void path_of_a_dead_server(void **state)
{
    struct nbd_fixture *f = *state;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct nbd_listener second;
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(sun.sun_path, sizeof sun.sun_path, "%s/dead", f->directory);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    assert_int_equal(nbd_listen_unix(&second, &f->service, sun.sun_path), 0);
    assert_int_equal(stat(sun.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    nbd_listener_close(&second);
    assert_int_equal(stat(sun.sun_path, &st), -1);
}

static void path_of_something_else(void **state)
{
    struct nbd_fixture *f = *state;
    struct nbd_listener second;
    char path[100], longer[200];
    struct stat st;

    snprintf(path, sizeof path, "%s/file", f->directory);
    close(open(path, O_CREAT | O_WRONLY, 0644));
    assert_int_equal(nbd_listen_unix(&second, &f->service, path), -EEXIST);
    assert_int_equal(stat(path, &st), 0);
    unlink(path);
    snprintf(path, sizeof path, "%s/none/s", f->directory);
    assert_int_equal(nbd_listen_unix(&second, &f->service, path), -ENOENT);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(nbd_listen_unix(&second, &f->service, longer),
                     -ENAMETOOLONG);
}

/* A socket file that is not ours any more stays. */
static void path_taken_over(void **state)
{
    struct nbd_fixture *f = *state;
    struct stat st;

    assert_int_equal(unlink(f->path), 0);
    close(open(f->path, O_CREAT | O_WRONLY, 0644));
    nbd_listener_close(&f->listener);
    assert_int_equal(stat(f->path, &st), 0);
    unlink(f->path);
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
    struct nbd_fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nbd_listener l;
        int err = nbd_listen_tcp(&l, &f->service, cases[i].address);
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

static void uri_of_an_odd_path(void **state)
{
    struct nbd_fixture *f = *state;
    struct nbd_listener l;
    char path[100], uri[300], want[200];

    snprintf(path, sizeof path, "%s/a b&c?%%", f->directory);
    snprintf(want, sizeof want,
             "nbd+unix:///e1.2?socket=%s/a%%20b%%26c%%3F%%25", f->directory);
    assert_int_equal(nbd_listen_unix(&l, &f->service, path), 0);
    nbd_listener_uri(&l, "e1.2", uri, sizeof uri);
    assert_string_equal(uri, want);
    nbd_listener_close(&l);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(socket_is_private_and_goes_away),
        TEST(path_of_a_living_server),
        TEST(path_of_a_dead_server),
        TEST(path_of_something_else),
        TEST(path_taken_over),
        TEST(addresses),
        TEST(uri_of_an_odd_path),
    };

    return cmocka_run_group_tests_name("NBD listeners", tests, NULL, NULL);
}
