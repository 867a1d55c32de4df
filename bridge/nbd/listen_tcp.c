/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Listening on TCP: on this machine's own address unless another is given.
 */
#include "bridge/nbd/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"

enum { HOST_MAX = 256 };

/* Splits "PORT", "ADDR:PORT" or "[ADDR]:PORT" into `host`, where the result's
 * address lies, and returns the port; NULL: it is none of them. */
static const char *split_address(const char *address, char *host, size_t size)
{
    const char *colon = strrchr(address, ':'), *from = address, *port = address;
    size_t length = 0;
    uint64_t number;

    if (colon) {
        port = colon + 1;
        length = (size_t)(colon - address);
        if (length >= 2 && address[0] == '[' && colon[-1] == ']') {
            from++;
            length -= 2;
        } else if (memchr(address, ':', length)) {
            return NULL; /* IPv6 needs the brackets */
        }
    }
    if (length >= size || option_u64(port, 0, UINT16_MAX, &number))
        return NULL;
    memcpy(host, from, length);
    host[length] = '\0';
    if (length == 0)
        snprintf(host, size, "127.0.0.1");
    return port;
}

bool nbd_tcp_address(const char *address)
{
    char host[HOST_MAX];

    return split_address(address, host, sizeof host) != NULL;
}

static int bind_tcp(const struct addrinfo *ai, int *out)
{
    int on = 1, fd = socket(ai->ai_family, SOCK_STREAM, 0), err = 0;

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen)) {
        err = -errno;
        close(fd);
    }
    *out = fd;
    return err;
}

int nbd_listen_tcp(struct nbd_listener *listener, struct nbd_service *service,
                   const char *address)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[HOST_MAX];
    const char *port = split_address(address, host, sizeof host);
    int fd = -1, err;

    *listener = (struct nbd_listener){0};
    if (!port) {
        log_error("listening on %s: not PORT, ADDR:PORT or [ADDR]:PORT",
                  address);
        return -EINVAL;
    }
    err = getaddrinfo(host, port, &hints, &found);
    if (err) {
        log_error("listening on %s: %s", address, gai_strerror(err));
        return -EINVAL;
    }
    err = bind_tcp(found, &fd);
    freeaddrinfo(found);
    if (!err) {
        err = nbd_listener_start(listener, service, fd);
        if (err) {
            *listener = (struct nbd_listener){0};
            close(fd);
        }
    }
    if (err)
        log_error("listening on %s: %s", address, strerror(-err));
    return err;
}
