/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sockets that wait for NBD clients and hand them to a service.
 */
#ifndef BRIDGE_NBD_LISTEN_H
#define BRIDGE_NBD_LISTEN_H

#include <sys/types.h>

#include "bridge/nbd/service.h"

enum { NBD_INHERITED_MAX = 16 };

struct nbd_listener {
    struct nbd_service *service;
    struct loop_fd watch;
    struct loop_timer retry; /* when accepting may work again */
    char *path;              /* of a unix socket, else NULL */
    dev_t device;            /* it and the inode tell whether */
    ino_t inode;             /* the file there is still ours */
};

/* Both say on standard error what is wrong before they return -errno.
 *
 * The unix socket is for its owner only (mode 0600).  A socket file that
 * nobody listens on any more is replaced; one that has a server, or anything
 * else at that path, is an error. */
int nbd_listen_unix(struct nbd_listener *listener, struct nbd_service *service,
                    const char *path);

/* `address` is "PORT", "ADDR:PORT" or "[ADDR]:PORT"; without an address only
 * this machine can connect (127.0.0.1).  Port 0: any free one. */
int nbd_listen_tcp(struct nbd_listener *listener, struct nbd_service *service,
                   const char *address);
/* Whether it has one of these forms. */
bool nbd_tcp_address(const char *address);

/* What this process was started with: how many sockets somebody listens on for
 * it, at most NBD_INHERITED_MAX. */
unsigned nbd_inherited_sockets(void);
/* Serves the one of that number.  -errno after saying why not. */
int nbd_listen_inherited(struct nbd_listener *listener,
                         struct nbd_service *service, unsigned which);
/* Programs this one starts are not to take them for theirs. */
void nbd_inherited_forget(void);

/* Stops listening and removes the socket file; clients stay. */
void nbd_listener_close(struct nbd_listener *listener);

/* The NBD URI of an export behind this listener. */
void nbd_listener_uri(const struct nbd_listener *listener, const char *name,
                      char *out, size_t size);

/* ---- for listen_*.c -------------------------------------------------- */

/* Non-blocking, and closed in programs this one starts. */
void nbd_socket_flags(int fd);

/* Begins to accept on a bound socket.  0 or -errno; the socket is the
 * listener's only in the first case. */
int nbd_listener_start(struct nbd_listener *listener,
                       struct nbd_service *service, int fd);

#endif
