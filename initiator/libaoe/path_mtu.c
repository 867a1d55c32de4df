/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding out what a path carries, and noticing when it carries less.
 */
#include "initiator/libaoe/path_mtu.h"

#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/frames.h"
#include "initiator/libaoe/iov.h"

/* The answer to a probe need not be waited for longer than this. */
#define WAIT_MOST NS_PER_S

static unsigned sure(const struct path *p)
{
    return p->mtu.ceiling < PATH_MTU_SURE ? p->mtu.ceiling : PATH_MTU_SURE;
}

/* The next size to try where `sectors` did not pass. */
static unsigned below(unsigned sectors)
{
    return sectors > 2 * PATH_MTU_BLOCK ? 2 * PATH_MTU_BLOCK
           : sectors > PATH_MTU_BLOCK   ? PATH_MTU_BLOCK
                                        : PATH_MTU_SURE;
}

/* ---- what to try, and when ------------------------------------------------
 */

static void attempt(struct path_mtu *m, unsigned sectors)
{
    m->trying = sectors;
    m->vanished = m->waits = 0;
    m->probe_at = 0;
}

/* The matter rests; a size below the ceiling is not for ever. */
static void rest(struct path *p, uint64_t now)
{
    struct path_mtu *m = &p->mtu;

    path_mtu_withdraw(p);
    m->trying = 0;
    m->lost[0] = m->lost[1] = 0;
    if (p->sectors >= m->ceiling) {
        m->probe_at = UINT64_MAX;
        m->gap = PATH_MTU_GAP_FIRST;
        return;
    }
    m->probe_at = now + m->gap;
    m->gap *= 2;
    if (m->gap > PATH_MTU_GAP_MOST)
        m->gap = PATH_MTU_GAP_MOST;
}

void path_mtu_hurry(struct path *p)
{
    path_mtu_withdraw(p);
    p->mtu.gap = PATH_MTU_GAP_FIRST;
    p->mtu.trying = 0;
    p->mtu.probe_at = UINT64_MAX;
    if (p->sectors < p->mtu.ceiling)
        attempt(&p->mtu, p->mtu.ceiling);
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
    if (p->sectors < sure(p))
        p->sectors = sure(p);
    if (p->sectors == sectors)
        m->told = 0;
    path_mtu_hurry(p);
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
    uint64_t size = d->identity.size / AOE_SECTOR;
    struct frame *f;

    if (size < p->mtu.trying)
        return NULL;
    f = flight_get(&d->aoe->flight, true);
    if (!f)
        return NULL;
    f->disk = d;
    f->probe = true;
    /* Where the first sectors of a disk cannot be read, others can. */
    f->lba = (size - p->mtu.trying) / 8 * (p->mtu.place % 8);
    f->sectors = sectors;
    if (sectors == p->mtu.trying)
        f->iov = &iov_zeroes;
    disk_registers(d, f, AOE_READ);
    return f;
}

/* Another copy of both, under the tags they had: an answer to any will do. */
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
    if (!m->trying)
        m->trying = m->ceiling;
    if (!m->probe)
        m->probe = make(p, m->trying);
    if (!m->control)
        m->control = make(p, sure(p));
    if (!m->probe || !m->control) {
        rest(p, p->disk->aoe->now);
        return;
    }
    leave(p, m->probe);
    leave(p, m->control);
}

/* When it is time to look what came back. */
static uint64_t due(const struct path *p)
{
    const struct path_mtu *m = &p->mtu;
    uint64_t wait = path_rto_fresh(p);

    if (!m->probe || m->probe->state == FRAME_QUEUED)
        return UINT64_MAX;
    wait <<= m->waits;
    return m->probe->sent + (wait < WAIT_MOST ? wait : WAIT_MOST);
}

/* ---- verdicts -------------------------------------------------------------
 */

static void tell(struct path *p)
{
    unsigned now = p->sectors < p->mtu.ceiling ? p->sectors : 0;

    if (now == p->mtu.told)
        return;
    p->mtu.told = now;
    disk_event(p->disk, AOE_DISK_PAYLOAD);
}

static void failed(struct path *p, uint64_t now)
{
    struct path_mtu *m = &p->mtu;
    unsigned next = below(m->trying);

    path_mtu_withdraw(p);
    if (m->trying <= p->sectors) { /* what has been good is so no more */
        p->sectors = sure(p);
        path_mtu_shorten(p);
    }
    if (next > p->sectors) {
        attempt(m, next);
        return;
    }
    rest(p, now);
    tell(p);
}

static void judge(struct path *p, uint64_t now)
{
    struct path_mtu *m = &p->mtu;

    if (m->control) { /* neither was answered */
        m->vanished = 0;
        if (++m->waits < PATH_MTU_WAITS)
            m->probe_at = now;
        else
            rest(p, now);
    } else if (++m->vanished < PATH_MTU_PROBES) {
        m->probe_at = now;
    } else {
        failed(p, now);
    }
}

static void passed(struct path *p, unsigned sectors, uint64_t now)
{
    if (sectors > p->sectors && sectors <= p->mtu.ceiling)
        p->sectors = sectors;
    rest(p, now);
    tell(p);
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
        passed(p, sectors, d->aoe->now);
        return;
    }
    /* Refused: the place is bad, or the target has a new limit. */
    m->place++;
    d->query_at = d->aoe->now;
    take_back(p, &m->control);
    judge(p, d->aoe->now);
}

/* ---- frames of requests ---------------------------------------------------
 */

static bool lengthy_data(const struct path *p, const struct frame *f)
{
    return frame_timed(f) && f->sectors > sure(p);
}

static void on_lost(struct path *p, const struct frame *f)
{
    struct path_mtu *m = &p->mtu;

    if (!lengthy_data(p, f) || f->sectors > p->sectors ||
        ++m->lost[frame_reads(f)] < PATH_MTU_SUSPECT)
        return;
    if (!m->trying || m->trying > p->sectors) {
        path_mtu_withdraw(p);
        attempt(m, p->sectors);
    }
}

static void on_answered(struct path *p, const struct frame *f)
{
    if (lengthy_data(p, f))
        p->mtu.lost[frame_reads(f)] = 0;
}

bool path_mtu_refused(struct frame *f)
{
    struct aoe_disk *d = f->disk;
    struct path *p = f->path;

    if (!f->transfer || !lengthy_data(p, f))
        return false;
    d->query_at = d->aoe->now;
    disk_recut(d, f);
    if (p->sectors == sure(p))
        return true;
    p->sectors = sure(p);
    path_mtu_shorten(p);
    path_mtu_hurry(p);
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
        path_mtu_withdraw(p); /* path_mtu_hurry begins anew */
        return;
    }
    if (due(p) <= now)
        judge(p, now);
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
        .ceiling = 1, .probe_at = UINT64_MAX, .gap = PATH_MTU_GAP_FIRST};
    p->observer = &observer;
}
