/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether the network has a disk of an address already.  Two different disks
 * under one shelf and slot destroy what a client keeps on either: it takes
 * whichever answers first, for each request anew (doc/safety.md).
 */
#ifndef TARGET_SERVE_SECOND_H
#define TARGET_SERVE_SECOND_H

#include <stdbool.h>

#include "base/loop.h"
#include "target/protocol/export.h"
#include "wire/link.h"

/* The longest look, and when what may have been lost is asked again. */
#define SECOND_LOOK_NS  (300 * NS_PER_MS)
#define SECOND_AGAIN_NS (100 * NS_PER_MS)

struct second_question {
    char ifname[LINK_NAME_MAX];     /* who is out there, */
    struct aoe_addr addr;           /* at this address, */
    char serial[EXPORT_SERIAL + 1]; /* that is not this disk? */
    uint64_t about;                 /* the caller's */

    /* The answer. */
    bool asked; /* the interface was up all the time: silence means something */
    bool found;
    struct aoe_mac mac;
    char theirs[EXPORT_SERIAL + 1]; /* its serial number; "": did not tell */
};

struct second_options {
    const char *backend; /* of links; NULL: the best there is */
    int (*link_open)(struct link **out, const char *ifname,
                     const struct link_options *o);
};

/* A look that is under way. */
struct second;

/* Asks everything at once.  `done` is called from the loop after
 * SECOND_LOOK_NS, or earlier if nobody can answer any more or all were found;
 * until then or second_close the questions stay where they are.  An interface
 * that is down or cannot be opened is not asked.  0 or -errno. */
int second_open(struct second **out, struct loop *loop,
                struct second_question *questions, unsigned count,
                const struct second_options *o, void (*done)(void *arg),
                void *arg);
/* Also before its end, or within `done`. */
void second_close(struct second *s);

/* The same in a loop of its own, which it waits for.  0 or -errno. */
int second_look(struct second_question *questions, unsigned count,
                const struct second_options *o);

#endif
