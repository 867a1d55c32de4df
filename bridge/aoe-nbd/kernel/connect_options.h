/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of `aoe-nbd connect`.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_CONNECT_OPTIONS_H
#define BRIDGE_AOE_NBD_KERNEL_CONNECT_OPTIONS_H

#include <stdbool.h>

#include "initiator/client/client_options.h"

struct connect_options {
    const char *name; /* "e1.2" */
    uint16_t shelf;
    uint8_t slot;
    int index;                    /* of /dev/nbdN; -1: any */
    struct client_options client; /* client_options_free() */
    unsigned hold; /* seconds that requests wait for a new server */
    bool swap;
    bool resume; /* take a device whose server is gone, make no new one */
    bool again;  /* the same, but make a new device if there is none */
};

/* Returns -1 to go on, else the exit status, after reporting why. */
int connect_options_parse(struct connect_options *o, int argc, char **argv);

#endif
