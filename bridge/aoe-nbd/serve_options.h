/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-nbd serve`.
 */
#ifndef BRIDGE_AOE_NBD_SERVE_OPTIONS_H
#define BRIDGE_AOE_NBD_SERVE_OPTIONS_H

#include "initiator/client/client_options.h"
#include "initiator/client/disk_names.h"

struct serve_options {
    struct disk_names disks; /* at least 1 */
    /* Exactly one of these is set, or `inherited`. */
    const char *unix_path, *tcp, *run;
    unsigned inherited;           /* listening sockets that were passed to us */
    struct client_options client; /* of each disk; client_options_free() */
    bool syslog;                  /* log there */
    size_t memory;                /* bytes of requests in flight */
};

/* Returns -1 to go on, else the exit status, after reporting why. */
int serve_options_parse(struct serve_options *o, int argc, char **argv);

#endif
