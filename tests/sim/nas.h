/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A NAS of the simulation: the real responder and the real order of requests,
 * over a disk of memory that takes its time, has a volatile cache, fails
 * sometimes, and can crash.
 */
#ifndef TESTS_SIM_NAS_H
#define TESTS_SIM_NAS_H

#include <stdbool.h>
#include <stdint.h>

#include "target/export.h"
#include "target/order.h"
#include "target/recent.h"
#include "tests/lib/link_pair.h"
#include "tests/sim/random.h"

enum { NAS_PORTS = 2 };

struct nas {
    struct dice *dice;
    struct export export;
    struct order order;
    struct link *ports[NAS_PORTS];
    unsigned port_count;
    uint64_t sectors;
    uint8_t *cache;  /* what a read returns */
    uint8_t *medium; /* what a crash leaves */
    struct recent *recent;
    bool forgets;     /* does not know copies, like other people's targets */
    struct list busy; /* of job.link: operations under way */
    uint64_t now;
    bool down;
    uint64_t flushes_begun, flushed; /* numbers: the newest of each */

    uint64_t slowest;        /* ns an ordinary operation takes at most */
    unsigned stall_chance;   /* in a million: takes seconds instead */
    unsigned error_chance;   /* in a million: fails */
    uint64_t stalls, errors; /* so often it did */
};

void nas_open(struct nas *n, struct wire *wire, struct dice *dice,
              struct aoe_addr addr, uint64_t sectors, const char *serial,
              unsigned ports, unsigned mtu);
void nas_close(struct nas *n);

/* Takes what arrived, completes what is due by `now`. */
void nas_run(struct nas *n, uint64_t now);
/* When the next operation is due; UINT64_MAX: none. */
uint64_t nas_next(const struct nas *n);

/* Whether no operation is under way or waiting. */
bool nas_idle(const struct nas *n);

/* Power fails: operations under way happen or not, the cache is lost where it
 * was not flushed, sector by sector as chance has it.  Returns how many
 * sectors are not what they were. */
uint64_t nas_crash(struct nas *n);
/* Comes back, and announces itself. */
void nas_restart(struct nas *n);

#endif
