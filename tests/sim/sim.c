/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Deterministic simulation: real initiators and the target's real responder and
 * disk on a wire that loses, duplicates, delays and reorders, with a medium
 * that stalls and loses the contents of its cache, and a NAS that crashes, all
 * from one seed and in one process.
 *
 * For every seed, a read returns only what the acknowledged writes allow, what
 * a flush or a durable write reported as done is on the medium unless an error
 * was reported, every request ends, and nothing is left behind afterwards.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "tests/sim/sim.h"
#include "tests/sim/world.h"

enum { STEPS_MAX = 2000000 }; /* per seed; ten thousand or so are usual */

/* ---- time -----------------------------------------------------------------
 */

static void earlier(uint64_t *next, uint64_t at)
{
    if (at < *next)
        *next = at;
}

/* A client that is gone is replaced, and one that found two disks tries again;
 * neither while there are two, since the wire may hide one of them. */
static uint64_t again_at(const struct sim *s, const struct client *c)
{
    if (s->other_disk_here || !(client_gone(c) || c->conflict))
        return UINT64_MAX;
    return client_gone(c) ? c->begin_at : s->alone_since + NS_PER_S;
}

static uint64_t next_event(struct sim *s)
{
    uint64_t next = wire_next(s->wire);

    earlier(&next, nas_next(&s->nas));
    if (s->other_disk_here)
        earlier(&next, nas_next(&s->other_disk));
    earlier(&next, sim_next_accident(s));
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        earlier(&next, neighbour_next(&s->neighbours[i]));
    for (unsigned i = 0; i < s->client_count; i++) {
        struct client *c = &s->clients[i];

        earlier(&next, again_at(s, c));
        if (client_gone(c))
            continue;
        earlier(&next, s->now + (uint64_t)aoe_timeout(c->aoe));
        earlier(&next, client_next(c));
    }
    return next;
}

static void begin_again(struct sim *s, struct client *c)
{
    if (again_at(s, c) > s->now)
        return;
    if (client_gone(c)) {
        trace_say(&s->trace, s->now, "client %d: another one begins",
                  c->number);
        client_begin(c);
        sim_wire_client(s, c);
    } else {
        client_reopen(c);
    }
}

static const char *step(struct sim *s)
{
    uint64_t next;

    wire_advance(s->wire, s->now);
    sim_happen(s);
    nas_run(&s->nas, s->now);
    if (s->other_disk_here)
        nas_run(&s->other_disk, s->now);
    wire_advance(s->wire, s->now);
    for (unsigned i = 0; i < s->client_count; i++) {
        struct client *c = &s->clients[i];

        begin_again(s, c);
        if (client_gone(c))
            continue;
        client_run(c);
        aoe_service(c->aoe);
        if (c->why[0])
            return c->why;
    }
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        neighbour_run(&s->neighbours[i], s->now);
        if (s->neighbours[i].why[0])
            return s->neighbours[i].why;
    }
    if (++s->steps > STEPS_MAX)
        return "no progress although everyone is busy";
    next = next_event(s);
    s->now = next > s->now ? next : s->now + 1;
    return s->why;
}

static bool working(const struct sim *s)
{
    for (unsigned i = 0; i < s->client_count; i++)
        if (s->clients[i].left || s->clients[i].running)
            return true;
    return false;
}

static const char unended[] = "requests do not end";

/* Runs until nobody has anything to do, or until `limit`. */
static const char *run(struct sim *s, uint64_t limit)
{
    uint64_t end = s->now + limit;
    const char *why = NULL;

    while (!why && working(s)) {
        if (s->now > end)
            return unended;
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

static void add_client(struct sim *s)
{
    static const uint64_t timeouts[] = {4 * NS_PER_S, 15 * NS_PER_S,
                                        60 * NS_PER_S};
    struct client *c = &s->clients[s->client_count];

    c->number = (int)++s->client_count;
    c->dice = &s->dice;
    c->trace = &s->trace;
    c->now = &s->now;
    c->first = (uint64_t)(s->client_count - 1) * PART;
    c->sectors = PART;
    c->span = dice_below(&s->dice, 3) ? PART : HOT;
    c->timeout = timeouts[dice_below(&s->dice, 3)];
    c->replay = s->replay ? UINT64_C(4096) << dice_below(&s->dice, 10) : 0;
    c->left = OPS;
    history_init(&c->history, c->first, PART, s->nas.medium.kept);
    c->history.replay = s->replay;
    c->history.aware = s->vendor;
    c->history.durable = s->durable;
    client_open(c, s->wire, 1 + (unsigned)dice_below(&s->dice, 2), s->mtu,
                s->nas.export.addr);
}

static void add_neighbours(struct sim *s, uint64_t first)
{
    for (int i = 0; i < NEIGHBOURS; i++) {
        struct neighbour *b = &s->neighbours[i];

        b->number = i + 1;
        b->dice = &s->dice;
        b->trace = &s->trace;
        b->left = NEIGHBOUR_OPS;
        b->next_at = s->now + dice_below(&s->dice, NS_PER_S);
        neighbour_open(b, s->wire, &s->nas,
                       first + (uint64_t)i * NEIGHBOUR_SECTORS);
        b->history.durable = s->durable;
    }
}

static void fell(void *arg, uint64_t lba)
{
    struct sim *s = arg;

    for (unsigned i = 0; i < s->client_count; i++)
        history_lost(&s->clients[i].history, lba);
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        history_lost(&s->neighbours[i].history, lba);
}

static void begin_medium(struct sim *s, uint64_t neighbours)
{
    static const unsigned losses[] = {0, 0, 200, 2000, 20000};
    static const unsigned often[] = {0, 3000, 30000, 200000};
    struct medium *m = &s->nas.medium;
    struct dice *d = &s->dice;

    m->slowest = dice_below(d, 5 * NS_PER_MS);
    m->stall_chance = dice_below(d, 2) ? 0 : (unsigned)dice_below(d, 8000);
    m->error_chance = dice_below(d, 4) ? 0 : (unsigned)dice_below(d, 5000);
    m->loss_chance = losses[dice_below(d, 5)];
    m->write_back_chance = often[dice_below(d, 4)];
    m->evict_chance = often[dice_below(d, 4)];
    /* A client that learns of a loss only from an error must get every answer,
     * and libaoe's clients do not on these wires: then only their neighbours'
     * data is lost. */
    m->loss_from = s->vendor ? 0 : neighbours;
    m->fell = fell;
    m->arg = s;
}

static void begin_nas(struct sim *s, uint64_t neighbours)
{
    static const uint64_t commits[] = {0, NS_PER_S, 5 * NS_PER_S};
    struct nas_options o = {
        .wire = s->wire,
        .dice = &s->dice,
        .addr = {1, 2},
        .sectors = neighbours + NEIGHBOURS * NEIGHBOUR_SECTORS,
        .serial = "one",
        .ports = 1 + (unsigned)dice_below(&s->dice, NAS_PORTS),
        .mtu = s->mtu,
        .vendor = s->vendor,
        .durable = s->durable,
        .remote = dice_below(&s->dice, 4) == 0,
        .commit_ns = commits[dice_below(&s->dice, 3)],
    };

    nas_open(&s->nas, &o, s->now);
    begin_medium(s, neighbours);
}

static void begin(struct sim *s, uint64_t seed)
{
    static const uint64_t peace[] = {NS_PER_S / 5, 2 * NS_PER_S, 20 * NS_PER_S};
    unsigned clients;

    memset(s, 0, sizeof *s);
    s->dice.state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    s->now = NS_PER_S;
    world_begin(&s->now, &s->trace, seed);
    s->recover_at = UINT64_MAX;
    s->peace = peace[dice_below(&s->dice, 3)];
    s->trouble_at = s->now + 2 * NS_PER_S + dice_below(&s->dice, s->peace);
    s->wire = wire_new(dice_roll(&s->dice));
    if (!s->wire)
        abort();
    wire_watch(s->wire, trace_frame, &s->trace);
    wire_advance(s->wire, s->now);
    clients = 1 + (unsigned)dice_below(&s->dice, CLIENTS_MAX);
    s->mtu = dice_below(&s->dice, 3) ? 9000 : 1500;
    s->vendor = dice_below(&s->dice, 4) != 0;
    s->replay = dice_below(&s->dice, 3) == 0;
    s->durable = dice_below(&s->dice, 5) == 0;
    begin_nas(s, (uint64_t)clients * PART);
    add_neighbours(s, (uint64_t)clients * PART);
    if (dice_below(&s->dice, 20) == 0) {
        sim_other_disk(s);
        s->recover_at = s->now + 3 * NS_PER_S;
    }
    while (s->client_count < clients)
        add_client(s);
}

/* Whoever has not been told of a loss yet is told now; then nobody is left. */
static const char *last_flushes(struct sim *s)
{
    const char *why;

    for (unsigned i = 0; i < s->client_count; i++)
        client_flush(&s->clients[i], &s->clients[i].ops[0]);
    why = run(s, 300 * NS_PER_S);
    for (unsigned i = 0; i < s->client_count; i++)
        client_flush(&s->clients[i], &s->clients[i].ops[1]);
    return why;
}

/* When all is quiet: every sector is read once more, and nothing may be left
 * behind. */
static const char *last_look(struct sim *s)
{
    unsigned failed[CLIENTS_MAX];
    const char *why = last_flushes(s);

    if (why)
        return why;
    for (unsigned i = 0; i < s->client_count; i++)
        failed[i] = s->clients[i].failed;
    for (uint64_t at = 0; at < PART; at += CLIENT_SECTORS_MAX) {
        uint64_t n =
            PART - at < CLIENT_SECTORS_MAX ? PART - at : CLIENT_SECTORS_MAX;

        for (unsigned i = 0; i < s->client_count; i++)
            client_read(&s->clients[i], &s->clients[i].ops[0], at, n);
        why = run(s, 300 * NS_PER_S);
        if (why)
            return why;
    }
    for (unsigned i = 0; i < s->client_count; i++)
        if (s->clients[i].failed != failed[i])
            return "a request failed though all was well";
    why = wait_for(s, 3 * NS_PER_S);
    return why ? why : sim_left_behind(s);
}

static const char *simulate(struct sim *s, uint64_t seed)
{
    const char *why;

    begin(s, seed);
    why = wait_for(s, 2 * NS_PER_S); /* finding it, on a good wire */
    sim_set_faults(s);
    if (!why)
        why = run(s, 4000 * NS_PER_S);
    sim_calm(s);
    /* Where power fails every few seconds for an hour, replaying what was lost
     * may take until that ends, but no longer. */
    if (why == unended)
        why = run(s, 1000 * NS_PER_S);
    /* Long enough for everything that is done only now and then. */
    if (!why)
        why = wait_for(s, 150 * NS_PER_S);
    if (!why)
        why = last_look(s);
    return why;
}

static void end(struct sim *s)
{
    for (unsigned i = 0; i < s->client_count; i++)
        client_close(&s->clients[i]);
    sim_count(s);
    sim_other_disk_leaves(s);
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        neighbour_close(&s->neighbours[i]);
    nas_close(&s->nas);
    wire_free(s->wire);
}

/* ---- many seeds -----------------------------------------------------------
 */

/* With this many seeds, each kind of event must have happened in some. */
enum { SEEDS_MANY = 500 };

/* Prints what happened; false if something never did. */
static bool say_happened(const uint64_t happened[HAPPENINGS])
{
    static const char *const names[HAPPENINGS] = {
        [HAPPENED_CRASH] = "crashes",
        [HAPPENED_KILL] = "targets killed",
        [HAPPENED_RESTART] = "orderly restarts",
        [HAPPENED_RESTART_LOSSY] = "restarts with a loss nobody was told of",
        [HAPPENED_REOPEN] = "disks reopened",
        [HAPPENED_PULL] = "devices pulled",
        [HAPPENED_RECONNECT] = "servers lost",
        [HAPPENED_REFUSED_FLUSH] = "flushes refused",
        [HAPPENED_CABLE] = "cables pulled",
        [HAPPENED_FLAPPING] = "loose plugs",
        [HAPPENED_MTU] = "MTU changes",
        [HAPPENED_HOLE] = "black holes",
        [HAPPENED_OTHER_DISK] = "other disks",
        [HAPPENED_TAKEOVER] = "takeovers",
        [HAPPENED_LOST_SECTORS] = "sectors lost in crashes",
        [HAPPENED_LOST_WRITE_BACKS] = "sectors that could not be written back",
        [HAPPENED_FAILED_SYNC] = "failed syncs",
        [HAPPENED_WRITE_AGAIN] = "durable writes repeated",
        [HAPPENED_LOSS] = "losses announced",
        [HAPPENED_FLUSH_FAILED] = "failed flushes",
        [HAPPENED_NEIGHBOUR_TOLD] = "errors told to neighbours",
        [HAPPENED_REPLAY] = "replays",
        [HAPPENED_STALL] = "disk stalls",
        [HAPPENED_DISK_ERROR] = "disk errors",
        [HAPPENED_FRAME_LOST] = "frames lost",
        [HAPPENED_FRAME_DOUBLED] = "frames doubled",
        [HAPPENED_RESPONSE_DOUBLED] = "responses doubled",
        [HAPPENED_FRAME_OVERTAKEN] = "frames overtaken",
        [HAPPENED_FRAME_CORRUPTED] = "frames corrupted",
        [HAPPENED_FRAME_SWALLOWED] = "frames swallowed",
        [HAPPENED_CONFLICT] = "address conflicts",
        [HAPPENED_DISK_LOST] = "disks lost",
        [HAPPENED_TIME_WAIT] = "writes held back by a time-wait",
        [HAPPENED_LATE] = "late responses",
    };
    bool all = true;

    for (int i = 0; i < HAPPENINGS; i++) {
        printf("%s%" PRIu64 " %s", i ? ", " : "", happened[i], names[i]);
        all = all && happened[i] > 0;
    }
    putchar('\n');
    return all;
}

int main(int argc, char **argv)
{
    static struct sim sim;
    uint64_t seeds = 1000, first = 1, requests = 0, failed = 0;
    uint64_t happened[HAPPENINGS] = {0};
    int c;

    while ((c = getopt(argc, argv, "n:s:v")) != -1)
        if (c == 'v')
            trace_live(stdout);
        else if (c == 'n'
                     ? option_u64(optarg, 1, UINT64_MAX, &seeds)
                     : c != 's' || option_u64(optarg, 0, UINT64_MAX, &first)) {
            fprintf(stderr, "usage: sim [-n SEEDS] [-s FIRST] [-v]\n");
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
        for (int i = 0; i < HAPPENINGS; i++)
            happened[i] += sim.happened[i];
    }
    printf("%" PRIu64 " seeds, %" PRIu64 " requests, of which %" PRIu64
           " ended with an error\n",
           seeds, requests, failed);
    if (!say_happened(happened) && seeds >= SEEDS_MANY) {
        puts("something never happened: these seeds prove nothing about it");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}
