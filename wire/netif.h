/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the system knows of a network interface; Linux and the BSDs.
 */
#ifndef WIRE_NETIF_H
#define WIRE_NETIF_H

#include <stdbool.h>

#include "wire/aoe.h"

struct netif {
    int index;          /* changes when an interface is made anew */
    unsigned mtu;       /* bytes of Ethernet payload */
    struct aoe_mac mac; /* all zero on a loopback */
    bool ethernet;      /* Ethernet, or a loopback that carries such frames */
    bool up;            /* switched on, and the link has a carrier */
};

/* 0, -ENODEV, or what the system answered. */
int netif_read(const char *name, struct netif *out);

#endif
