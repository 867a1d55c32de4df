/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Connecting to an NBD server, at the start and again after each loss, with
 * growing pauses.  libnbd speaks the protocol; the loop waits.
 */
#include "target/store/nbd/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Short enough to find a server that is back in time for the requests that wait
 * for it (requests.c). */
#define PAUSE_FIRST (100 * NS_PER_MS)
#define PAUSE_MAX   NS_PER_S
#define HANDSHAKE   (10 * NS_PER_S)

enum {
    PAYLOAD_MIN = 512,      /* a server that offers less is wrong */
    PAYLOAD_MAX = 32 << 20, /* for servers that state no limit */
    SILENCE_SECONDS = 10,   /* of the peer's TCP, before it is given up */
};

static const char unanswered[] = "the server does not answer";

/* libnbd's text for its latest error, without the function's name. */
static const char *reason(void)
{
    const char *text = nbd_get_error(), *colon = text ? strstr(text, ": ") : "";

    if (!text)
        return "no reason given";
    return colon && strncmp(text, "nbd_", 4) == 0 ? colon + 2 : text;
}

/* ---- one attempt ----------------------------------------------------------
 */

/* Whoever started us vouches for user names and key files in the URI. */
static int start(struct nbd_connection *c)
{
    c->handle = nbd_create();
    if (!c->handle)
        return -1;
    if (nbd_set_uri_allow_local_file(c->handle, true))
        return -1;
    /* A host name would be looked up again, which blocks. */
    if (c->peer_len)
        return nbd_set_export_name(c->handle, c->name) ||
                       nbd_aio_connect(c->handle, (struct sockaddr *)&c->peer,
                                       c->peer_len)
                   ? -1
                   : 0;
    return nbd_aio_connect_uri(c->handle, c->uri);
}

static uint64_t block_size(struct nbd_handle *h, int which)
{
    int64_t n = nbd_get_block_size(h, which);

    return n > 0 ? (uint64_t)n : 0;
}

static int learn(struct nbd_connection *c)
{
    struct nbd_handle *h = c->handle;
    struct nbd_facts *f = &c->facts;
    int64_t size = nbd_get_size(h);

    if (size < 0)
        return -1;
    *f = (struct nbd_facts){
        .size = (uint64_t)size,
        .minimum = block_size(h, LIBNBD_SIZE_MINIMUM),
        .preferred = block_size(h, LIBNBD_SIZE_PREFERRED),
        .maximum = block_size(h, LIBNBD_SIZE_MAXIMUM),
        .read_only = nbd_is_read_only(h) != 0,
        .can_flush = nbd_can_flush(h) > 0,
        .can_fua = nbd_can_fua(h) > 0,
        .can_trim = nbd_can_trim(h) > 0,
    };
    if (f->maximum < f->minimum || f->maximum < PAYLOAD_MIN)
        f->maximum = PAYLOAD_MAX;
    return 0;
}

/* A machine that lost its power closes no connection: TCP must notice. */
static void mind_silence(int fd)
{
    int on = 1, idle = SILENCE_SECONDS / 2, between = 2;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#ifdef TCP_KEEPIDLE
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
#endif
#ifdef TCP_USER_TIMEOUT
    {
        unsigned ms = SILENCE_SECONDS * 1000;

        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
    }
#endif
    (void)idle;
    (void)between;
}

static void established(struct nbd_connection *c)
{
    int fd = nbd_aio_get_fd(c->handle);

    mind_silence(fd);
    if (c->name)
        return;
    /* The first time.  With TLS the name in the URI must match the certificate,
     * so each connection is made by URI. */
    c->name = nbd_get_export_name(c->handle);
    c->peer_len = sizeof c->peer;
    if (!c->name || nbd_get_tls_negotiated(c->handle) != 0 ||
        getpeername(fd, (struct sockaddr *)&c->peer, &c->peer_len) ||
        (c->peer.ss_family != AF_INET && c->peer.ss_family != AF_INET6))
        c->peer_len = 0;
}

/* ---- in the loop ----------------------------------------------------------
 */

static void again_later(struct nbd_connection *c)
{
    loop_timer_set(c->loop, &c->timer, loop_clock(c->loop) + c->pause);
    c->pause = c->pause * 2 < PAUSE_MAX ? c->pause * 2 : PAUSE_MAX;
}

void nbd_connection_drop(struct nbd_connection *c, const char *why)
{
    bool was_up = c->up;

    if (was_up)
        log_error("%s: connection lost: %s; trying again", c->uri, why);
    else if (c->first)
        log_error("%s: connecting: %s", c->uri, why);
    else
        log_debug("%s: not connected: %s", c->uri, why);
    loop_unwatch(c->loop, &c->watch);
    nbd_close(c->handle);
    c->handle = NULL;
    c->up = false;
    if (c->first)
        loop_timer_cancel(c->loop, &c->timer);
    else
        again_later(c);
    if (was_up)
        c->lost(c->arg);
}

/* False: there is no connection any more. */
static bool watch(struct nbd_connection *c)
{
    int fd = nbd_aio_get_fd(c->handle);
    unsigned direction = nbd_aio_get_direction(c->handle);
    short events = 0;

    if (fd < 0 || nbd_aio_is_dead(c->handle) > 0) {
        nbd_connection_drop(c, "it broke");
        return false;
    }
    if (nbd_aio_is_closed(c->handle) > 0) {
        nbd_connection_drop(c, "the server closed it");
        return false;
    }
    if (direction & LIBNBD_AIO_DIRECTION_READ)
        events |= POLLIN;
    if (direction & LIBNBD_AIO_DIRECTION_WRITE)
        events |= POLLOUT;
    /* A server may have several addresses; the next one has another socket. */
    if (c->watch.fd != fd) {
        loop_unwatch(c->loop, &c->watch);
        c->watch.fd = fd;
    }
    if (loop_watch(c->loop, &c->watch, events)) {
        nbd_connection_drop(c, strerror(ENOMEM));
        return false;
    }
    return true;
}

void nbd_connection_update(struct nbd_connection *c)
{
    if (c->handle)
        watch(c);
}

static void come_up(struct nbd_connection *c)
{
    if (learn(c)) {
        nbd_connection_drop(c, reason());
        return;
    }
    loop_timer_cancel(c->loop, &c->timer);
    established(c);
    c->up = true;
    if (!c->first)
        log_info("%s: connected again", c->uri);
    c->first = false;
}

static void on_ready(void *arg, short revents)
{
    struct nbd_connection *c = arg;
    unsigned direction = nbd_aio_get_direction(c->handle);
    int failed = 0;

    /* libnbd finds out what is wrong with the socket when it uses it. */
    if ((direction & LIBNBD_AIO_DIRECTION_READ) && (revents & ~POLLOUT))
        failed = nbd_aio_notify_read(c->handle);
    else if (direction & LIBNBD_AIO_DIRECTION_WRITE)
        failed = nbd_aio_notify_write(c->handle);
    if (failed)
        nbd_connection_drop(c, reason());
    else if (watch(c) && !c->up && nbd_aio_is_ready(c->handle) > 0)
        come_up(c);
    c->progress(c->arg);
}

static void on_timer(void *arg)
{
    struct nbd_connection *c = arg;

    if (c->handle) {
        bool first = c->first;

        nbd_connection_drop(c, first ? unanswered : "no answer");
        if (first)
            c->progress(c->arg);
        return;
    }
    if (start(c)) {
        log_debug("%s: not connected: %s", c->uri, reason());
        nbd_close(c->handle);
        c->handle = NULL;
        again_later(c);
        return;
    }
    loop_timer_set(c->loop, &c->timer, loop_clock(c->loop) + HANDSHAKE);
    watch(c);
}

/* ---- open and close -------------------------------------------------------
 */

static int connect_first(struct nbd_connection *c)
{
    uint64_t end = clock_ns() + HANDSHAKE;

    if (start(c))
        return -1;
    while (nbd_aio_is_ready(c->handle) == 0) {
        uint64_t now = clock_ns();

        if (now >= end)
            return -ETIMEDOUT;
        if (nbd_poll(c->handle, (int)((end - now) / NS_PER_MS) + 1) < 0)
            return -1;
    }
    return learn(c);
}

static void prepare(struct nbd_connection *c)
{
    c->watch = (struct loop_fd){.fd = -1, .ready = on_ready, .arg = c};
    c->timer = (struct loop_timer){.expired = on_timer, .arg = c};
    c->pause = PAUSE_FIRST;
}

int nbd_connection_begin(struct nbd_connection *c)
{
    prepare(c);
    c->first = true;
    if (start(c)) {
        nbd_connection_drop(c, reason());
        return -ENOTCONN;
    }
    if (loop_timer_set(c->loop, &c->timer, loop_clock(c->loop) + HANDSHAKE)) {
        nbd_connection_drop(c, strerror(ENOMEM));
        return -ENOMEM;
    }
    return watch(c) ? 0 : -ENOTCONN;
}

int nbd_connection_open(struct nbd_connection *c)
{
    int err = connect_first(c);

    prepare(c);
    if (!err) {
        established(c);
        c->up = watch(c);
        return 0;
    }
    log_error("%s: connecting: %s", c->uri,
              err == -ETIMEDOUT ? unanswered : reason());
    nbd_connection_close(c);
    return err == -ETIMEDOUT ? err : -ENOTCONN;
}

void nbd_connection_close(struct nbd_connection *c)
{
    loop_timer_cancel(c->loop, &c->timer);
    loop_unwatch(c->loop, &c->watch);
    if (c->up)
        nbd_aio_disconnect(c->handle, 0);
    nbd_close(c->handle);
    free(c->name);
}

void nbd_connection_works(struct nbd_connection *c)
{
    c->pause = PAUSE_FIRST;
}
