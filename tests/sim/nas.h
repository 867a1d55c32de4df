/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated NAS: the target's responder and its disk, with order, epochs and
 * group commit, on a medium that is slow and fails.  What the target's server
 * and exports do around a disk is done here: accepting requests, committing now
 * and then, reopening a disk, starting and stopping.
 */
#ifndef TESTS_SIM_NAS_H
#define TESTS_SIM_NAS_H

#include <stdbool.h>
#include <stdint.h>

#include "target/serve/disk.h"
#include "tests/lib/link_pair.h"
#include "tests/sim/medium.h"
#include "tests/sim/random.h"

enum { NAS_PORTS = 2 };

struct nas_options {
    struct wire *wire;
    struct dice *dice;
    struct aoe_addr addr;
    uint64_t sectors;
    const char *serial;
    unsigned ports, mtu;
    bool vendor;        /* IDENTIFY reports losses */
    bool durable;       /* -s */
    bool remote;        /* the disk is on a remote server */
    uint64_t commit_ns; /* 0: never */
};

enum nas_state {
    NAS_SERVES,
    NAS_CLOSES, /* its disk is finishing its requests, to be reopened */
    NAS_STOPS,  /* the same, and then the target ends */
    NAS_OFF,
};

struct nas {
    struct dice *dice;
    struct export export; /* while the disk is closed */
    struct disk disk;
    struct medium medium;
    enum nas_state state;
    struct link *ports[NAS_PORTS];
    unsigned port_count;
    uint64_t now;
    bool vendor, remote;
    bool forgets;         /* does not recognize copies, like other targets */
    bool refuses_flushes; /* with ABRT */
    bool touched;         /* the disk wants to submit */
    bool pulled;          /* the device is unplugged */
    uint64_t commit_at;
    uint64_t open_at;     /* NAS_CLOSES: when the closed disk is reopened */
    bool closed;          /* there is no disk */
    struct epochs untold; /* of the disk that was closed */
    unsigned starts;      /* of the disk, which remembers nothing from before */

    uint64_t reopened, stopped_lossy, refused;
    uint64_t losses; /* announced */
};

void nas_open(struct nas *n, const struct nas_options *o, uint64_t now);
void nas_close(struct nas *n);

/* It takes a copy of a write for a new one, like other targets. */
void nas_knows_no_copies(struct nas *n);

/* Accepts what has arrived, completes what is due by `now`. */
void nas_run(struct nas *n, uint64_t now);
/* When the next operation is due; UINT64_MAX: none. */
uint64_t nas_next(const struct nas *n);

/* Whether no operation is in progress or waiting. */
bool nas_idle(const struct nas *n);

/* The disk is closed and reopened, as by a reload. */
void nas_reopen(struct nas *n);
/* The device is unplugged, until nas_reopen. */
void nas_pull(struct nas *n);
/* The target ends: at once, or in an orderly way, which takes a while. */
void nas_kill(struct nas *n);
void nas_stop(struct nas *n);
/* Power fails: operations in progress happen or not, and each unflushed sector
 * of the cache is lost or not, at random.  Returns how many sectors are not
 * what they were. */
uint64_t nas_crash(struct nas *n);
/* Starts it, if it is off; it announces itself. */
void nas_start(struct nas *n);
/* It announces itself to its clients. */
void nas_announce(struct nas *n);

#endif
