/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding out what a path carries, and noticing when it carries less.
 */
#include "initiator/libaoe/path_mtu.h"

#include <assert.h>

#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/frames.h"
#include "initiator/libaoe/iov.h"
#include "initiator/libaoe/trace.h"

/* The response to a probe need not be waited for longer than this. */
#define WAIT_MAX NS_PER_S

/* The size that needs no probe (RFC 8899: BASE_PLPMTU). */
static unsigned base(const struct path *p)
{
    return p->mtu.ceiling < PATH_MTU_BASE ? p->mtu.ceiling : PATH_MTU_BASE;
}

/* The next size to probe where `sectors` did not pass. */
static unsigned smaller(unsigned sectors)
{
    return sectors > 2 * PATH_MTU_BLOCK ? 2 * PATH_MTU_BLOCK
           : sectors > PATH_MTU_BLOCK   ? PATH_MTU_BLOCK
                                        : PATH_MTU_BASE;
}

/* ---- the state machine ----------------------------------------------------
 *
 * RFC 8899 section 5.2, without its first and last states: the base size needs
 * no confirmation, for IDENTIFY has come through, and there is none below it.
 */

enum news {
    NEWS_START,      /* the path is good, or its ceiling another one */
    NEWS_PASSED,     /* the probe came through */
    NEWS_VANISHED,   /* MAX_PROBES did not, though short ones did */
    NEWS_SILENCE,    /* nothing came through, so often that it is given up */
    NEWS_BLACK_HOLE, /* long frames in use were lost one after the other */
    NEWS_TIMER,      /* PMTU_RAISE_TIMER */
    NEWS_NO_PROBE,   /* the disk is too small to read so much, or no memory */
    NEWS_COUNT
};

static void enter(struct path *p, enum path_mtu_state state)
{
    p->mtu.state = state;
    assert((state == PATH_MTU_COMPLETE) == (p->mtu.probed == 0));
}

static void probe_size(struct path *p, enum path_mtu_state state,
                       unsigned sectors)
{
    struct path_mtu *m = &p->mtu;

    assert(sectors > 0);
    m->probed = sectors;
    m->vanished = m->silent = 0;
    m->probe_at = 0;
    enter(p, state);
}

/* Below the ceiling the search begins again when a timer has run out. */
static void complete(struct path *p)
{
    struct path_mtu *m = &p->mtu;

    path_mtu_withdraw(p);
    m->probed = 0;
    m->lost[0] = m->lost[1] = 0;
    enter(p, PATH_MTU_COMPLETE);
    if (p->sectors >= m->ceiling) {
        m->probe_at = UINT64_MAX;
        m->gap = PATH_MTU_RAISE_MIN;
        return;
    }
    m->probe_at = p->disk->aoe->now + m->gap;
    m->gap *= 2;
    if (m->gap > PATH_MTU_RAISE_MAX)
        m->gap = PATH_MTU_RAISE_MAX;
}

/* Tells the user, unless nothing has changed. */
static void report(struct path *p)
{
    unsigned now = p->sectors < p->mtu.ceiling ? p->sectors : 0;

    if (now == p->mtu.reported)
        return;
    p->mtu.reported = now;
    disk_event(p->disk, AOE_DISK_PATH_MTU);
}

static void start(struct path *p)
{
    struct path_mtu *m = &p->mtu;

    path_mtu_withdraw(p);
    m->gap = PATH_MTU_RAISE_MIN;
    m->probed = 0;
    m->probe_at = UINT64_MAX;
    if (p->sectors < m->ceiling)
        probe_size(p, PATH_MTU_SEARCHING, m->ceiling);
    else
        enter(p, PATH_MTU_COMPLETE);
}

/* The counts go on: where a size failed before, one more probe that vanishes is
 * enough. */
static void raise_again(struct path *p)
{
    p->mtu.probed = p->mtu.ceiling;
    enter(p, PATH_MTU_SEARCHING);
}

static void use(struct path *p)
{
    unsigned sectors = p->mtu.probed;

    if (sectors > p->sectors && sectors <= p->mtu.ceiling)
        p->sectors = sectors;
    trace_path(p, TRACE_DECISIONS, "mtu: %u sectors pass, %u in use", sectors,
               p->sectors);
    complete(p);
    report(p);
}

static void search_smaller(struct path *p)
{
    unsigned probed = p->mtu.probed, next = smaller(probed);

    trace_path(p, TRACE_DECISIONS, "mtu: %u sectors do not pass, %u in use",
               probed, p->sectors);
    path_mtu_withdraw(p);
    if (next > p->sectors) {
        probe_size(p, PATH_MTU_SEARCHING, next);
        return;
    }
    complete(p);
    report(p);
}

static void fall_back(struct path *p)
{
    trace_path(p, TRACE_DECISIONS, "mtu: black hole, %u -> %u sectors",
               p->sectors, base(p));
    p->sectors = base(p);
    path_mtu_shorten(p);
    search_smaller(p);
}

static void give_up(struct path *p)
{
    trace_path(p, TRACE_DECISIONS,
               "mtu: probes of %u sectors end undecided, %u in use",
               p->mtu.probed, p->sectors);
    complete(p);
}

static void confirm(struct path *p)
{
    trace_path(p, TRACE_DECISIONS, "mtu: a black hole for %u sectors?",
               p->sectors);
    path_mtu_withdraw(p);
    probe_size(p, PATH_MTU_CONFIRMING, p->sectors);
}

/* The table has what is done in each state; where it has no entry, nothing is.
 */
static void happens(struct path *p, enum news news)
{
    static void (*const table[PATH_MTU_STATES][NEWS_COUNT])(struct path *) = {
        [PATH_MTU_COMPLETE] = {[NEWS_START] = start,
                               [NEWS_BLACK_HOLE] = confirm,
                               [NEWS_TIMER] = raise_again},
        [PATH_MTU_SEARCHING] = {[NEWS_START] = start,
                                [NEWS_PASSED] = use,
                                [NEWS_VANISHED] = search_smaller,
                                [NEWS_SILENCE] = give_up,
                                [NEWS_BLACK_HOLE] = confirm,
                                [NEWS_NO_PROBE] = give_up},
        [PATH_MTU_CONFIRMING] = {[NEWS_START] = start,
                                 [NEWS_PASSED] = use,
                                 [NEWS_VANISHED] = fall_back,
                                 [NEWS_SILENCE] = give_up,
                                 [NEWS_NO_PROBE] = give_up},
    };

    if (table[p->mtu.state][news])
        table[p->mtu.state][news](p);
}

void path_mtu_search(struct path *p)
{
    happens(p, NEWS_START);
}

void path_mtu_limit(struct path *p, unsigned sectors)
{
    struct path_mtu *m = &p->mtu;

    /* Whole 4 KiB blocks: 17 sectors would make every second request of a
     * file system, and every write on a 4 KiB disk, straddle two frames. */
    if (sectors > PATH_MTU_BLOCK)
        sectors -= sectors % PATH_MTU_BLOCK;
    if (sectors == 0)
        sectors = 1;
    if (sectors == m->ceiling)
        return;
    m->ceiling = sectors;
    if (p->sectors > sectors)
        p->sectors = sectors;
    if (p->sectors < base(p))
        p->sectors = base(p);
    if (p->sectors == sectors)
        m->reported = 0;
    happens(p, NEWS_START);
}

/* ---- probes ---------------------------------------------------------------
 */

static void take_back(struct path *p, struct frame **f)
{
    if (!*f)
        return;
    path_forget(p, *f);
    flight_put(&p->disk->aoe->flight, *f);
    *f = NULL;
}

void path_mtu_withdraw(struct path *p)
{
    take_back(p, &p->mtu.probe);
    take_back(p, &p->mtu.control);
}

static struct frame *make(struct path *p, unsigned sectors)
{
    struct aoe_disk *d = p->disk;
    uint64_t size = d->identity.shown.size / AOE_SECTOR;
    struct frame *f;

    if (size < p->mtu.probed)
        return NULL;
    f = flight_get(&d->aoe->flight, true);
    if (!f)
        return NULL;
    f->disk = d;
    f->probe = true;
    /* Where the first sectors of a disk cannot be read, others can. */
    f->lba = (size - p->mtu.probed) / 8 * (p->mtu.place % 8);
    f->sectors = sectors;
    if (sectors == p->mtu.probed)
        f->iov = &iov_zeroes;
    disk_registers(d, f, AOE_READ);
    return f;
}

/* Another copy of both, under the tags they had: a response to any will do. */
static void leave(struct path *p, struct frame *f)
{
    f->why = LOST_PROBE;
    path_forget(p, f);
    path_queued(p, f);
    port_queue(p->port, f);
}

static void probe(struct path *p)
{
    struct path_mtu *m = &p->mtu;

    m->probe_at = UINT64_MAX;
    if (m->state == PATH_MTU_COMPLETE)
        happens(p, NEWS_TIMER);
    if (!m->probe)
        m->probe = make(p, m->probed);
    if (!m->control)
        m->control = make(p, base(p));
    if (!m->probe || !m->control) {
        happens(p, NEWS_NO_PROBE);
        return;
    }
    trace_path(p, TRACE_DECISIONS, "mtu probe: %u sectors, tag %08x", m->probed,
               m->probe->tag);
    leave(p, m->probe);
    leave(p, m->control);
}

/* When to look what has come back. */
static uint64_t due(const struct path *p)
{
    const struct path_mtu *m = &p->mtu;
    uint64_t wait = path_rto_fresh(p);

    if (!m->probe || m->probe->state == FRAME_QUEUED)
        return UINT64_MAX;
    wait <<= m->silent;
    return m->probe->sent + (wait < WAIT_MAX ? wait : WAIT_MAX);
}

/* ---- responses ------------------------------------------------------------
 */

/* A round of both frames is over, and the long one has not passed. */
static void round_over(struct path *p)
{
    struct path_mtu *m = &p->mtu;

    if (m->control) { /* nor has the short one */
        m->vanished = 0;
        if (++m->silent < PATH_MTU_SILENT)
            m->probe_at = p->disk->aoe->now;
        else
            happens(p, NEWS_SILENCE);
    } else if (++m->vanished < PATH_MTU_MAX_PROBES) {
        m->probe_at = p->disk->aoe->now;
    } else {
        happens(p, NEWS_VANISHED);
    }
}

void path_mtu_probed(struct frame *f, const struct aoe_ata *a)
{
    struct path *p = f->path;
    struct path_mtu *m = &p->mtu;
    struct aoe_disk *d = f->disk;
    bool lengthy = f == m->probe;
    unsigned sectors = f->sectors;
    bool good = a && !(a->command & ATA_STATUS_FAILED) &&
                a->data_len >= (size_t)sectors * AOE_SECTOR;

    path_answered(p, f, d->aoe->now);
    flight_put(&d->aoe->flight, f);
    if (!lengthy) {
        m->control = NULL;
        return;
    }
    m->probe = NULL;
    if (good) {
        assert(sectors == m->probed);
        happens(p, NEWS_PASSED);
        return;
    }
    /* Refused: the place is bad, or the target has a new limit. */
    m->place++;
    disk_query_now(d);
    take_back(p, &m->control);
    round_over(p);
}

/* ---- frames of requests ---------------------------------------------------
 */

static bool above_base(const struct path *p, const struct frame *f)
{
    return frame_timed(f) && f->sectors > base(p);
}

static void on_lost(struct path *p, const struct frame *f)
{
    struct path_mtu *m = &p->mtu;

    if (!above_base(p, f) || f->sectors > p->sectors ||
        ++m->lost[frame_reads(f)] < PATH_MTU_SUSPECT)
        return;
    happens(p, NEWS_BLACK_HOLE);
}

static void on_answered(struct path *p, const struct frame *f)
{
    if (above_base(p, f))
        p->mtu.lost[frame_reads(f)] = 0;
}

bool path_mtu_refused(struct frame *f)
{
    struct aoe_disk *d = f->disk;
    struct path *p = f->path;

    if (!f->transfer || !above_base(p, f))
        return false;
    disk_query_now(d);
    disk_recut(d, f);
    if (p->sectors == base(p))
        return true;
    trace_path(p, TRACE_DECISIONS,
               "mtu: a long frame was refused, %u -> %u "
               "sectors",
               p->sectors, base(p));
    p->sectors = base(p);
    path_mtu_shorten(p);
    happens(p, NEWS_START);
    return true;
}

static void shorten(struct path *p, struct list *frames)
{
    list_each(node, frames) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->transfer && f->path == p && frame_timed(f) &&
            f->sectors > p->sectors)
            disk_hand_over(p->disk, f);
    }
}

void path_mtu_shorten(struct path *p)
{
    shorten(p, &p->sent);
    shorten(p, &p->lost);
    shorten(p, &p->port->tx);
}

/* ---- time -----------------------------------------------------------------
 */

void path_mtu_tick(struct path *p, uint64_t now)
{
    if (p->state != PATH_GOOD) {
        path_mtu_withdraw(p); /* path_mtu_search begins anew */
        return;
    }
    if (due(p) <= now)
        round_over(p);
    if (p->mtu.probe_at <= now)
        probe(p);
}

uint64_t path_mtu_next(const struct path *p)
{
    uint64_t at = due(p);

    if (p->state != PATH_GOOD)
        return UINT64_MAX;
    return at < p->mtu.probe_at ? at : p->mtu.probe_at;
}

void path_mtu_init(struct path *p)
{
    static const struct path_observer observer = {.lost = on_lost,
                                                  .answered = on_answered};

    p->mtu = (struct path_mtu){
        .ceiling = 1, .probe_at = UINT64_MAX, .gap = PATH_MTU_RAISE_MIN};
    p->observer = &observer;
}
