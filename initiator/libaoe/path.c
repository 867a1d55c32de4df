/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Round-trip time, window and loss of one path.
 */
#include "initiator/libaoe/path.h"

#include <assert.h>
#include <string.h>

#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/trace.h"

enum { PATIENCE_MAX = 16 };

void path_init(struct path *p, struct aoe_disk *disk, struct aoe_port *port,
               const struct aoe_mac *mac)
{
    memset(p, 0, sizeof *p);
    p->disk = disk;
    p->port = port;
    p->mac = *mac;
    p->patience = 1;
    p->limit = 1;
    p->sectors = 1;
    p->window = PATH_WINDOW_START * PATH_WINDOW_UNIT;
    p->threshold = UINT32_MAX;
    list_init(&p->sent);
    list_init(&p->slow);
    list_init(&p->lost);
}

void path_set_state(struct path *p, enum path_state state, const char *why)
{
    static const char *const names[] = {"new", "good", "silent", "refused"};

    /* Only a path to our disk can fall silent, and it stays silent until
     * somebody responds by it (doc/states.md). */
    assert(state != PATH_SILENT || p->state == PATH_GOOD);
    assert(state != PATH_NEW || p->state != PATH_SILENT);
    if (p->state != state)
        trace_path(p, TRACE_DECISIONS, "path: %s -> %s, %s", names[p->state],
                   names[state], why);
    p->state = state;
}

void path_set_limit(struct path *p, unsigned buffer_count, unsigned window)
{
    p->buffer_count = buffer_count;
    p->limit = buffer_count ? buffer_count : 1;
    if (window && window < p->limit)
        p->limit = window;
    if (p->window > p->limit * PATH_WINDOW_UNIT)
        p->window = p->limit * PATH_WINDOW_UNIT;
}

uint64_t path_cost(const struct path *p)
{
    uint64_t rtt = p->srtt ? p->srtt : NS_PER_MS;

    return (p->in_flight + 1) * rtt / p->sectors;
}

/* ---- time -----------------------------------------------------------------
 */

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
    return v < low ? low : v > high ? high : v;
}

uint64_t path_rto_fresh(const struct path *p)
{
    uint64_t rto = PATH_RTO_INITIAL;

    if (p->srtt) {
        uint64_t spread = 4 * p->rttvar;

        rto = p->srtt + (spread > NS_PER_MS ? spread : NS_PER_MS);
    }
    return clamp(rto, PATH_RTO_MIN, PATH_RTO_MAX);
}

uint64_t path_rto(const struct path *p)
{
    uint64_t rto = path_rto_fresh(p);

    return p->backoff > 9 ? PATH_RTO_MAX
                          : clamp(rto << p->backoff, rto, PATH_RTO_MAX);
}

static uint64_t slow_rto(const struct frame *f)
{
    bool probe = f->opcode == ATA_IDENTIFY;
    uint64_t rto = probe ? PATH_RTO_INITIAL : PATH_RTO_SLOW;
    uint64_t max = probe ? PATH_RTO_PROBE_MAX : PATH_RTO_MAX;
    unsigned again = f->copies ? f->copies - 1 : 0;

    return again > 5 ? max : clamp(rto << again, rto, max);
}

/* How long after a frame left its response is overdue, once a newer one came.
 */
static uint64_t overdue(const struct path *p)
{
    uint64_t slack = p->srtt / 4;

    if (slack < 2 * p->rttvar)
        slack = 2 * p->rttvar;
    return p->srtt + slack * p->patience;
}

static void sample(struct path *p, uint64_t rtt)
{
    uint64_t off;

    if (rtt == 0)
        rtt = 1;
    if (!p->srtt) {
        p->srtt = rtt;
        p->rttvar = rtt / 2;
        return;
    }
    off = rtt > p->srtt ? rtt - p->srtt : p->srtt - rtt;
    p->rttvar = p->rttvar - p->rttvar / 4 + off / 4;
    p->srtt = p->srtt - p->srtt / 8 + rtt / 8;
}

/* ---- window ---------------------------------------------------------------
 */

static void widen(struct path *p)
{
    unsigned max = p->limit * PATH_WINDOW_UNIT;

    /* A window that was not used up says nothing about a larger one. */
    if ((p->in_flight + 1) * PATH_WINDOW_UNIT < p->window)
        return;
    if (p->window < p->threshold)
        p->window += PATH_WINDOW_UNIT;
    else
        p->window += PATH_WINDOW_UNIT * PATH_WINDOW_UNIT / p->window + 1;
    if (p->window > max)
        p->window = max;
}

static void begin_event(struct path *p, uint64_t now)
{
    p->recovery = now;
    p->event_window = p->window;
    p->event_lost = 0;
    if (++p->calm >= PATH_CALM_AFTER) {
        p->calm = 0;
        p->patience = p->patience > 1 ? p->patience / 2 : 1;
    }
}

/* Frames that were on the way together are lost in one event, which halves the
 * window once. */
static void narrow(struct path *p, const struct frame *f, uint64_t now,
                   bool timed_out)
{
    unsigned min = 2 * PATH_WINDOW_UNIT;
    bool first = f->sent >= p->recovery;
    unsigned before;

    if (first)
        begin_event(p, now);
    p->event_lost++;
    if (!first)
        return;
    before = p->window;
    p->threshold = p->window / 2 > min ? p->window / 2 : min;
    if (timed_out)
        p->window = PATH_WINDOW_UNIT;
    else if (p->threshold < p->window)
        p->window = p->threshold;
    trace_path(p, TRACE_DECISIONS, "window: %u -> %u frames, %s",
               before / PATH_WINDOW_UNIT, p->window / PATH_WINDOW_UNIT,
               timed_out ? "a time-out" : "a loss");
}

/* ---- frames ---------------------------------------------------------------
 */

void path_queued(struct path *p, struct frame *f)
{
    f->path = p;
    f->state = FRAME_QUEUED;
    p->in_flight++;
}

void path_sent(struct path *p, struct frame *f, uint64_t now)
{
    assert(f->state == FRAME_QUEUED && f->path == p);
    f->state = FRAME_SENT;
    f->sent = now;
    f->copies++;
    if (frame_timed(f))
        p->progress = now;
    list_append(frame_timed(f) ? &p->sent : &p->slow, &f->link);
}

void path_forget(struct path *p, struct frame *f)
{
    if (f->state == FRAME_QUEUED || f->state == FRAME_SENT) {
        assert(p->in_flight > 0);
        p->in_flight--;
    }
    list_remove(&f->link);
}

static void wait_longer(struct path *p)
{
    p->calm = 0;
    if (p->patience < PATIENCE_MAX)
        p->patience *= 2;
}

/* When all that was called lost in one event was only late, because of a disk
 * or a busy host, the window is what it was before. */
void path_spurious(struct path *p)
{
    wait_longer(p);
    if (p->event_lost == 0 || --p->event_lost > 0)
        return;
    if (p->window < p->event_window) {
        trace_path(p, TRACE_DECISIONS,
                   "window: %u -> %u frames, what was "
                   "called lost was late",
                   p->window / PATH_WINDOW_UNIT,
                   p->event_window / PATH_WINDOW_UNIT);
        p->window = p->threshold = p->event_window;
    }
    if (p->window > p->limit * PATH_WINDOW_UNIT)
        p->window = p->limit * PATH_WINDOW_UNIT;
}

/* A round trip during which the process did not run says nothing about the
 * wire. */
static bool measurable(const struct path *p, const struct frame *f)
{
    return !p->disk || f->sent > p->disk->aoe->woken;
}

/* Which copy of a frame a response belongs to is known only when there was one
 * (Karn); only then does a backed-off time-out return to the measured one.
 * A response that comes half a round trip after the last copy can be that
 * copy's, and what left before it is late. */
static void learn(struct path *p, const struct frame *f, uint64_t now)
{
    bool only = f->copies == 1;
    bool newest = f->state == FRAME_SENT;

    p->progress = now;
    p->probed = false;
    if (only) {
        p->backoff = 0;
        if (measurable(p, f))
            sample(p, now - f->sent);
    }
    if (only && !newest)
        path_spurious(p);
    else if (!only && p->srtt && now - f->sent < p->srtt / 2)
        wait_longer(p); /* the last copy's response is still to come */
    else if (newest && f->sent > p->newest_answered)
        p->newest_answered = f->sent;
}

void path_answered(struct path *p, struct frame *f, uint64_t now)
{
    if (frame_timed(f) && f->copies > 0) {
        learn(p, f, now);
        widen(p);
    }
    if (p->observer)
        p->observer->answered(p, f);
    path_forget(p, f);
}

static void lose(struct path *p, struct frame *f, enum frame_lost why)
{
    f->why = why;
    path_forget(p, f);
    f->state = FRAME_LOST;
    list_append(&p->lost, &f->link);
    if (p->observer)
        p->observer->lost(p, f);
}

static void tick_sent(struct path *p, uint64_t now)
{
    uint64_t rto = path_rto(p), late = overdue(p), silence;
    bool timed_out = false;

    list_each(node, &p->sent) {
        enum frame_lost why = LOST_NO_RESPONSE;
        struct frame *f = list_entry(node, struct frame, link);

        if (f->sent + rto <= now) {
            narrow(p, f, now, true);
            timed_out = true;
        } else if (p->srtt && f->sent < p->newest_answered &&
                   f->sent + late <= now) {
            narrow(p, f, now, false);
            why = LOST_OVERTAKEN;
        } else {
            break; /* the rest left later */
        }
        lose(p, f, why);
    }
    if (!timed_out)
        return;
    p->backoff++;
    silence = path_rto(p) / 2; /* half of it has just passed */
    if (silence < PATH_SILENT_TIME)
        silence = PATH_SILENT_TIME;
    if (p->state == PATH_GOOD && p->backoff >= PATH_SILENT_AFTER &&
        p->heard + silence <= now)
        path_set_state(p, PATH_SILENT, "nothing is answered");
}

/* When the newest frame is sent again; UINT64_MAX: there is no need. */
static uint64_t probe_at(const struct path *p)
{
    uint64_t wait = 2 * p->srtt;

    if (wait < p->srtt + 4 * p->rttvar)
        wait = p->srtt + 4 * p->rttvar;
    if (wait < PATH_PROBE_MIN)
        wait = PATH_PROBE_MIN;
    if (p->probed || !p->srtt || p->state != PATH_GOOD || p->backoff ||
        list_empty(&p->sent) || !list_empty(&p->lost) || wait >= path_rto(p))
        return UINT64_MAX;
    return p->progress + wait;
}

/* A FLUSH or TRIM may take its time, but nothing at all since it left is a
 * reason to ask whether the target is there. */
static void tick_slow(struct path *p, uint64_t now)
{
    list_each(node, &p->slow) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->sent + slow_rto(f) > now)
            continue;
        if (f->transfer && p->state == PATH_GOOD && p->heard < f->sent)
            path_set_state(p, PATH_SILENT, "a slow command and nothing else");
        lose(p, f, LOST_NO_RESPONSE);
    }
}

void path_tick(struct path *p, uint64_t now)
{
    tick_sent(p, now);
    if (probe_at(p) <= now) {
        p->probed = true;
        lose(p, list_entry(p->sent.prev, struct frame, link), LOST_TAIL);
    }
    tick_slow(p, now);
}

uint64_t path_next(const struct path *p)
{
    uint64_t next = probe_at(p);

    if (!p->identify && (p->state == PATH_SILENT || p->state == PATH_NEW))
        next = p->ask_at;
    if (!list_empty(&p->sent)) {
        const struct frame *f = list_entry(p->sent.next, struct frame, link);

        if (f->sent + path_rto(p) < next)
            next = f->sent + path_rto(p);
        if (p->srtt && f->sent < p->newest_answered &&
            f->sent + overdue(p) < next)
            next = f->sent + overdue(p);
    }
    list_each(node, &p->slow) {
        const struct frame *f = list_entry(node, struct frame, link);

        if (f->sent + slow_rto(f) < next)
            next = f->sent + slow_rto(f);
    }
    return next;
}

void path_ask_now(struct path *p)
{
    if (p->identify && p->identify->state == FRAME_SENT)
        lose(p, p->identify, LOST_ASKED);
}

void path_revive(struct path *p, uint64_t now)
{
    bool outage = p->state != PATH_GOOD;

    path_set_state(p, PATH_GOOD, "our disk answers");
    p->heard = now;
    if (!outage)
        return;
    list_each(node, &p->sent)
        lose(p, list_entry(node, struct frame, link), LOST_OUTAGE);
    list_each(node, &p->slow)
        lose(p, list_entry(node, struct frame, link), LOST_OUTAGE);
    if (p->window < 2 * PATH_WINDOW_UNIT)
        p->window = 2 * PATH_WINDOW_UNIT;
    p->recovery = now;
}
