/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the system knows about a network interface; Linux and the BSDs.
 */
#ifndef WIRE_NETIF_H
#define WIRE_NETIF_H

#include <stdbool.h>

#include "wire/aoe.h"

struct netif {
    int index;          /* changes when an interface is created anew */
    unsigned mtu;       /* bytes of Ethernet payload */
    struct aoe_mac mac; /* all zero on a loopback */
    bool ethernet;      /* Ethernet, or a loopback that carries such frames */
    bool up;            /* enabled, and the link has a carrier */
};

/* 0, -ENODEV, or another -errno. */
int netif_read(const char *name, struct netif *out);
/* The name of the interface with this index; `name` has 64 bytes.  0, or
 * -ENODEV if there is none. */
int netif_name(int index, char *name);

#endif
