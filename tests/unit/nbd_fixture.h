/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of NBD on real sockets: a server in this process, and clients that
 * run its loop while they wait.
 */
#ifndef TESTS_UNIT_NBD_FIXTURE_H
#define TESTS_UNIT_NBD_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
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
#include "bridge/nbd/listen.h"
#include "tests/lib/nbd_peer.h"

enum { DISK = 8 << 20, DEADLINE = 20 };

/* A server on a unix socket over an in-memory disk, whose requests wait for the
 * test unless `prompt`. */
struct nbd_fixture {
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

static inline void complete_all(void *arg)
{
    struct nbd_fixture *f = arg;

    nbd_memory_complete_all(&f->memory);
}

static inline void submitted(struct nbd_memory *memory)
{
    struct nbd_fixture *f = memory->arg;

    if (f->prompt)
        loop_task_queue(f->loop, &f->complete);
}

static inline void too_late(void *arg)
{
    (void)arg;
    fail_msg("nothing happened in %d seconds", DEADLINE);
}

static inline int setup(void **state)
{
    struct nbd_fixture *f = calloc(1, sizeof *f);

    strcpy(f->directory, "/tmp/nbd-test-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/s", f->directory);
    assert_int_equal(loop_open(&f->loop), 0);
    nbd_memory_open(&f->memory, DISK);
    f->memory.submitted = submitted;
    f->memory.arg = f;
    f->prompt = true;
    f->complete = (struct loop_task){.run = complete_all, .arg = f};
    f->deadline = (struct loop_timer){.expired = too_late, .arg = f};
    loop_timer_set(f->loop, &f->deadline,
                   loop_now(f->loop) + DEADLINE * NS_PER_S);
    f->exports[0] = &f->memory.export;
    nbd_service_open(&f->service, f->loop, f->exports, 1);
    assert_int_equal(nbd_listen_unix(&f->listener, &f->service, f->path), 0);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct nbd_fixture *f = *state;

    nbd_listener_close(&f->listener);
    nbd_memory_complete_all(&f->memory);
    nbd_service_close(&f->service);
    loop_close(f->loop);
    nbd_memory_close(&f->memory);
    assert_int_equal(rmdir(f->directory), 0);
    free(f);
    return 0;
}

/* Runs one turn of the loop, without waiting. */
static inline void once(void *arg)
{
    loop_stop(arg, 0);
}

static inline void turn(struct nbd_fixture *f)
{
    struct loop_timer now = {.expired = once, .arg = f->loop};

    loop_timer_set(f->loop, &now, 0);
    assert_int_equal(loop_run(f->loop), 0);
}

/* ---- clients ------------------------------------------------------------- */

/* A client that runs the server's loop while it waits. */
struct test_client {
    struct nbd_fixture *fixture;
    int fd;
    struct loop_fd watch;
    uint8_t *into;
    size_t wanted; /* bytes still to come */
    bool ended;
};

static inline void arrived(void *arg, short revents)
{
    struct test_client *c = arg;
    ssize_t n = recv(c->fd, c->into, c->wanted ? c->wanted : 1, 0);

    (void)revents;
    if (n <= 0) {
        c->ended = true;
    } else {
        assert_true(c->wanted > 0); /* else it was to be the end */
        c->into += n;
        c->wanted -= (size_t)n;
    }
    if (c->ended || c->wanted == 0)
        loop_stop(c->fixture->loop, 0);
}

/* False: the connection ended instead, as it must if `length` is 0. */
static inline bool receive(struct test_client *c, void *into, size_t length)
{
    c->into = into;
    c->wanted = length;
    c->watch = (struct loop_fd){.fd = c->fd, .ready = arrived, .arg = c};
    assert_int_equal(loop_watch(c->fixture->loop, &c->watch, POLLIN), 0);
    do /* others stop the loop too */
        assert_int_equal(loop_run(c->fixture->loop), 0);
    while (!c->ended && (c->wanted > 0 || length == 0));
    loop_unwatch(c->fixture->loop, &c->watch);
    return !c->ended;
}

static inline void assert_ended(struct test_client *c)
{
    uint8_t byte;

    assert_false(receive(c, &byte, 0));
}

static inline void send_bytes(struct test_client *c, const void *bytes,
                              size_t length)
{
    assert_int_equal(send(c->fd, bytes, length, MSG_NOSIGNAL), length);
}

static inline void connect_client(struct nbd_fixture *f, struct test_client *c)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    *c = (struct test_client){.fixture = f};
    strcpy(sun.sun_path, f->path);
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&sun, sizeof sun), 0);
}

static inline void open_client(struct nbd_fixture *f, struct test_client *c)
{
    uint8_t hello[4 + NBD_OPTION_SIZE] = {0, 0, 0, 3}, greeting[18 + 10];

    connect_client(f, c);
    nbd_put_option(hello + 4, NBD_OPT_EXPORT_NAME, NULL, 0);
    send_bytes(c, hello, sizeof hello);
    assert_true(receive(c, greeting, sizeof greeting));
    assert_true(get_be64(greeting + 18) == DISK);
}

static inline void send_request(struct test_client *c, uint16_t command,
                                uint64_t offset, uint32_t length)
{
    uint8_t header[NBD_REQUEST_SIZE];

    nbd_put_request(header, 0, command, 1, offset, length);
    send_bytes(c, header, sizeof header);
}

static inline unsigned reply_error(struct test_client *c)
{
    uint8_t reply[NBD_SIMPLE_REPLY_SIZE];

    assert_true(receive(c, reply, sizeof reply));
    assert_int_equal(get_be32(reply), NBD_SIMPLE_REPLY_MAGIC);
    return get_be32(reply + 4);
}

static inline void assert_served(struct test_client *c)
{
    send_request(c, NBD_CMD_FLUSH, 0, 0);
    assert_int_equal(reply_error(c), NBD_OK);
}

#endif
