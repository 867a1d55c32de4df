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
    /* May be set once it is open: export.size has changed. */
    void (*resized)(void *arg);
    void (*settled)(void *arg); /* AOE_DISK_SETTLED */
    void *arg;
    uint64_t before; /* aoe_writer_resume of the first client; 0: it is new */
    char description[128];
    struct log_limit limit; /* of lines about its fate */
};

/* Makes it one of those that `search` looks for, and logs what happens to it
 * later on.  0, or -errno after saying what happened. */
int nbd_disk_open(struct nbd_disk *d, struct aoe_loop *loop,
                  struct disk_search *search, uint16_t shelf, uint8_t slot);
void nbd_disk_close(struct nbd_disk *d);

#endif
