/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding out what a path carries, and noticing when it carries less.
 */
#include "initiator/libaoe/payload.h"

#include "initiator/libaoe/disk.h"

/* The answer to a probe need not be waited for longer than this. */
#define WAIT_MOST NS_PER_S

void payload_init(struct path *p)
{
    p->payload = (struct payload){
        .ceiling = 1, .probe_at = UINT64_MAX, .gap = PAYLOAD_GAP_FIRST};
    p->sectors = 1;
}

static unsigned sure(const struct path *p)
{
    return p->payload.ceiling < PAYLOAD_SURE ? p->payload.ceiling
                                             : PAYLOAD_SURE;
}

/* The next size to try where `sectors` did not pass. */
static unsigned below(unsigned sectors)
{
    return sectors > 2 * PAYLOAD_BLOCK ? 2 * PAYLOAD_BLOCK
           : sectors > PAYLOAD_BLOCK   ? PAYLOAD_BLOCK
                                       : PAYLOAD_SURE;
}

/* ---- what to try, and when ------------------------------------------------
 */

static void attempt(struct payload *pl, unsigned sectors)
{
    pl->trying = sectors;
    pl->vanished = pl->waits = 0;
    pl->probe_at = 0;
}

/* The matter rests; a size below the ceiling is not for ever. */
static void rest(struct path *p, uint64_t now)
{
    struct payload *pl = &p->payload;

    payload_withdraw(p);
    pl->trying = 0;
    pl->lost[0] = pl->lost[1] = 0;
    if (p->sectors >= pl->ceiling) {
        pl->probe_at = UINT64_MAX;
        pl->gap = PAYLOAD_GAP_FIRST;
        return;
    }
    pl->probe_at = now + pl->gap;
    pl->gap *= 2;
    if (pl->gap > PAYLOAD_GAP_MOST)
        pl->gap = PAYLOAD_GAP_MOST;
}

void payload_hurry(struct path *p)
{
    payload_withdraw(p);
    p->payload.gap = PAYLOAD_GAP_FIRST;
    p->payload.trying = 0;
    p->payload.probe_at = UINT64_MAX;
    if (p->sectors < p->payload.ceiling)
        attempt(&p->payload, p->payload.ceiling);
}

void payload_limit(struct path *p, unsigned sectors)
{
    struct payload *pl = &p->payload;

    /* Whole 4 KiB blocks: 17 sectors would make every second request of a
     * file system, and every write on a 4 KiB disk, straddle two frames. */
    if (sectors > PAYLOAD_BLOCK)
        sectors -= sectors % PAYLOAD_BLOCK;
    if (sectors == 0)
        sectors = 1;
    if (sectors == pl->ceiling)
        return;
    pl->ceiling = sectors;
    if (p->sectors > sectors)
        p->sectors = sectors;
    if (p->sectors < sure(p))
        p->sectors = sure(p);
    if (p->sectors == sectors)
        pl->told = 0;
    payload_hurry(p);
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

void payload_withdraw(struct path *p)
{
    take_back(p, &p->payload.probe);
    take_back(p, &p->payload.control);
}

static struct frame *make(struct path *p, unsigned sectors)
{
    struct aoe_disk *d = p->disk;
    uint64_t size = d->identity.size / AOE_SECTOR;
    struct frame *f;

    if (size < p->payload.trying)
        return NULL;
    f = flight_get(&d->aoe->flight, true);
    if (!f)
        return NULL;
    f->disk = d;
    f->probe = true;
    /* Where the first sectors of a disk cannot be read, others can. */
    f->lba = (size - p->payload.trying) / 8 * (p->payload.place % 8);
    f->sectors = sectors;
    if (sectors == p->payload.trying)
        f->iov = &iov_zeroes;
    disk_registers(d, f, AOE_READ);
    return f;
}

/* Another copy of both, under the tags they had: an answer to any will do. */
static void leave(struct path *p, struct frame *f)
{
    path_forget(p, f);
    path_queued(p, f);
    port_queue(p->port, f);
}

static void probe(struct path *p)
{
    struct payload *pl = &p->payload;

    pl->probe_at = UINT64_MAX;
    if (!pl->trying)
        pl->trying = pl->ceiling;
    if (!pl->probe)
        pl->probe = make(p, pl->trying);
    if (!pl->control)
        pl->control = make(p, sure(p));
    if (!pl->probe || !pl->control) {
        rest(p, p->disk->aoe->now);
        return;
    }
    leave(p, pl->probe);
    leave(p, pl->control);
}

/* When it is time to look what came back. */
static uint64_t due(const struct path *p)
{
    const struct payload *pl = &p->payload;
    uint64_t wait = path_rto_fresh(p);

    if (!pl->probe || pl->probe->state == FRAME_QUEUED)
        return UINT64_MAX;
    wait <<= pl->waits;
    return pl->probe->sent + (wait < WAIT_MOST ? wait : WAIT_MOST);
}

/* ---- verdicts -------------------------------------------------------------
 */

static void tell(struct path *p)
{
    unsigned now = p->sectors < p->payload.ceiling ? p->sectors : 0;

    if (now == p->payload.told)
        return;
    p->payload.told = now;
    disk_event(p->disk, AOE_DISK_PAYLOAD);
}

static void failed(struct path *p, uint64_t now)
{
    struct payload *pl = &p->payload;
    unsigned next = below(pl->trying);

    payload_withdraw(p);
    if (pl->trying <= p->sectors) { /* what has been good is so no more */
        p->sectors = sure(p);
        payload_shorten(p);
    }
    if (next > p->sectors) {
        attempt(pl, next);
        return;
    }
    rest(p, now);
    tell(p);
}

static void judge(struct path *p, uint64_t now)
{
    struct payload *pl = &p->payload;

    if (pl->control) { /* neither was answered */
        pl->vanished = 0;
        if (++pl->waits < PAYLOAD_WAITS)
            pl->probe_at = now;
        else
            rest(p, now);
    } else if (++pl->vanished < PAYLOAD_PROBES) {
        pl->probe_at = now;
    } else {
        failed(p, now);
    }
}

static void passed(struct path *p, unsigned sectors, uint64_t now)
{
    if (sectors > p->sectors && sectors <= p->payload.ceiling)
        p->sectors = sectors;
    rest(p, now);
    tell(p);
}

void payload_probed(struct frame *f, const struct aoe_ata *a)
{
    struct path *p = f->path;
    struct payload *pl = &p->payload;
    struct aoe_disk *d = f->disk;
    bool lengthy = f == pl->probe;
    unsigned sectors = f->sectors;
    bool good = a && !(a->command & ATA_STATUS_FAILED) &&
                a->data_len >= (size_t)sectors * AOE_SECTOR;

    path_answered(p, f, d->aoe->now);
    flight_put(&d->aoe->flight, f);
    if (!lengthy) {
        pl->control = NULL;
        return;
    }
    pl->probe = NULL;
    if (good) {
        passed(p, sectors, d->aoe->now);
        return;
    }
    /* Refused: the place is bad, or the target has a new limit. */
    pl->place++;
    d->query_at = d->aoe->now;
    take_back(p, &pl->control);
    judge(p, d->aoe->now);
}

/* ---- frames of requests ---------------------------------------------------
 */

static bool lengthy_data(const struct path *p, const struct frame *f)
{
    return frame_timed(f) && f->sectors > sure(p);
}

void payload_lost(struct path *p, const struct frame *f)
{
    struct payload *pl = &p->payload;

    if (!lengthy_data(p, f) || f->sectors > p->sectors ||
        ++pl->lost[frame_reads(f)] < PAYLOAD_SUSPECT)
        return;
    if (!pl->trying || pl->trying > p->sectors) {
        payload_withdraw(p);
        attempt(pl, p->sectors);
    }
}

void payload_answered(struct path *p, const struct frame *f)
{
    if (lengthy_data(p, f))
        p->payload.lost[frame_reads(f)] = 0;
}

bool payload_refused(struct frame *f)
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
    payload_shorten(p);
    payload_hurry(p);
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

void payload_shorten(struct path *p)
{
    shorten(p, &p->sent);
    shorten(p, &p->lost);
    shorten(p, &p->port->tx);
}

/* ---- time -----------------------------------------------------------------
 */

void payload_tick(struct path *p, uint64_t now)
{
    if (p->state != PATH_GOOD) {
        payload_withdraw(p); /* payload_hurry begins anew */
        return;
    }
    if (due(p) <= now)
        judge(p, now);
    if (p->payload.probe_at <= now)
        probe(p);
}

uint64_t payload_next(const struct path *p)
{
    uint64_t at = due(p);

    if (p->state != PATH_GOOD)
        return UINT64_MAX;
    return at < p->payload.probe_at ? at : p->payload.probe_at;
}
