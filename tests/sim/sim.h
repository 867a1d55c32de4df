/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One simulated network: its clients, its NAS, now and then a stranger under
 * the NAS's address, and what befalls them.
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
    PART = 160, /* sectors of a client */
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
    HAPPENED_STRANGER,
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
    bool vendor;  /* targets tell of losses in IDENTIFY */
    bool replay;  /* clients have a replay log */
    bool durable; /* the target runs with -s */
    unsigned mtu;
    struct client clients[CLIENTS_MAX];
    unsigned client_count;
    struct neighbour neighbours[NEIGHBOURS];
    struct nas stranger; /* another disk under the same address */
    bool stranger_here;
    uint64_t alone_since; /* when it left */
    const char *why;      /* it should not have happened */
    uint64_t peace;       /* ns between two accidents at most */
    uint64_t trouble_at;  /* when the next accident happens */
    uint64_t recover_at;  /* when what happened is over; UINT64_MAX: nothing */
    unsigned flaps;       /* how often the same cable still loses contact */
    struct link *flapping;
    bool doubling;       /* the wire doubles frames */
    bool answers_double; /* it doubles those to clients */
    bool quiet;          /* no more accidents */
    unsigned long steps;
    uint64_t happened[HAPPENINGS];
};

/* ---- accidents.c ---- */

/* Whatever is due: an accident, or its end. */
void sim_happen(struct sim *s);
/* When that will be; UINT64_MAX: nothing is planned. */
uint64_t sim_next_accident(const struct sim *s);
/* Chances of each wire, for this seed. */
void sim_set_faults(struct sim *s);
/* The same for a client that has just begun. */
void sim_wire_client(struct sim *s, struct client *c);
/* No more accidents, good wires, everybody at work. */
void sim_calm(struct sim *s);
/* Another disk appears, or leaves. */
void sim_stranger(struct sim *s);
void sim_stranger_leaves(struct sim *s);

/* All parts of the disk, as those know them who use them. */
void sim_each_history(struct sim *s, void (*f)(struct history *h));

/* ---- ending.c ---- */

/* What is left behind in a network where nothing is to be done any more; NULL:
 * nothing. */
const char *sim_left_behind(struct sim *s);
/* Adds up what the parts of the network have counted. */
void sim_count(struct sim *s);

#endif
