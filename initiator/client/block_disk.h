/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A libaoe disk as an NBD export.
 */
#ifndef INITIATOR_CLIENT_BLOCK_DISK_H
#define INITIATOR_CLIENT_BLOCK_DISK_H

#include "base/log.h"
#include "initiator/client/aoe_loop.h"
#include "initiator/client/block_export.h"

struct nbd_disk {
    struct nbd_export export; /* valid from `ready` on */
    struct aoe_disk *disk;
    struct aoe_loop *loop;
    void (*ready)(void *arg); /* the disk was found (once) */
    /* May be set once it is open: two disks have its address, so that it will
     * never be ready; and: export.size has changed. */
    void (*conflict)(void *arg);
    void (*resized)(void *arg);
    void (*settled)(void *arg); /* AOE_DISK_SETTLED */
    void *arg;
    uint64_t before; /* aoe_writer_resume of the first client; 0: it is new */
    char description[128];
    struct log_limit limit; /* of lines about its fate */
};

/* Begins to look for the disk and says on standard error what happens to it
 * later on.  0 or -errno. */
int nbd_disk_open(struct nbd_disk *d, struct aoe_loop *loop, uint16_t shelf,
                  uint8_t slot, const struct aoe_disk_options *options,
                  void (*ready)(void *arg), void *arg);
void nbd_disk_close(struct nbd_disk *d);

#endif
