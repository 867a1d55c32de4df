/* SPDX-License-Identifier: BSD-2-Clause
 *
 * NBD clients and listeners on real sockets: paths and addresses, clients that
 * stall, leave or never begin, too few descriptors, and the end.
 */
#include <errno.h>
#include <netdb.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "bridge/nbd_listen.h"
#include "tests/lib/nbd_peer.h"

enum { DISK = 8 << 20, DEADLINE = 20 };

/* A server on a unix socket over a disk of memory, whose requests wait for the
 * test unless `prompt`. */
struct house {
    struct loop *loop;
    struct nbd_memory memory;
    const struct nbd_export *exports[1];
    struct nbd_service service;
    struct nbd_listener listener;
    struct loop_task complete;
    struct loop_timer deadline;
    bool prompt, stopped;
    unsigned left; /* clients that have gone */
    char directory[64], path[80];
};

static void complete_all(void *arg)
{
    struct house *h = arg;

    nbd_memory_complete_all(&h->memory);
}

static void submitted(struct nbd_memory *memory)
{
    struct house *h = memory->arg;

    if (h->prompt)
        loop_task_queue(h->loop, &h->complete);
}

static void too_late(void *arg)
{
    (void)arg;
    fail_msg("nothing happened in %d seconds", DEADLINE);
}

static int setup(void **state)
{
    struct house *h = calloc(1, sizeof *h);

    strcpy(h->directory, "/tmp/nbd-test-XXXXXX");
    assert_non_null(mkdtemp(h->directory));
    snprintf(h->path, sizeof h->path, "%s/s", h->directory);
    assert_int_equal(loop_open(&h->loop), 0);
    nbd_memory_open(&h->memory, DISK);
    h->memory.submitted = submitted;
    h->memory.arg = h;
    h->prompt = true;
    h->complete = (struct loop_task){.run = complete_all, .arg = h};
    h->deadline = (struct loop_timer){.expired = too_late, .arg = h};
    loop_timer_set(h->loop, &h->deadline,
                   loop_now(h->loop) + DEADLINE * NS_PER_S);
    h->exports[0] = &h->memory.export;
    nbd_service_open(&h->service, h->loop, h->exports, 1);
    assert_int_equal(nbd_listen_unix(&h->listener, &h->service, h->path), 0);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct house *h = *state;

    nbd_listener_close(&h->listener);
    nbd_memory_complete_all(&h->memory);
    nbd_service_close(&h->service);
    loop_close(h->loop);
    nbd_memory_close(&h->memory);
    assert_int_equal(rmdir(h->directory), 0);
    free(h);
    return 0;
}

/* Turns the loop once, without waiting. */
static void once(void *arg)
{
    loop_stop(arg, 0);
}

static void turn(struct house *h)
{
    struct loop_timer now = {.expired = once, .arg = h->loop};

    loop_timer_set(h->loop, &now, 0);
    assert_int_equal(loop_run(h->loop), 0);
}

/* ---- clients ------------------------------------------------------------- */

/* A client that turns the server's loop while it waits. */
struct visitor {
    struct house *house;
    int fd;
    struct loop_fd watch;
    uint8_t *into;
    size_t wanted; /* bytes still to come */
    bool ended;
};

static void arrived(void *arg, short revents)
{
    struct visitor *v = arg;
    ssize_t n = recv(v->fd, v->into, v->wanted ? v->wanted : 1, 0);

    (void)revents;
    if (n <= 0) {
        v->ended = true;
    } else {
        assert_true(v->wanted > 0); /* else it was to be the end */
        v->into += n;
        v->wanted -= (size_t)n;
    }
    if (v->ended || v->wanted == 0)
        loop_stop(v->house->loop, 0);
}

/* False: the connection ended instead, as it must when `length` is 0. */
static bool receive(struct visitor *v, void *into, size_t length)
{
    v->into = into;
    v->wanted = length;
    v->watch = (struct loop_fd){.fd = v->fd, .ready = arrived, .arg = v};
    assert_int_equal(loop_watch(v->house->loop, &v->watch, POLLIN), 0);
    do /* others stop the loop too */
        assert_int_equal(loop_run(v->house->loop), 0);
    while (!v->ended && (v->wanted > 0 || length == 0));
    loop_unwatch(v->house->loop, &v->watch);
    return !v->ended;
}

static void await_end(struct visitor *v)
{
    uint8_t byte;

    assert_false(receive(v, &byte, 0));
}

static void say(struct visitor *v, const void *bytes, size_t length)
{
    assert_int_equal(send(v->fd, bytes, length, MSG_NOSIGNAL), length);
}

static void knock(struct house *h, struct visitor *v)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    *v = (struct visitor){.house = h};
    strcpy(sun.sun_path, h->path);
    v->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(v->fd >= 0);
    assert_int_equal(connect(v->fd, (struct sockaddr *)&sun, sizeof sun), 0);
}

static void enter(struct house *h, struct visitor *v)
{
    uint8_t hello[4 + NBD_OPTION_SIZE] = {0, 0, 0, 3}, greeting[18 + 10];

    knock(h, v);
    nbd_put_option(hello + 4, NBD_OPT_EXPORT_NAME, NULL, 0);
    say(v, hello, sizeof hello);
    assert_true(receive(v, greeting, sizeof greeting));
    assert_true(get_be64(greeting + 18) == DISK);
}

static void ask(struct visitor *v, uint16_t command, uint64_t offset,
                uint32_t length)
{
    uint8_t header[NBD_REQUEST_SIZE];

    nbd_put_request(header, 0, command, 1, offset, length);
    say(v, header, sizeof header);
}

static unsigned answer(struct visitor *v)
{
    uint8_t reply[NBD_SIMPLE_REPLY_SIZE];

    assert_true(receive(v, reply, sizeof reply));
    assert_int_equal(get_be32(reply), NBD_SIMPLE_REPLY_MAGIC);
    return get_be32(reply + 4);
}

static void served(struct visitor *v)
{
    ask(v, NBD_CMD_FLUSH, 0, 0);
    assert_int_equal(answer(v), NBD_OK);
}

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

/* ---- clients that mean no good ------------------------------------------- */

static void silent_client_is_dropped(void **state)
{
    struct house *h = *state;
    struct visitor silent, slow, good;
    uint8_t greeting[NBD_GREETING_SIZE];

    h->service.handshake_limit = NS_PER_S / 20;
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
    h->service.server.bytes_max = 2 << 20;
    for (int i = 0; i < 4; i++)
        ask(&reader, NBD_CMD_READ, 0, 1 << 20);
    enter(h, &good);
    for (int i = 0; i < 10; i++)
        served(&good);
    assert_int_equal(h->memory.done[AOE_READ], 2);
    close(writer.fd);
    close(reader.fd);
    served(&good);
    close(good.fd);
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
    h->service.server.bytes_max = 4096;
    knock(h, &next);
    turn(h);
    turn(h);
    assert_true(list_empty(&h->service.clients));
    assert_int_equal(h->listener.watch.index, 0);
    nbd_memory_complete_all(&h->memory);
    assert_true(receive(&next, garbage, NBD_GREETING_SIZE));
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
    struct nbd_pool *pool = &h->service.server.pool;
    uint8_t data[5000] = {1, 2, 3}, back[sizeof data];
    struct visitor v = {.house = h};
    int ends[2];

    assert_int_equal(nbd_pool_reserve(pool, 4, 65536), 0);
    h->service.server.bytes_max = 4 * 65536;
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
    assert_int_equal(pool->free_bytes, 4 * 65536);

    h->prompt = false;
    for (int i = 0; i < 6; i++)
        ask(&v, NBD_CMD_READ, 0, 4096);
    turn(h);
    assert_int_equal(h->memory.pending_count, 4);
    assert_int_equal(pool->free_bytes, 0);
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
        TEST(silent_client_is_dropped),
        TEST(stalled_clients_cost_only_themselves),
        TEST(garbage_ends_the_connection),
        TEST(gone_before_the_reply),
        TEST(broken_off_requests_are_bounded),
        TEST(too_few_descriptors),
        TEST(client_without_handshake),
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
