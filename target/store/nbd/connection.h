/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A connection to an NBD server that is made again whenever it is lost, in the
 * loop and without blocking.  What to ask the server is its owner's business.
 */
#ifndef TARGET_STORE_NBD_CONNECTION_H
#define TARGET_STORE_NBD_CONNECTION_H

#include <libnbd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/loop.h"

/* What the server said about the export in the handshake. */
struct nbd_facts {
    uint64_t size;      /* bytes */
    uint64_t minimum;   /* of a request's length and offset, bytes */
    uint64_t preferred; /* block size, bytes; 0: not stated */
    uint64_t maximum;   /* bytes that one request may carry */
    bool read_only;
    bool can_flush; /* else there is no cache to flush */
    bool can_fua;
    bool can_trim;
};

struct nbd_connection {
    /* Set by the owner. */
    struct loop *loop;
    const char *uri;
    /* Commands have completed, or the connection is up again. */
    void (*progress)(void *arg);
    /* It was up, and is lost: no command that was sent will complete. */
    void (*lost)(void *arg);
    void *arg;

    struct nbd_handle *handle; /* NULL: between two attempts */
    bool up;                   /* requests can be made */
    struct nbd_facts facts;    /* of the latest connection */

    /* Private. */
    bool first; /* it was never up: a failure is its end */
    struct loop_fd watch;
    struct loop_timer timer; /* the next attempt, or the end of this one */
    uint64_t pause;          /* before the next attempt, ns */
    char *name;              /* of the export */
    struct sockaddr_storage peer;
    socklen_t peer_len; /* 0: connect by URI */
};

/* Connects, and blocks for the server.  Errors are logged.  0 or -errno. */
int nbd_connection_open(struct nbd_connection *c);
/* The same in the loop: `progress` is called when it is up, and when it has
 * failed, which leaves no handle.  0, or -errno if it failed at once.  Either
 * way nbd_connection_close must be called in the end. */
int nbd_connection_begin(struct nbd_connection *c);
void nbd_connection_close(struct nbd_connection *c);

/* To be called after commands were sent: watches the descriptor for whatever
 * libnbd waits for, and calls `lost` if libnbd has found the connection lost.
 */
void nbd_connection_update(struct nbd_connection *c);

/* Gives the connection up.  `why` is for the user. */
void nbd_connection_drop(struct nbd_connection *c, const char *why);

/* The server has done something: after a loss it may soon be tried again. */
void nbd_connection_works(struct nbd_connection *c);

#endif
