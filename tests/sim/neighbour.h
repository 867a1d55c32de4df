/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A neighbour of the simulated clients: a host with another AoE initiator,
 * which sends plain FLUSHes and FUA writes to a few sectors of its own.  Only
 * an error tells it of a loss.
 */
#ifndef TESTS_SIM_NEIGHBOUR_H
#define TESTS_SIM_NEIGHBOUR_H

#include "tests/lib/link_pair.h"
#include "tests/sim/history.h"
#include "tests/sim/nas.h"
#include "tests/sim/random.h"
#include "tests/sim/trace.h"

enum { NEIGHBOUR_SECTORS = 8, NEIGHBOUR_FRAME = 1514, NEIGHBOUR_OPS = 300 };

/* A request: one per sector, and one that can report a loss (a flush or FUA
 * write), so that no two errors can overtake each other. */
struct neighbour_op {
    bool busy;
    uint8_t command; /* ATA */
    uint32_t tag;
    uint64_t begun, again_at; /* ns */
    unsigned starts;          /* of the NAS's disk, when it was sent */
    struct snapshot past;
    size_t len;
    uint8_t frame[NEIGHBOUR_FRAME];
};

struct neighbour {
    int number;
    struct dice *dice;
    struct trace *trace;
    struct history history;
    struct link *port;
    struct nas *nas;
    uint32_t tag;
    unsigned left;    /* requests it still has to make */
    uint64_t next_at; /* when it makes the next one */
    unsigned told;    /* errors of flushes and durable writes */
    uint64_t ended[NEIGHBOUR_OPS + 1]; /* ns, when the n-th one had; 0: no */
    bool failed[NEIGHBOUR_OPS + 1];    /* with an error */
    char why[HISTORY_WHY + 32]; /* not empty: the simulation has failed */
    struct neighbour_op ops[NEIGHBOUR_SECTORS + 1];
};

/* The first of its sectors is `first`. */
void neighbour_open(struct neighbour *b, struct wire *wire, struct nas *nas,
                    uint64_t first);
void neighbour_close(struct neighbour *b);

void neighbour_run(struct neighbour *b, uint64_t now);
/* When it wants to run again; UINT64_MAX: when an answer comes. */
uint64_t neighbour_next(const struct neighbour *b);

#endif
