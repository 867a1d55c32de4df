/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests of NBD on real sockets: a server in this process, and clients that
 * turn its loop while they wait.
 */
#ifndef TESTS_UNIT_NBD_HOUSE_H
#define TESTS_UNIT_NBD_HOUSE_H

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

static inline void complete_all(void *arg)
{
    struct house *h = arg;

    nbd_memory_complete_all(&h->memory);
}

static inline void submitted(struct nbd_memory *memory)
{
    struct house *h = memory->arg;

    if (h->prompt)
        loop_task_queue(h->loop, &h->complete);
}

static inline void too_late(void *arg)
{
    (void)arg;
    fail_msg("nothing happened in %d seconds", DEADLINE);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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
static inline void once(void *arg)
{
    loop_stop(arg, 0);
}

static inline void turn(struct house *h)
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

static inline void arrived(void *arg, short revents)
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
static inline bool receive(struct visitor *v, void *into, size_t length)
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

static inline void await_end(struct visitor *v)
{
    uint8_t byte;

    assert_false(receive(v, &byte, 0));
}

static inline void say(struct visitor *v, const void *bytes, size_t length)
{
    assert_int_equal(send(v->fd, bytes, length, MSG_NOSIGNAL), length);
}

static inline void knock(struct house *h, struct visitor *v)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    *v = (struct visitor){.house = h};
    strcpy(sun.sun_path, h->path);
    v->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(v->fd >= 0);
    assert_int_equal(connect(v->fd, (struct sockaddr *)&sun, sizeof sun), 0);
}

static inline void enter(struct house *h, struct visitor *v)
{
    uint8_t hello[4 + NBD_OPTION_SIZE] = {0, 0, 0, 3}, greeting[18 + 10];

    knock(h, v);
    nbd_put_option(hello + 4, NBD_OPT_EXPORT_NAME, NULL, 0);
    say(v, hello, sizeof hello);
    assert_true(receive(v, greeting, sizeof greeting));
    assert_true(get_be64(greeting + 18) == DISK);
}

static inline void ask(struct visitor *v, uint16_t command, uint64_t offset,
                       uint32_t length)
{
    uint8_t header[NBD_REQUEST_SIZE];

    nbd_put_request(header, 0, command, 1, offset, length);
    say(v, header, sizeof header);
}

static inline unsigned answer(struct visitor *v)
{
    uint8_t reply[NBD_SIMPLE_REPLY_SIZE];

    assert_true(receive(v, reply, sizeof reply));
    assert_int_equal(get_be32(reply), NBD_SIMPLE_REPLY_MAGIC);
    return get_be32(reply + 4);
}

static inline void served(struct visitor *v)
{
    ask(v, NBD_CMD_FLUSH, 0, 0);
    assert_int_equal(answer(v), NBD_OK);
}

#endif
