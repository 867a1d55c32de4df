/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated client: the real libaoe, and a user who works on a part of the
 * disk as hard as possible and verifies everything.
 */
#ifndef TESTS_SIM_CLIENT_H
#define TESTS_SIM_CLIENT_H

#include "initiator/libaoe/aoe.h"
#include "tests/lib/link_pair.h"
#include "tests/sim/history.h"
#include "tests/sim/random.h"
#include "tests/sim/trace.h"

enum { CLIENT_OPS = 12, CLIENT_SECTORS_MAX = 48, CLIENT_PORTS = 2 };

struct client;

struct client_op {
    struct aoe_request request; /* first: done() finds the op by it */
    struct client *client;
    struct iovec iov;
    struct snapshot past;
    bool busy;
    uint64_t begun; /* ns */
    uint8_t data[CLIENT_SECTORS_MAX * 512];
};

struct client {
    int number;
    struct dice *dice;
    struct history history;
    struct trace *trace;
    const uint64_t *now;
    struct aoe *aoe;
    struct aoe_disk *disk;
    struct wire *wire;
    unsigned mtu;
    struct aoe_addr addr;
    struct link *ports[CLIENT_PORTS];
    unsigned port_count, ports_wanted;
    uint64_t first, sectors; /* its part of the disk */
    uint64_t span;           /* sectors, from first, of its small requests */
    uint64_t timeout;        /* ns, per request */
    uint64_t replay;         /* bytes of its replay log */
    unsigned left;           /* requests it still wants to make */
    unsigned running;
    unsigned ended, failed; /* requests */
    uint64_t heard, frames; /* when it received the last of `frames` */
    uint64_t answered;      /* when an answered request last succeeded */
    uint64_t pause_until;   /* it was refused: tries again then */
    uint64_t begin_at;      /* it is gone: when another takes its place */
    bool ready;
    bool conflict;              /* two disks were there when it opened one */
    unsigned conflicts, losses; /* of the disk, as its events said */
    unsigned replays;
    unsigned flushes_failed;
    uint64_t time_waits, late;  /* sums over its disks' counters */
    char why[HISTORY_WHY + 32]; /* not empty: the simulation has failed */
    struct client_op ops[CLIENT_OPS];
};

void client_open(struct client *c, struct wire *wire, unsigned ports,
                 unsigned mtu, struct aoe_addr addr);
void client_close(struct client *c);

/* It stops in the middle of its work.  From `at` on, another one with its
 * network addresses takes over its part of the disk: client_begin. */
void client_replace(struct client *c, uint64_t at);
void client_begin(struct client *c);
static inline bool client_gone(const struct client *c)
{
    return !c->aoe;
}
/* Opens its disk again, after a conflict. */
void client_reopen(struct client *c);

/* Submits as much as it may; the caller services c->aoe afterwards. */
void client_run(struct client *c);
/* One read of its part of the disk, `count` sectors at `lba` in it. */
void client_read(struct client *c, struct client_op *op, uint64_t lba,
                 uint64_t count);
void client_flush(struct client *c, struct client_op *op);
/* When it wants to run again; UINT64_MAX: when a request has ended. */
uint64_t client_next(const struct client *c);

#endif
