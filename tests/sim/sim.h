/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One simulated network: its clients, its NAS, now and then another disk at
 * the NAS's address, and what happens to them.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/client.h"
#include "tests/sim/nas.h"
#include "tests/sim/neighbour.h"

enum {
    CLIENTS_MAX = 2,
    PART = 160, /* sectors per client */
    HOT = 24,
    OPS = 220,
    NEIGHBOURS = 2,
};

/* What can happen; each must have happened somewhere in many seeds. */
enum happening {
    HAPPENED_CRASH,
    HAPPENED_KILL,
    HAPPENED_RESTART,
    HAPPENED_RESTART_LOSSY,
    HAPPENED_REOPEN,
    HAPPENED_PULL,
    HAPPENED_RECONNECT,
    HAPPENED_REFUSED_FLUSH,
    HAPPENED_CABLE,
    HAPPENED_FLAPPING,
    HAPPENED_MTU,
    HAPPENED_HOLE,
    HAPPENED_OTHER_DISK,
    HAPPENED_TAKEOVER,
    HAPPENED_LOST_SECTORS,
    HAPPENED_LOST_WRITE_BACKS,
    HAPPENED_FAILED_SYNC,
    HAPPENED_WRITE_AGAIN,
    HAPPENED_LOSS,
    HAPPENED_FLUSH_FAILED,
    HAPPENED_NEIGHBOUR_TOLD,
    HAPPENED_REPLAY,
    HAPPENED_STALL,
    HAPPENED_DISK_ERROR,
    HAPPENED_FRAME_LOST,
    HAPPENED_FRAME_DOUBLED,
    HAPPENED_RESPONSE_DOUBLED,
    HAPPENED_FRAME_OVERTAKEN,
    HAPPENED_FRAME_CORRUPTED,
    HAPPENED_FRAME_SWALLOWED,
    HAPPENED_CONFLICT,
    HAPPENED_DISK_LOST,
    HAPPENED_TIME_WAIT,
    HAPPENED_LATE,
    HAPPENINGS
};

struct sim {
    struct dice dice;
    struct wire *wire;
    uint64_t now;
    struct trace trace;
    struct nas nas;
    bool vendor;  /* targets report losses in IDENTIFY */
    bool replay;  /* clients have a replay log */
    bool durable; /* the target runs with -s */
    unsigned mtu;
    struct client clients[CLIENTS_MAX];
    unsigned client_count;
    struct neighbour neighbours[NEIGHBOURS];
    struct nas other_disk; /* another disk at the same address */
    bool other_disk_here;
    uint64_t alone_since; /* when it left */
    const char *why;      /* what should not have happened */
    uint64_t peace;       /* ns between two accidents at most */
    uint64_t trouble_at;  /* when the next accident happens */
    uint64_t recover_at;  /* when the current one ends; UINT64_MAX: none */
    unsigned flaps;       /* how many more times the same cable loses contact */
    struct link *flapping;
    bool doubling;       /* the wire duplicates frames */
    bool answers_double; /* only those to clients */
    bool quiet;          /* no more accidents */
    unsigned long steps;
    uint64_t happened[HAPPENINGS];
};

/* ---- accidents.c ---- */

/* Whatever is due: an accident, or its end. */
void sim_happen(struct sim *s);
/* When that will be; UINT64_MAX: nothing is planned. */
uint64_t sim_next_accident(const struct sim *s);
/* Fault rates of each wire, for this seed. */
void sim_set_faults(struct sim *s);
/* The same for a client that has just started. */
void sim_wire_client(struct sim *s, struct client *c);
/* No more accidents, good wires, everything up. */
void sim_calm(struct sim *s);
/* Another disk appears, or leaves. */
void sim_other_disk(struct sim *s);
void sim_other_disk_leaves(struct sim *s);

/* All parts of the disk, as their users know them. */
void sim_each_history(struct sim *s, void (*f)(struct history *h));

/* ---- ending.c ---- */

/* What is left behind in a network with no work left; NULL: nothing. */
const char *sim_left_behind(struct sim *s);
/* Adds up the counters of the parts of the network. */
void sim_count(struct sim *s);

#endif
