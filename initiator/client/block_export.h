/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the NBD server needs from a disk. initiator/client/block_disk.c
 * implements it with a libaoe disk, tests with memory.
 */
#ifndef INITIATOR_CLIENT_BLOCK_EXPORT_H
#define INITIATOR_CLIENT_BLOCK_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "initiator/libaoe/aoe.h"

struct nbd_export {
    const char *name;        /* "e1.2" */
    const char *description; /* for people: model, serial, size */
    uint64_t size;           /* bytes; can grow while clients are connected */
    uint32_t sector;         /* smallest write without read-modify-write */
    bool read_only;
    bool trim;        /* AOE_TRIM works */
    bool trim_zeroes; /* and trimmed blocks read as zeroes */
    bool rotating;

    /* As aoe_submit: 0, and request->done is called later, never from here; or
     * -errno, and it is not called. */
    int (*submit)(void *disk, struct aoe_request *request);
    void *disk;

    /* As aoe_writer_open and aoe_writer_close, for each connection; NULL: there
     * are none. */
    struct aoe_writer *(*join)(void *disk);
    void (*leave)(struct aoe_writer *writer);
};

#endif
