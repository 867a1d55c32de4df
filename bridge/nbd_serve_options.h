/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-nbd serve`.
 */
#ifndef BRIDGE_NBD_SERVE_OPTIONS_H
#define BRIDGE_NBD_SERVE_OPTIONS_H

#include "initiator/interfaces.h"

struct serve_options {
    uint16_t shelf;
    uint8_t slot;
    struct interfaces interfaces;      /* interfaces_free() */
    const char *unix_path, *tcp, *run; /* exactly one is given */
    struct aoe_disk_options disk;
    uint64_t wait; /* ns to find the disk in */
    size_t memory; /* bytes of requests in flight */
};

/* Returns -1 to go on, else the exit status, after having said why. */
int serve_options_parse(struct serve_options *o, int argc, char **argv);

#endif
