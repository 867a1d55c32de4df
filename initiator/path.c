/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Round-trip time, window and loss of one path.
 */
#include "initiator/path.h"

#include <string.h>

enum { PATIENCE_MAX = 16 };

void path_init(struct path *p, struct aoe_disk *disk, struct port *port,
               const struct aoe_mac *mac)
{
    memset(p, 0, sizeof *p);
    p->disk = disk;
    p->port = port;
    p->mac = *mac;
    p->patience = 1;
    p->limit = 1;
    payload_init(p);
    p->window = PATH_WINDOW_START * PATH_WINDOW_UNIT;
    p->threshold = UINT32_MAX;
    list_init(&p->sent);
    list_init(&p->slow);
    list_init(&p->lost);
}

void path_set_limits(struct path *p, unsigned buffer_count,
                     unsigned sector_count, unsigned mtu, unsigned window)
{
    unsigned fit = aoe_sectors_for_mtu(mtu);

    p->buffer_count = buffer_count;
    p->sector_count = sector_count;
    if (sector_count == 0)
        sector_count = 2; /* servers before revision 8 */
    payload_limit(p, sector_count < fit ? sector_count : fit);
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
    uint64_t most = probe ? PATH_RTO_PROBE_MAX : PATH_RTO_MAX;
    unsigned again = f->copies ? f->copies - 1 : 0;

    return again > 5 ? most : clamp(rto << again, rto, most);
}

/* How long after a frame left its answer is overdue, once a newer one came. */
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
    unsigned most = p->limit * PATH_WINDOW_UNIT;

    /* A window that was not used up says nothing about a larger one. */
    if ((p->in_flight + 1) * PATH_WINDOW_UNIT < p->window)
        return;
    if (p->window < p->threshold)
        p->window += PATH_WINDOW_UNIT;
    else
        p->window += PATH_WINDOW_UNIT * PATH_WINDOW_UNIT / p->window + 1;
    if (p->window > most)
        p->window = most;
}

static void narrow(struct path *p, const struct frame *f, uint64_t now,
                   bool timed_out)
{
    unsigned least = 2 * PATH_WINDOW_UNIT;

    if (f->sent < p->recovery)
        return;
    p->recovery = now;
    p->threshold = p->window / 2 > least ? p->window / 2 : least;
    p->window = timed_out ? PATH_WINDOW_UNIT : p->threshold;
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
    f->state = FRAME_SENT;
    f->sent = now;
    f->copies++;
    list_append(frame_timed(f) ? &p->sent : &p->slow, &f->link);
}

void path_forget(struct path *p, struct frame *f)
{
    if (f->state == FRAME_QUEUED || f->state == FRAME_SENT)
        p->in_flight--;
    list_remove(&f->link);
}

void path_answered(struct path *p, struct frame *f, uint64_t now)
{
    p->heard = now;
    if (frame_timed(f))
        p->backoff = 0;
    if (frame_timed(f) && f->copies == 1 && f->state == FRAME_SENT) {
        sample(p, now - f->sent);
        if (f->sent > p->newest_answered)
            p->newest_answered = f->sent;
    } else if (f->copies > 1 && p->srtt && now - f->sent < p->srtt / 2) {
        /* Too soon to be the answer to the last copy: an earlier one was
         * only late.  Wait longer before the next frame is called lost. */
        if (p->patience < PATIENCE_MAX)
            p->patience *= 2;
    }
    if (frame_timed(f))
        widen(p);
    payload_answered(p, f);
    path_forget(p, f);
}

static void lose(struct path *p, struct frame *f)
{
    path_forget(p, f);
    f->state = FRAME_LOST;
    list_append(&p->lost, &f->link);
    payload_lost(p, f);
}

static void tick_sent(struct path *p, uint64_t now)
{
    uint64_t rto = path_rto(p), late = overdue(p), silence;
    bool timed_out = false;

    list_each(node, &p->sent) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->sent + rto <= now) {
            if (!timed_out)
                narrow(p, f, now, true);
            timed_out = true;
        } else if (p->srtt && f->sent < p->newest_answered &&
                   f->sent + late <= now) {
            narrow(p, f, now, false);
        } else {
            break; /* the rest left later */
        }
        lose(p, f);
    }
    if (timed_out)
        p->backoff++;
    silence = path_rto(p) / 2; /* half of it has just passed */
    if (silence < PATH_SILENT_TIME)
        silence = PATH_SILENT_TIME;
    if (p->state == PATH_GOOD && p->backoff >= PATH_SILENT_AFTER &&
        p->heard + silence <= now)
        p->state = PATH_SILENT;
}

void path_tick(struct path *p, uint64_t now)
{
    tick_sent(p, now);
    list_each(node, &p->slow) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->sent + slow_rto(f) <= now)
            lose(p, f);
    }
}

uint64_t path_next(const struct path *p)
{
    uint64_t next = UINT64_MAX;

    if (!list_empty(&p->sent)) {
        const struct frame *f = list_entry(p->sent.next, struct frame, link);

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

void path_hurry(struct path *p)
{
    if (p->identify && p->identify->state == FRAME_SENT)
        lose(p, p->identify);
}

void path_revive(struct path *p, uint64_t now)
{
    bool outage = p->state != PATH_GOOD;

    p->state = PATH_GOOD;
    p->heard = now;
    if (!outage)
        return;
    list_each(node, &p->sent)
        lose(p, list_entry(node, struct frame, link));
    list_each(node, &p->slow)
        lose(p, list_entry(node, struct frame, link));
    if (p->window < 2 * PATH_WINDOW_UNIT)
        p->window = 2 * PATH_WINDOW_UNIT;
    p->recovery = now;
}
