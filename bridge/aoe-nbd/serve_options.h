/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-nbd serve`.
 */
#ifndef BRIDGE_AOE_NBD_SERVE_OPTIONS_H
#define BRIDGE_AOE_NBD_SERVE_OPTIONS_H

#include "initiator/client/client_options.h"

enum { SERVE_DISKS_MAX = 64 };

struct serve_disk {
    uint16_t shelf;
    uint8_t slot;
};

struct serve_options {
    struct serve_disk disks[SERVE_DISKS_MAX]; /* all different */
    unsigned disk_count;                      /* at least 1 */
    /* Exactly one of these is set, or `inherited`. */
    const char *unix_path, *tcp, *run;
    unsigned inherited;           /* listening sockets that were passed to us */
    struct client_options client; /* of each disk; client_options_free() */
    size_t memory;                /* bytes of requests in flight */
};

/* Returns -1 to go on, else the exit status, after reporting why. */
int serve_options_parse(struct serve_options *o, int argc, char **argv);

#endif
