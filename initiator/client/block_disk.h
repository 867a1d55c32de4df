/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A libaoe disk as an NBD export.
 */
#ifndef INITIATOR_CLIENT_BLOCK_DISK_H
#define INITIATOR_CLIENT_BLOCK_DISK_H

#include "base/log.h"
#include "initiator/client/aoe_loop.h"
#include "initiator/client/block_export.h"
#include "initiator/client/disk_search.h"

struct nbd_disk {
    struct nbd_export export; /* valid once it was found */
    struct aoe_disk *disk;
    struct aoe_loop *loop;
    struct disk_search *search;
    /* Called when export.size has changed; may be set once the disk is open. */
    void (*resized)(void *arg);
    void (*settled)(void *arg); /* AOE_DISK_SETTLED */
    void *arg;
    uint64_t before; /* loss epoch that the first writer resumes; 0: none */
    char description[128];
    struct log_limit limit; /* of lines about its events */
};

/* Adds it to `search`, and logs its later events. 0, or -errno after reporting
 * what happened. */
int nbd_disk_open(struct nbd_disk *d, struct aoe_loop *loop,
                  struct disk_search *search, uint16_t shelf, uint8_t slot);
void nbd_disk_close(struct nbd_disk *d);

#endif
