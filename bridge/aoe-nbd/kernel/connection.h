/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the files of `aoe-nbd connect` share: a disk, the kernel's device that
 * it has become, and the service between them.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_CONNECTION_H
#define BRIDGE_AOE_NBD_KERNEL_CONNECTION_H

#include "initiator/client/aoe_loop.h"
#include "initiator/client/background.h"
#include "bridge/aoe-nbd/kernel/connect_options.h"
#include "bridge/aoe-nbd/kernel/device.h"
#include "initiator/client/block_disk.h"
#include "bridge/nbd/service.h"

/* Calls that may block while the device has requests in flight. */
enum chore {
    CHORE_PERIOD,    /* shorten the time until the kernel resends a request */
    CHORE_SIZE,      /* tell the kernel the disk's size */
    CHORE_TAKE_AWAY, /* disconnect, if it is not in use */
    CHORES,
};

enum connection_state {
    CONNECTION_SEARCHING, /* for the disk; no service is open */
    CONNECTION_SERVING,   /* the service is open; c->index says of which device
                           * once there is one */
    CONNECTION_ENDING,    /* the kernel has let go of the device */
};

struct kernel_connection {
    struct connect_options options;
    enum connection_state state;
    struct background background;
    struct loop *loop;
    struct aoe *aoe;
    struct aoe_loop aoe_loop;
    struct nbd_disk disk;
    const struct nbd_export *exports[1];
    struct nbd_service service;
    struct disk_search search;
    struct aoe_request flush; /* the last one */
    char backend[KERNEL_BACKEND_MAX];
    int index;       /* of /dev/nbdN, once it is ours; or -1 */
    int socket;      /* our end, which the service owns */
    int lock;        /* kernel_server_lock(), or -1 */
    pid_t helper;    /* a child that talks to the kernel; 0: none */
    unsigned chores; /* queued for a helper: bits of 1 << enum chore */
};

/* ---- attach.c ----------------------------------------------------- */

/* Makes the disk a device, or resumes one; sets c->index, c->socket and
 * c->lock. 0, or -1 after reporting why not. */
int connection_attach(struct kernel_connection *c);

/* nbd_disk.settled: notes what the next server has to know. */
void connection_settled(void *arg);

/* "connect: e1.2: /dev/nbd0: WHY".  -1. */
int connection_refuse(const struct kernel_connection *c, const char *why);

/* ---- helper.c ----------------------------------------------------- */

/* Queues a chore for a helper.  They run one after the other, once there is a
 * device. */
void helper_chore(struct kernel_connection *c, enum chore chore);
/* To be called when a child has ended. */
void helper_ended(struct kernel_connection *c);

#endif
