/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Deterministic simulation: real initiators and the real responder on a wire
 * that loses, doubles, delays and reorders, with a NAS that stalls, fails and
 * crashes, all from one seed and in one process.
 *
 * It holds for every seed that a read returns only what the acknowledged
 * writes allow, that nothing flushed is lost in a crash, that every request
 * ends, and that nothing is left behind when it is over.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "initiator/disk.h"
#include "tests/sim/client.h"
#include "tests/sim/nas.h"

enum { CLIENTS_MAX = 2, PART = 160, HOT = 24, OPS = 220 };

struct sim {
    struct dice dice;
    struct wire *wire;
    uint64_t now;
    struct trace trace;
    struct history history;
    struct nas nas;
    struct client clients[CLIENTS_MAX];
    unsigned client_count;
    uint64_t trouble_at; /* when the next accident happens */
    uint64_t recover_at; /* when what happened is over; UINT64_MAX: nothing */
    bool doubling;       /* the wire doubles frames */
    bool quiet;          /* no more accidents */
};

/* ---- accidents ------------------------------------------------------------
 */

static struct link *any_port(struct sim *s)
{
    uint64_t n = dice_below(&s->dice, 2);
    struct client *c = &s->clients[dice_below(&s->dice, s->client_count)];

    return n ? s->nas.ports[dice_below(&s->dice, s->nas.port_count)]
             : c->ports[dice_below(&s->dice, c->port_count)];
}

static void accident(struct sim *s)
{
    struct link *port = any_port(s);

    s->recover_at = s->now + dice_below(&s->dice, 6 * NS_PER_S);
    switch (dice_below(&s->dice, 4)) {
    case 0:
        trace_say(&s->trace, s->now, "NAS: power fails");
        if (s->history.replay) /* a machine takes its time to start */
            s->recover_at += 4 * NS_PER_S;
        nas_crash(&s->nas);
        history_crash(&s->history);
        break;
    case 1:
        trace_say(&s->trace, s->now, "a cable is pulled: ..%02x",
                  port->mac.b[5]);
        wire_port_up(port, false);
        break;
    case 2:
        trace_say(&s->trace, s->now, "MTU of ..%02x is 1500", port->mac.b[5]);
        wire_port_mtu(port, 1500);
        break;
    case 3:
        trace_say(&s->trace, s->now, "NAS restarts in an orderly way");
        nas_restart(&s->nas);
        break;
    }
}

static void each_port(struct sim *s, void (*f)(struct link *l))
{
    for (unsigned i = 0; i < s->nas.port_count; i++)
        f(s->nas.ports[i]);
    for (unsigned c = 0; c < s->client_count; c++)
        for (unsigned i = 0; i < s->clients[c].port_count; i++)
            f(s->clients[c].ports[i]);
}

static void plug_in(struct link *l)
{
    wire_port_up(l, true);
}

static void calm(struct link *l)
{
    static const struct wire_faults none = {.delay_ns = 20000};

    wire_port_faults(l, WIRE_TX, &none);
    wire_port_faults(l, WIRE_RX, &none);
}

static void recover(struct sim *s)
{
    trace_say(&s->trace, s->now, "all is well again");
    each_port(s, plug_in);
    if (s->nas.down)
        nas_restart(&s->nas);
    s->recover_at = UINT64_MAX;
    s->trouble_at = s->now + dice_below(&s->dice, 20 * NS_PER_S);
}

static void happen(struct sim *s)
{
    if (s->recover_at <= s->now)
        recover(s);
    else if (!s->quiet && s->recover_at == UINT64_MAX &&
             s->trouble_at <= s->now)
        accident(s);
}

/* ---- time -----------------------------------------------------------------
 */

static void earlier(uint64_t *next, uint64_t at)
{
    if (at < *next)
        *next = at;
}

static uint64_t next_event(struct sim *s)
{
    uint64_t next = wire_next(s->wire);

    earlier(&next, nas_next(&s->nas));
    earlier(&next, s->recover_at);
    if (!s->quiet && s->recover_at == UINT64_MAX)
        earlier(&next, s->trouble_at);
    for (unsigned i = 0; i < s->client_count; i++) {
        struct client *c = &s->clients[i];

        earlier(&next, s->now + (uint64_t)aoe_timeout(c->aoe));
        earlier(&next, client_next(c));
    }
    return next;
}

static const char *step(struct sim *s)
{
    uint64_t next;

    wire_advance(s->wire, s->now);
    happen(s);
    nas_run(&s->nas, s->now);
    wire_advance(s->wire, s->now);
    for (unsigned i = 0; i < s->client_count; i++) {
        client_run(&s->clients[i]);
        aoe_service(s->clients[i].aoe);
        if (s->clients[i].why[0])
            return s->clients[i].why;
    }
    next = next_event(s);
    s->now = next > s->now ? next : s->now + 1;
    return NULL;
}

static bool working(const struct sim *s)
{
    for (unsigned i = 0; i < s->client_count; i++)
        if (s->clients[i].left || s->clients[i].running)
            return true;
    return false;
}

/* Turns until nobody has anything to do, or until `limit`. */
static const char *run(struct sim *s, uint64_t limit)
{
    uint64_t end = s->now + limit;
    const char *why = NULL;

    while (!why && working(s)) {
        if (s->now > end)
            return "requests do not end";
        why = step(s);
    }
    return why;
}

static const char *wait_for(struct sim *s, uint64_t ns)
{
    uint64_t end = s->now + ns;
    const char *why = NULL;

    while (!why && s->now < end)
        why = step(s);
    return why;
}

/* ---- one seed -------------------------------------------------------------
 */

static void make_faults(struct sim *s, struct wire_faults *f)
{
    static const uint32_t levels[] = {0, 1000, 10000, 50000, 100000};
    struct dice *d = &s->dice;

    *f = (struct wire_faults){
        .loss = levels[dice_below(d, 5)],
        .reorder = levels[dice_below(d, 5)],
        .delay_ns = dice_below(d, NS_PER_MS),
        .jitter_ns = dice_below(d, 300 * NS_PER_US),
        .hold_ns = dice_below(d, 600 * NS_PER_MS),
    };
    /* Ethernet doubles no frame.  Where something does, the second one follows
     * closely, and the target has to know it again. */
    if (s->doubling) {
        f->duplicate = levels[dice_below(d, 4)];
        f->hold_ns = dice_below(d, NS_PER_MS);
    }
}

static void add_client(struct sim *s, unsigned mtu)
{
    static const uint64_t timeouts[] = {4 * NS_PER_S, 15 * NS_PER_S,
                                        60 * NS_PER_S};
    struct client *c = &s->clients[s->client_count];

    c->number = (int)++s->client_count;
    c->dice = &s->dice;
    c->history = &s->history;
    c->trace = &s->trace;
    c->now = &s->now;
    c->first = (uint64_t)(s->client_count - 1) * PART;
    c->sectors = PART;
    c->span = dice_below(&s->dice, 3) ? PART : HOT;
    c->timeout = timeouts[dice_below(&s->dice, 3)];
    c->replay =
        s->history.replay ? UINT64_C(4096) << dice_below(&s->dice, 10) : 0;
    c->left = OPS;
    client_open(c, s->wire, 1 + (unsigned)dice_below(&s->dice, 2), mtu,
                s->nas.export.addr);
}

static void begin(struct sim *s, uint64_t seed)
{
    struct aoe_addr addr = {1, 2};
    unsigned clients, mtu;

    memset(s, 0, sizeof *s);
    s->dice.state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    s->now = NS_PER_S;
    s->recover_at = UINT64_MAX;
    s->trouble_at = s->now + dice_below(&s->dice, 20 * NS_PER_S);
    s->wire = wire_new(dice_roll(&s->dice));
    if (!s->wire)
        abort();
    wire_watch(s->wire, trace_frame, &s->trace);
    wire_advance(s->wire, s->now);
    clients = 1 + (unsigned)dice_below(&s->dice, CLIENTS_MAX);
    mtu = dice_below(&s->dice, 2) ? 1500 : 9000;
    history_init(&s->history, (uint64_t)clients * PART);
    s->history.replay = dice_below(&s->dice, 3) == 0;
    nas_open(&s->nas, s->wire, &s->dice, addr, s->history.sectors, "one",
             1 + (unsigned)dice_below(&s->dice, NAS_PORTS), mtu);
    s->nas.slowest = dice_below(&s->dice, 5 * NS_PER_MS);
    s->nas.stall_chance =
        dice_below(&s->dice, 2) ? 0 : (unsigned)dice_below(&s->dice, 20000);
    s->nas.error_chance =
        dice_below(&s->dice, 4) ? 0 : (unsigned)dice_below(&s->dice, 5000);
    while (s->client_count < clients)
        add_client(s, mtu);
}

static void set_faults(struct sim *s)
{
    struct wire_faults f;

    s->doubling = dice_below(&s->dice, 3) == 0;
    s->nas.forgets = !s->doubling && dice_below(&s->dice, 2);
    for (unsigned c = 0; c < s->client_count; c++)
        for (unsigned i = 0; i < s->clients[c].port_count; i++) {
            make_faults(s, &f);
            wire_port_faults(s->clients[c].ports[i], WIRE_TX, &f);
            make_faults(s, &f);
            wire_port_faults(s->clients[c].ports[i], WIRE_RX, &f);
        }
}

/* When all has calmed down: every sector is read once more, and nothing may be
 * left of what was. */
static const char *last_look(struct sim *s)
{
    const char *why;

    for (uint64_t at = 0; at < PART; at += CLIENT_SECTORS_MAX) {
        uint64_t n =
            PART - at < CLIENT_SECTORS_MAX ? PART - at : CLIENT_SECTORS_MAX;

        for (unsigned i = 0; i < s->client_count; i++)
            client_read(&s->clients[i], &s->clients[i].ops[0], at, n);
        why = run(s, 300 * NS_PER_S);
        if (why)
            return why;
    }
    why = wait_for(s, 3 * NS_PER_S);
    for (unsigned i = 0; !why && i < s->client_count; i++) {
        struct aoe_disk *d = s->clients[i].disk;
        struct aoe_stats stats;

        aoe_disk_stats(d, &stats);
        if (stats.in_flight || stats.queued)
            why = "frames or requests are left behind";
        else if (d->fence.count)
            why = "a fence is left behind";
        else if (d->replay && replay_holds_data(d->replay))
            why = "the replay log is not flushed by an idle disk";
        else if (d->blocked || !list_empty(&d->writes))
            why = "a write still waits for another";
        else if (!aoe_disk_ready(d))
            why = "the disk did not come back";
    }
    return why;
}

static const char *simulate(struct sim *s, uint64_t seed)
{
    const char *why;

    begin(s, seed);
    why = wait_for(s, 2 * NS_PER_S); /* finding it, on a good wire */
    set_faults(s);
    if (!why)
        why = run(s, 4000 * NS_PER_S);
    s->quiet = true;
    s->nas.stall_chance = s->nas.error_chance = 0;
    each_port(s, calm);
    recover(s);
    if (!why)
        why = wait_for(s, 20 * NS_PER_S);
    if (!why)
        why = last_look(s);
    return why;
}

static void end(struct sim *s)
{
    for (unsigned i = 0; i < s->client_count; i++)
        client_close(&s->clients[i]);
    nas_close(&s->nas);
    wire_free(s->wire);
    history_fini(&s->history);
}

/* ---- many seeds -----------------------------------------------------------
 */

int main(int argc, char **argv)
{
    static struct sim sim;
    uint64_t seeds = 1000, first = 1, requests = 0, failed = 0;
    int c;

    while ((c = getopt(argc, argv, "n:s:")) != -1)
        if (c == 'n' ? option_u64(optarg, 1, UINT64_MAX, &seeds)
                     : c != 's' || option_u64(optarg, 0, UINT64_MAX, &first)) {
            fprintf(stderr, "usage: sim [-n SEEDS] [-s FIRST]\n");
            return EXIT_USAGE;
        }
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        const char *why = simulate(&sim, seed);

        if (why) {
            trace_print(&sim.trace, stdout);
            printf("seed %" PRIu64 " failed: %s\n"
                   "replay it with: sim -n 1 -s %" PRIu64 "\n",
                   seed, why, seed);
            return EXIT_FAILED;
        }
        for (unsigned i = 0; i < sim.client_count; i++) {
            requests += sim.clients[i].ended;
            failed += sim.clients[i].failed;
        }
        end(&sim);
    }
    printf("%" PRIu64 " seeds, %" PRIu64 " requests, of which %" PRIu64
           " ended with an error\n",
           seeds, requests, failed);
    return EXIT_DONE;
}
