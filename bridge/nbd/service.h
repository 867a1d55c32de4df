/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The NBD server on the sockets of its clients, in base/loop.
 */
#ifndef BRIDGE_NBD_SERVICE_H
#define BRIDGE_NBD_SERVICE_H

#include <stdbool.h>

#include "base/loop.h"
#include "bridge/nbd/server.h"

struct nbd_service {
    struct nbd_server server;
    struct loop *loop;
    struct list clients;
    unsigned accepted; /* clients so far; they are numbered in the log */
    uint64_t handshake_timeout; /* ns a client has until it transmits */
    uint64_t drain_timeout;     /* ns it has to take its replies at the end */
    uint64_t stall_timeout;     /* ns it may hold what others wait for, idle */
    struct loop_timer stall;    /* while somebody waits for that */

    /* May be NULL: a client is gone, for whatever reason. */
    void (*left)(void *arg);
    void *left_arg;

    bool stopping;
    void (*stopped)(void *arg); /* no client and no request is left */
    void *arg;
    struct loop_task end;
    struct loop_timer drain; /* with clients that do not take replies */
};

/* `exports` stays the caller's, as long as the service is open. */
void nbd_service_open(struct nbd_service *service, struct loop *loop,
                      const struct nbd_export *const *exports,
                      unsigned export_count);

/* Serves a connected stream socket, which the service owns from now on also
 * when this fails.  -ENOMEM. */
int nbd_service_adopt(struct nbd_service *service, int fd);

/* The same for a client that needs no handshake: its requests for `export`
 * come at once. */
int nbd_service_adopt_export(struct nbd_service *service, int fd,
                             const struct nbd_export *export);

/* Lets the disks end what they have in flight and the clients take the
 * replies, refuses everything else, then calls `stopped` once. */
void nbd_service_stop(struct nbd_service *service, void (*stopped)(void *arg),
                      void *arg);

/* Drops the clients.  Requests the disks still have must have ended before.  A
 * zero-initialised service that was never opened needs none. */
void nbd_service_close(struct nbd_service *service);

#endif
