/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Duplicate address detection, as in IPv4 (RFC 5227): whether the network
 * already has another disk with an address.  Two disks under one shelf and slot
 * destroy a client's data on both: for each request it uses whichever responds
 * first (doc/safety.md).
 */
#ifndef TARGET_SERVE_DUPLICATE_H
#define TARGET_SERVE_DUPLICATE_H

#include <stdbool.h>

#include "base/loop.h"
#include "target/protocol/export.h"
#include "wire/link.h"

/* The longest that a check takes, and when it repeats its queries in case a
 * frame was lost. */
#define DUPLICATE_CHECK_NS (300 * NS_PER_MS)
#define DUPLICATE_RETRY_NS (100 * NS_PER_MS)

struct duplicate_query {
    char ifname[LINK_NAME_MAX];     /* does anybody on this network */
    struct aoe_addr addr;           /* serve this address */
    char serial[EXPORT_SERIAL + 1]; /* with another disk than this one? */
    uint64_t about;                 /* the caller's */

    /* The result. */
    bool asked; /* the interface was up throughout: silence means something */
    int err;    /* -errno: it cannot be asked at all, as after --user */
    bool conflict;
    struct aoe_mac mac;                   /* who */
    char other_serial[EXPORT_SERIAL + 1]; /* "": it did not tell */
};

struct duplicate_options {
    const char *backend; /* of links; NULL: the best available */
    int (*link_open)(struct link **out, const char *ifname,
                     const struct link_options *o);
};

/* A check in progress. */
struct duplicate_check;

/* Sends all queries at once.  `done` is called from the loop after
 * DUPLICATE_CHECK_NS, or earlier if nobody can respond any more or every query
 * has found a conflict; until then, or duplicate_check_close, the queries must
 * stay in place.  An interface that is down or cannot be opened is not asked;
 * `err` of its queries is set before this returns.
 * 0 or -errno. */
int duplicate_check_open(struct duplicate_check **out, struct loop *loop,
                         struct duplicate_query *queries, unsigned count,
                         const struct duplicate_options *o,
                         void (*done)(void *arg), void *arg);
/* Logs, once for each, which interfaces of a check that has begun cannot be
 * asked.  At the start the failure to serve there says so. */
void duplicate_check_cannot(const struct duplicate_query *q, unsigned count);
/* Also before its end, or within `done`. */
void duplicate_check_close(struct duplicate_check *c);

/* The same, blocking, in a loop of its own.  0 or -errno. */
int duplicate_check_wait(struct duplicate_query *queries, unsigned count,
                         const struct duplicate_options *o);

#endif
