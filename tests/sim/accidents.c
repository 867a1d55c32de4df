/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What goes wrong in a network, and how it recovers.
 */
#include <string.h>

#include "base/clock.h"
#include "initiator/libaoe/time_wait.h"
#include "tests/sim/sim.h"

/* How long a client waits before it takes another's place: as long as that
 * one's frames may still be on the wire. */
#define TAKEOVER_AFTER TIME_WAIT

/* The contents of another disk: nothing that any client has written. */
enum { STRANGE = 0xee };

static void each_port(struct sim *s, void (*f)(struct sim *s, struct link *l))
{
    for (unsigned i = 0; i < s->nas.port_count; i++)
        f(s, s->nas.ports[i]);
    for (unsigned c = 0; c < s->client_count; c++)
        for (unsigned i = 0; i < s->clients[c].port_count; i++)
            f(s, s->clients[c].ports[i]);
}

static struct client *any_client(struct sim *s)
{
    return &s->clients[dice_below(&s->dice, s->client_count)];
}

static struct link *any_port(struct sim *s)
{
    struct client *c = any_client(s);

    return client_gone(c) || dice_below(&s->dice, 2)
               ? s->nas.ports[dice_below(&s->dice, s->nas.port_count)]
               : c->ports[dice_below(&s->dice, c->port_count)];
}

/* ---- accidents ------------------------------------------------------------
 */

void sim_each_history(struct sim *s, void (*f)(struct history *h))
{
    for (unsigned i = 0; i < s->client_count; i++)
        f(&s->clients[i].history);
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        f(&s->neighbours[i].history);
}

static void crash(struct sim *s)
{
    s->happened[HAPPENED_CRASH]++;
    trace_say(&s->trace, s->now, "NAS: power fails");
    if (s->replay) /* a machine takes a while to boot */
        s->recover_at += 4 * NS_PER_S;
    s->happened[HAPPENED_LOST_SECTORS] += nas_crash(&s->nas);
    sim_each_history(s, history_crash);
}

static void kill_target(struct sim *s)
{
    s->happened[HAPPENED_KILL]++;
    trace_say(&s->trace, s->now, "NAS: the target is killed");
    nas_kill(&s->nas);
    sim_each_history(s, history_restart);
}

static void restart(struct sim *s)
{
    s->happened[HAPPENED_RESTART]++;
    trace_say(&s->trace, s->now, "NAS restarts in an orderly way");
    nas_stop(&s->nas);
}

/* Both lose what clients of libaoe wrote: see begin_medium. */
static void pull_device(struct sim *s)
{
    if (!s->vendor || s->nas.state != NAS_SERVES)
        return;
    s->happened[HAPPENED_PULL]++;
    trace_say(&s->trace, s->now, "NAS: the device is pulled out");
    nas_pull(&s->nas);
}

static void lose_server(struct sim *s)
{
    if (!s->vendor || !s->nas.remote || s->nas.state != NAS_SERVES)
        return;
    s->happened[HAPPENED_RECONNECT]++;
    trace_say(&s->trace, s->now, "NAS: its server is lost and found");
    medium_reconnect(s->nas.disk.store);
}

static void go_bad(struct sim *s)
{
    struct medium *m = &s->nas.medium;
    uint64_t own = m->sectors - NEIGHBOURS * NEIGHBOUR_SECTORS;
    uint64_t lba = dice_below(&s->dice, 3) ? dice_below(&s->dice, own) : own;
    uint64_t count = 1 + dice_below(&s->dice, 30);

    trace_say(&s->trace, s->now, "NAS: sectors from %u on go bad",
              (unsigned)lba);
    for (; count-- && lba < m->sectors; lba++)
        m->state[lba].bad = true;
}

static void reopen(struct sim *s)
{
    trace_say(&s->trace, s->now, "NAS opens its disk anew");
    if (dice_below(&s->dice, 2))
        go_bad(s); /* which may be why */
    nas_reopen(&s->nas);
}

static void refuse_flushes(struct sim *s)
{
    trace_say(&s->trace, s->now, "NAS: it refuses to flush");
    s->nas.refuses_flushes = true;
}

static void pull_cable(struct sim *s)
{
    struct link *port = any_port(s);

    s->happened[HAPPENED_CABLE]++;
    trace_say(&s->trace, s->now, "a cable is pulled: ..%02x", port->mac.b[5]);
    wire_port_up(port, false);
}

static void lose_contact(struct sim *s)
{
    if (!s->flaps) {
        s->flaps = 1 + (unsigned)dice_below(&s->dice, 6);
        s->flapping = any_port(s);
    }
    s->happened[HAPPENED_FLAPPING]++;
    trace_say(&s->trace, s->now, "a plug has lost contact: ..%02x",
              s->flapping->mac.b[5]);
    wire_port_up(s->flapping, false);
    s->recover_at = s->now + dice_below(&s->dice, 200 * NS_PER_MS);
}

static void change_mtu(struct sim *s)
{
    static const unsigned mtus[] = {1500, 1500, 4200, 9000, 700};
    struct link *port = any_port(s);
    unsigned mtu = mtus[dice_below(&s->dice, 5)];

    s->happened[HAPPENED_MTU]++;
    trace_say(&s->trace, s->now, "MTU of ..%02x is %u", port->mac.b[5], mtu);
    wire_port_mtu(port, mtu);
}

/* A switch that silently drops long frames, one way or both. */
static void open_hole(struct sim *s)
{
    uint64_t ways = 1 + dice_below(&s->dice, 3);
    uint32_t most = dice_below(&s->dice, 4) ? 1514 : 5000;
    struct link *port = any_port(s);

    s->happened[HAPPENED_HOLE]++;
    trace_say(&s->trace, s->now, "long frames %s..%02x vanish above %u bytes",
              ways == 1   ? "from "
              : ways == 2 ? "to "
                          : "from and to ",
              port->mac.b[5], most);
    if (ways & 1)
        wire_port_frame_max(port, WIRE_TX, most);
    if (ways & 2)
        wire_port_frame_max(port, WIRE_RX, most);
}

/* Not while a client looks for its disk on a bad wire: if the NAS's answer were
 * lost, it would find only the other disk. */
static void come(struct sim *s)
{
    for (unsigned i = 0; i < s->client_count; i++)
        if (!s->clients[i].ready)
            return;
    if (s->other_disk_here)
        return;
    s->happened[HAPPENED_OTHER_DISK]++;
    sim_other_disk(s);
}

/* Not where the NAS may lose data that only the client's replay log could
 * restore: the log is gone with the client. */
static void take_over(struct sim *s)
{
    struct client *c = any_client(s);

    if (s->replay)
        return;
    s->happened[HAPPENED_TAKEOVER]++;
    trace_say(&s->trace, s->now, "client %d: is gone", c->number);
    client_replace(c, s->now + TAKEOVER_AFTER);
}

static const struct {
    unsigned weight;
    void (*begin)(struct sim *s);
} accidents[] = {
    {4, crash},       {2, kill_target},  {3, restart},    {3, reopen},
    {1, pull_device}, {2, lose_server},  {3, go_bad},     {1, refuse_flushes},
    {3, pull_cable},  {2, lose_contact}, {3, change_mtu}, {4, open_hole},
    {1, come},        {2, take_over},
};

enum { KINDS = sizeof accidents / sizeof accidents[0] };

static void accident(struct sim *s)
{
    unsigned all = 0, i = 0;
    uint64_t chosen;

    s->recover_at = s->now + dice_below(&s->dice, 6 * NS_PER_S);
    for (unsigned k = 0; k < KINDS; k++)
        all += accidents[k].weight;
    chosen = dice_below(&s->dice, all);
    while (chosen >= accidents[i].weight)
        chosen -= accidents[i++].weight;
    accidents[i].begin(s);
}

/* ---- other disks ----------------------------------------------------------
 */

void sim_other_disk(struct sim *s)
{
    struct nas_options o = {.wire = s->wire,
                            .dice = &s->dice,
                            .addr = s->nas.export.addr,
                            .sectors = s->nas.export.sectors,
                            .serial = "two",
                            .ports = 1,
                            .mtu = s->mtu,
                            .vendor = s->vendor};

    trace_say(&s->trace, s->now, "another disk has the same address");
    nas_open(&s->other_disk, &o, s->now);
    memset(s->other_disk.medium.cache, STRANGE,
           (size_t)s->other_disk.medium.sectors * 512);
    s->other_disk_here = true;
}

void sim_other_disk_leaves(struct sim *s)
{
    if (!s->other_disk_here)
        return;
    trace_say(&s->trace, s->now, "the other disk has gone");
    for (uint64_t i = 0; i < s->other_disk.medium.sectors * 512; i++)
        if (s->other_disk.medium.cache[i] != STRANGE)
            s->why = "another disk was written to";
    s->alone_since = s->now;
    nas_close(&s->other_disk);
    s->other_disk_here = false;
}

/* ---- and their end --------------------------------------------------------
 */

/* An interface whose MTU was lowered does not always get its old MTU back. */
static void mend(struct sim *s, struct link *l)
{
    wire_port_up(l, true);
    wire_port_frame_max(l, WIRE_TX, 0);
    wire_port_frame_max(l, WIRE_RX, 0);
    if (dice_below(&s->dice, 2))
        wire_port_mtu(l, s->mtu);
}

/* A loss that the vendor words do not report is reported to nobody. */
static void start_nas(struct sim *s)
{
    if (s->nas.state != NAS_OFF)
        return;
    if (!s->nas.export.vendor.orderly)
        sim_each_history(s, history_restart);
    nas_start(&s->nas);
}

static void recover(struct sim *s)
{
    if (s->nas.state == NAS_STOPS) { /* it has not finished yet */
        s->recover_at = s->now + NS_PER_S / 10;
        return;
    }
    trace_say(&s->trace, s->now, "all is well again");
    each_port(s, mend);
    medium_heal(&s->nas.medium);
    start_nas(s);
    if (s->nas.pulled)
        nas_reopen(&s->nas);
    s->nas.refuses_flushes = false;
    if (!s->flaps)
        sim_other_disk_leaves(s);
    s->recover_at = UINT64_MAX;
    s->trouble_at =
        s->now + (s->flaps && --s->flaps ? dice_below(&s->dice, 200 * NS_PER_MS)
                                         : dice_below(&s->dice, s->peace));
}

void sim_happen(struct sim *s)
{
    if (s->recover_at <= s->now)
        recover(s);
    else if (!s->quiet && s->recover_at == UINT64_MAX &&
             s->trouble_at <= s->now)
        s->flaps ? lose_contact(s) : accident(s);
}

uint64_t sim_next_accident(const struct sim *s)
{
    return s->quiet || s->recover_at != UINT64_MAX ? s->recover_at
                                                   : s->trouble_at;
}

static void good_wire(struct sim *s, struct link *l)
{
    static const struct wire_faults none = {.delay_ns = 20000};

    (void)s;
    wire_port_faults(l, WIRE_TX, &none);
    wire_port_faults(l, WIRE_RX, &none);
}

void sim_calm(struct sim *s)
{
    s->quiet = true;
    s->flaps = 0;
    s->nas.medium.stall_chance = s->nas.medium.error_chance = 0;
    s->nas.medium.loss_chance = 0;
    recover(s);
    each_port(s, good_wire);
}

/* ---- wires ----------------------------------------------------------------
 */

static void make_faults(struct sim *s, struct wire_faults *f)
{
    static const uint32_t levels[] = {0, 1000, 10000, 50000, 100000};
    struct dice *d = &s->dice;

    *f = (struct wire_faults){
        .loss = levels[dice_below(d, 5)],
        .corrupt = levels[dice_below(d, 3)],
        .reorder = levels[dice_below(d, 5)],
        .delay_ns = dice_below(d, NS_PER_MS),
        .jitter_ns = dice_below(d, 300 * NS_PER_US),
        .hold_ns = dice_below(d, 600 * NS_PER_MS),
    };
    /* Ethernet does not duplicate frames.  Where something does, the second
     * follows closely, and the target has to recognize it. */
    if (s->doubling) {
        f->duplicate = levels[dice_below(d, 4)];
        f->hold_ns = dice_below(d, NS_PER_MS);
    }
}

/* Duplicate responses look like responses to other copies, which may still be
 * on the wire. */
static void bad_wire(struct sim *s, struct link *l)
{
    struct wire_faults f;

    make_faults(s, &f);
    wire_port_faults(l, WIRE_TX, &f);
    make_faults(s, &f);
    if (s->answers_double)
        f.duplicate = 100000;
    wire_port_faults(l, WIRE_RX, &f);
}

void sim_wire_client(struct sim *s, struct client *c)
{
    for (unsigned i = 0; !s->quiet && i < c->port_count; i++)
        bad_wire(s, c->ports[i]);
}

void sim_set_faults(struct sim *s)
{
    s->doubling = dice_below(&s->dice, 3) == 0;
    s->answers_double = !s->doubling && dice_below(&s->dice, 3) == 0;
    if (!s->doubling && dice_below(&s->dice, 2))
        nas_knows_no_copies(&s->nas);
    for (unsigned i = 0; i < s->client_count; i++)
        sim_wire_client(s, &s->clients[i]);
}
