/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What must hold for a network with no work left, and what has happened in it.
 */
#include "initiator/libaoe/disk.h"
#include "tests/sim/sim.h"

enum {
    /* More frames than that many requests can ever need at once, including all
     * the time-waits that a bad wire leaves for two seconds. */
    FRAMES_MAX = 8192,
    PATHS_MAX = 8, /* two interfaces, two addresses, and the other disks' */
};

/* ---- paths ----------------------------------------------------------------
 */

static struct link *nas_port(struct sim *s, const struct path *p)
{
    for (unsigned i = 0; i < s->nas.port_count; i++)
        if (aoe_mac_equal(&s->nas.ports[i]->mac, &p->mac))
            return s->nas.ports[i];
    return NULL;
}

/* The longest frames that pass now, in sectors. */
static unsigned passes(const struct path *p, const struct link *nas)
{
    unsigned here = aoe_sectors_for_mtu(p->port->link->mtu);
    unsigned there = aoe_sectors_for_mtu(nas->mtu);
    unsigned most = here < there ? here : there;

    return most > 8 ? most - most % 8 : most;
}

static const char *path_left(struct sim *s, const struct path *p,
                             unsigned *good)
{
    const struct link *nas = nas_port(s, p);

    if (p->in_flight || !list_empty(&p->sent) || !list_empty(&p->slow) ||
        !list_empty(&p->lost))
        return "frames are left behind on a path";
    if (p->window < PATH_WINDOW_UNIT || p->window > p->limit * PATH_WINDOW_UNIT)
        return "a window is closed, or open too wide";
    if (!nas)
        return p->state == PATH_GOOD ? "a path leads to another disk" : NULL;
    if (p->state != PATH_GOOD)
        return "a path that is good again is not used";
    if (p->sectors != passes(p, nas))
        return "a path carries more or less than it could";
    ++*good;
    return NULL;
}

static const char *paths_left(struct sim *s, struct client *c)
{
    unsigned count = 0, good = 0;
    const char *why = NULL;

    list_each(node, &c->disk->paths) {
        if (!why)
            why = path_left(s, list_entry(node, struct path, link), &good);
        count++;
    }
    if (!why && count > PATHS_MAX)
        why = "paths pile up";
    if (!why && good != c->port_count * s->nas.port_count)
        why = "there are ways to the disk that are not used";
    return why;
}

/* ---- frames and requests --------------------------------------------------
 */

static const char *frames_left(struct flight *fl)
{
    unsigned free = 0;

    for (int i = 0; i < FLIGHT_BUCKETS; i++)
        if (fl->buckets[i])
            return "a frame is left behind";
    list_each(node, &fl->free)
        free++;
    return free > FRAMES_MAX ? "frames pile up" : NULL;
}

static const char *disk_left(struct aoe_disk *d)
{
    struct aoe_stats stats;

    aoe_disk_stats(d, &stats);
    if (!aoe_disk_ready(d))
        return "the disk did not come back";
    if (stats.queued || !list_empty(&d->transfers.active) ||
        !list_empty(&d->transfers.queue))
        return "requests are left behind";
    if (d->time_wait.count)
        return "a frame is left in time-wait";
    if (d->replay && replay_holds_data(d->replay))
        return "the replay log is not flushed by an idle disk";
    if (d->transfers.blocked || !list_empty(&d->transfers.changes))
        return "a write still waits for another";
    return NULL;
}

const char *sim_left_behind(struct sim *s)
{
    const char *why = nas_idle(&s->nas) ? NULL : "the NAS is not done";

    for (unsigned i = 0; !why && i < s->client_count; i++) {
        struct client *c = &s->clients[i];

        if (client_gone(c))
            return "no client took over";
        why = disk_left(c->disk);
        if (!why)
            why = paths_left(s, c);
        if (!why)
            why = frames_left(&c->aoe->flight);
    }
    return why;
}

/* ---- counting -------------------------------------------------------------
 */

void sim_count(struct sim *s)
{
    uint64_t *n = s->happened;

    const struct medium *m = &s->nas.medium;

    n[HAPPENED_RESTART_LOSSY] += s->nas.stopped_lossy;
    n[HAPPENED_REOPEN] += s->nas.reopened;
    n[HAPPENED_REFUSED_FLUSH] += s->nas.refused;
    n[HAPPENED_LOST_WRITE_BACKS] += m->lost;
    n[HAPPENED_FAILED_SYNC] += m->told;
    n[HAPPENED_WRITE_AGAIN] += m->again;
    n[HAPPENED_LOSS] += s->nas.losses;
    n[HAPPENED_STALL] += m->stalls;
    n[HAPPENED_DISK_ERROR] += m->errors;
    n[HAPPENED_FRAME_LOST] += wire_count(s->wire, WIRE_LOST);
    n[s->doubling ? HAPPENED_FRAME_DOUBLED : HAPPENED_RESPONSE_DOUBLED] +=
        wire_count(s->wire, WIRE_DUPLICATED);
    n[HAPPENED_FRAME_OVERTAKEN] += wire_count(s->wire, WIRE_REORDERED);
    n[HAPPENED_FRAME_CORRUPTED] += wire_count(s->wire, WIRE_CORRUPTED);
    n[HAPPENED_FRAME_SWALLOWED] += wire_count(s->wire, WIRE_TOO_LONG);
    for (unsigned i = 0; i < s->client_count; i++) {
        n[HAPPENED_CONFLICT] += s->clients[i].conflicts;
        n[HAPPENED_DISK_LOST] += s->clients[i].losses;
        n[HAPPENED_TIME_WAIT] += s->clients[i].time_waits;
        n[HAPPENED_LATE] += s->clients[i].late;
        n[HAPPENED_REPLAY] += s->clients[i].replays;
        n[HAPPENED_FLUSH_FAILED] += s->clients[i].flushes_failed;
    }
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        n[HAPPENED_NEIGHBOUR_TOLD] += s->neighbours[i].told;
}
