/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One NBD client on a stream socket, for service.c.
 */
#ifndef BRIDGE_NBD_CLIENT_H
#define BRIDGE_NBD_CLIENT_H

#include "bridge/nbd/service.h"

struct nbd_client {
    struct nbd_conn conn;
    struct nbd_service *service;
    struct list link; /* of service->clients */
    struct loop_fd watch;
    struct loop_task task;      /* settles: sends, then waits for what is due */
    struct loop_timer deadline; /* of the handshake */
    uint64_t moved; /* when it last took a reply, or sent what we wait for */
    bool full;      /* the last write filled the socket */
};
_Static_assert(sizeof(struct nbd_client) <= NBD_CONNECTION_COST,
               "more than the budget counts");

/* A client on `fd`, the newest of the service's; NULL without memory for it,
 * and `fd` is closed. */
struct nbd_client *nbd_client_new(struct nbd_service *service, int fd);

/* Closes its connection and socket and frees it; `why` is for the log. */
void nbd_client_drop(struct nbd_client *client, const char *why);

/* Sees to it that whoever waits for what others have does not wait for ever. */
void nbd_watch_stalls(struct nbd_service *service);
/* It has held what others wait for, and not moved, for too long. */
bool nbd_client_stalls(const struct nbd_client *client);

#endif
