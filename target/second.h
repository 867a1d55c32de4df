/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether the network has a disk of an address already.  Two different disks
 * under one shelf and slot destroy what a client keeps on either: it takes
 * whichever answers first, for each request anew (doc/safety.md).
 */
#ifndef TARGET_SECOND_H
#define TARGET_SECOND_H

#include <stdbool.h>

#include "target/export.h"
#include "wire/link.h"

/* The longest look, and when what may have been lost is asked again. */
#define SECOND_LOOK_NS  (300 * NS_PER_MS)
#define SECOND_AGAIN_NS (100 * NS_PER_MS)

struct second_question {
    const char *ifname;   /* who is out there, */
    struct aoe_addr addr; /* at this address, */
    const char *serial;   /* that is not this disk? */

    /* The answer. */
    bool found;
    struct aoe_mac mac;
    char theirs[EXPORT_SERIAL + 1]; /* its serial number; "": did not tell */
};

struct second_options {
    const char *backend; /* of links; NULL: the best there is */
    int (*link_open)(struct link **out, const char *ifname,
                     const struct link_options *o);
};

/* Asks everything at once, in a loop of its own, and waits for answers no
 * longer than SECOND_LOOK_NS.  An interface that is down or cannot be opened is
 * not asked.  0 or -errno. */
int second_look(struct second_question *questions, unsigned count,
                const struct second_options *o);

#endif
