/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A medium with a volatile cache, and the store on it.
 */
#include "tests/sim/medium.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { SECTOR = 512 };

/* How long a disk may retry before it gives up a sector. */
#define GIVES_UP (500 * NS_PER_MS)

/* ---- sectors --------------------------------------------------------------
 */

void medium_init(struct medium *m, uint64_t sectors)
{
    m->sectors = sectors;
    m->cache = calloc((size_t)sectors, SECTOR);
    m->kept = calloc((size_t)sectors, SECTOR);
    m->state = calloc((size_t)sectors, sizeof *m->state);
    if (!m->cache || !m->kept || !m->state)
        abort();
}

void medium_fini(struct medium *m)
{
    free(m->cache);
    free(m->kept);
    free(m->state);
}

static void put(struct medium *m, uint64_t lba, const uint8_t *data)
{
    uint8_t *at = m->cache + lba * SECTOR;

    if (data)
        memcpy(at, data, SECTOR);
    else
        memset(at, 0, SECTOR);
    m->state[lba].dirty = true;
    m->state[lba].stale = false;
}

/* True: it was dirty and could not be written. */
static bool write_back(struct medium *m, uint64_t lba)
{
    struct medium_sector *s = &m->state[lba];

    if (!s->dirty)
        return false;
    s->dirty = false; /* as in the kernel, whatever the outcome */
    s->stale =
        lba >= m->loss_from && (s->bad || dice_chance(m->dice, m->loss_chance));
    if (!s->stale)
        memcpy(m->kept + lba * SECTOR, m->cache + lba * SECTOR, SECTOR);
    m->lost += s->stale;
    return s->stale;
}

/* How long it takes, ns. */
static uint64_t write_back_range(struct medium *m, uint64_t first, uint64_t end)
{
    bool failed = false;

    for (; first < end; first++)
        failed |= write_back(m, first);
    m->failures += failed;
    return failed ? dice_below(m->dice, GIVES_UP) : 0;
}

static bool differs(const struct medium *m, uint64_t lba)
{
    return memcmp(m->cache + lba * SECTOR, m->kept + lba * SECTOR, SECTOR) != 0;
}

/* The page is evicted; the next access reads it from the medium. */
static bool fall_back(struct medium *m, uint64_t lba)
{
    bool fell = differs(m, lba);

    m->state[lba].dirty = m->state[lba].stale = false;
    memcpy(m->cache + lba * SECTOR, m->kept + lba * SECTOR, SECTOR);
    return fell;
}

static void evict(struct medium *m)
{
    for (uint64_t lba = 0; lba < m->sectors; lba++)
        if (m->state[lba].stale && fall_back(m, lba) && m->fell)
            m->fell(m->arg, lba);
}

/* What the operating system does on its own, at any time. */
static void wander(struct medium *m)
{
    bool failed = false;

    if (dice_chance(m->dice, m->write_back_chance)) {
        for (uint64_t lba = 0; lba < m->sectors; lba++)
            if (m->state[lba].dirty && dice_below(m->dice, 2))
                failed |= write_back(m, lba);
        m->failures += failed;
    }
    if (dice_chance(m->dice, m->evict_chance))
        evict(m);
}

uint64_t medium_power_off(struct medium *m)
{
    uint64_t lost = 0;

    for (uint64_t lba = 0; lba < m->sectors; lba++) {
        if (dice_below(m->dice, 2))
            write_back(m, lba); /* just in time */
        lost += fall_back(m, lba);
    }
    m->heard = m->failures; /* no descriptor remembers */
    return lost;
}

void medium_forget(struct medium *m)
{
    for (uint64_t lba = 0; lba < m->sectors; lba++)
        if (fall_back(m, lba) && m->fell)
            m->fell(m->arg, lba);
    m->heard = m->failures;
}

void medium_heal(struct medium *m)
{
    for (uint64_t lba = 0; lba < m->sectors; lba++)
        m->state[lba].bad = false;
}

/* ---- operations -----------------------------------------------------------
 */

struct medium_store {
    struct store store;
    struct medium *medium;
    uint64_t heard; /* of medium->failures, by this descriptor */
    bool gone;
    bool remote;
    bool dirty;       /* remote: the server may lose acknowledged data */
    struct list busy; /* of run.link */
};

enum phase {
    BEGUN,   /* nothing has happened yet */
    PUT,     /* a read or write has met the cache */
    SYNCED,  /* what must be has been written back, or not */
    RETRIED, /* the same, for the sector `done` of a repeated write */
};

/* An operation in progress. */
struct run {
    struct list link;
    struct store_op *op;
    struct medium_store *store;
    enum phase phase;
    bool again;  /* repeated sector by sector, to see which one fails */
    bool covers; /* remote: a flush for the server's dirty data */
    uint64_t due;
};

static struct medium_store *store_of(const struct store *s)
{
    return list_entry((struct store *)(uintptr_t)s, struct medium_store, store);
}

/* When the next step of an operation is over. */
static uint64_t later(struct medium *m)
{
    uint64_t due = *m->now + dice_below(m->dice, m->slowest + 1) / 2;

    if (dice_chance(m->dice, m->stall_chance)) {
        due += dice_below(m->dice, 5 * NS_PER_S);
        m->stalls++;
    }
    return due;
}

static bool changes(const struct store_op *op)
{
    return op->kind == STORE_WRITE || op->kind == STORE_TRIM;
}

static uint64_t first_of(const struct store_op *op)
{
    return op->offset / SECTOR;
}

static uint64_t end_of(const struct store_op *op)
{
    return (op->offset + op->length) / SECTOR;
}

static void put_all(struct medium *m, const struct store_op *op)
{
    for (uint64_t lba = first_of(op); lba < end_of(op); lba++)
        put(m, lba,
            op->kind == STORE_WRITE ? op->data + lba * SECTOR - op->offset
                                    : NULL);
}

static void meet_cache(struct run *r)
{
    struct medium *m = r->store->medium;
    struct store_op *op = r->op;

    if (op->kind == STORE_READ)
        memcpy(op->data, m->cache + op->offset, (size_t)op->length);
    else if (changes(op))
        put_all(m, op);
}

/* A trim is made durable by a sync of everything. */
static uint64_t sync_op(struct run *r)
{
    struct medium *m = r->store->medium;
    const struct store_op *op = r->op;

    if (op->kind == STORE_WRITE)
        return write_back_range(m, first_of(op), end_of(op));
    if (op->kind == STORE_FLUSH) {
        r->covers = r->store->dirty;
        r->store->dirty = false;
    }
    return write_back_range(m, 0, m->sectors);
}

/* What a sync says at its end. */
static bool hears_of_failure(struct medium_store *s)
{
    struct medium *m = s->medium;
    bool any = s->heard != m->failures;

    s->heard = m->heard = m->failures;
    m->told += any;
    s->store.losses += any;
    return any;
}

static void complete(struct run *r, int result)
{
    struct store_op *op = r->op;

    list_remove(&r->link);
    if (changes(op) && !op->durable && result == 0)
        r->store->dirty = true;
    op->result = result;
    if (result == 0)
        op->done = op->length;
    free(r);
    op->complete(op);
}

/* `ns`: longer than usual. */
static void next_phase(struct run *r, enum phase phase, uint64_t ns)
{
    r->phase = phase;
    r->due = later(r->store->medium) + ns;
}

/* Whose failure was it?  (target/store/file_move.c, move_sectors) */
static void try_sector(struct run *r)
{
    struct medium *m = r->store->medium;
    uint64_t lba = (r->op->offset + r->op->done) / SECTOR;

    put(m, lba, r->op->data + r->op->done);
    next_phase(r, RETRIED, write_back_range(m, lba, lba + 1));
}

static void retried(struct run *r)
{
    if (hears_of_failure(r->store)) {
        complete(r, -EIO);
        return;
    }
    r->op->done += SECTOR;
    if (r->op->done == r->op->length)
        complete(r, 0);
    else
        try_sector(r);
}

static void synced(struct run *r)
{
    if (!hears_of_failure(r->store)) {
        complete(r, 0);
    } else if (r->op->kind == STORE_WRITE) {
        r->store->medium->again++;
        try_sector(r);
    } else {
        complete(r, -EIO);
    }
}

static bool syncs(const struct store_op *op)
{
    return op->kind == STORE_FLUSH || (changes(op) && op->durable);
}

static void go_on(struct run *r)
{
    switch (r->phase) {
    case BEGUN:
        meet_cache(r);
        next_phase(r, PUT, 0);
        break;
    case PUT:
        if (!syncs(r->op)) {
            complete(r, 0);
            break;
        }
        next_phase(r, SYNCED, sync_op(r));
        break;
    case SYNCED:
        synced(r);
        break;
    case RETRIED:
        retried(r);
        break;
    }
}

static void step(struct run *r)
{
    struct medium *m = r->store->medium;

    if (r->store->gone) {
        r->store->store.losses += syncs(r->op);
        complete(r, -ENODEV);
    } else if (r->phase == BEGUN && r->op->kind != STORE_FLUSH &&
               dice_chance(m->dice, m->error_chance)) {
        m->errors++;
        complete(r, -EIO);
    } else {
        go_on(r);
    }
}

static void begin(struct medium_store *s, struct store_op *op)
{
    struct medium *m = s->medium;
    struct run *r = calloc(1, sizeof *r);

    if (!r)
        abort();
    r->op = op;
    r->store = s;
    op->done = 0;
    list_append(&s->busy, &r->link);
    wander(m);
    next_phase(r, BEGUN, 0);
    /* What only meets the cache may be done at once. */
    if (!syncs(op) && !s->remote && !s->gone && dice_below(m->dice, 4) == 0) {
        meet_cache(r);
        complete(r, 0);
    }
}

static void medium_submit(struct store *s, struct list *ops)
{
    for (struct list *node; (node = list_first(ops));) {
        list_remove(node);
        begin(store_of(s), list_entry(node, struct store_op, link));
    }
}

static struct run *first_due(const struct store *s)
{
    struct list *busy = &store_of(s)->busy;
    struct run *first = NULL;

    list_each(node, busy) {
        struct run *r = list_entry(node, struct run, link);

        if (!first || r->due < first->due)
            first = r;
    }
    return first;
}

bool medium_step(struct store *s)
{
    struct run *r = first_due(s);

    if (!r || r->due > *r->store->medium->now)
        return false;
    step(r);
    return true;
}

uint64_t medium_next(const struct store *s)
{
    const struct run *r = first_due(s);

    return r ? r->due : UINT64_MAX;
}

/* ---- opening, closing, losing ---------------------------------------------
 */

static void medium_close(struct store *s)
{
    free(store_of(s));
}

static const struct store_ops medium_ops = {
    .name = "medium", .submit = medium_submit, .close = medium_close};

struct store *medium_open(struct medium *m, bool remote)
{
    struct medium_store *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->store.ops = &medium_ops;
    s->store.size = m->sectors * SECTOR;
    s->store.physical_sector = SECTOR;
    s->store.can_trim = s->store.trim_zeroes = true;
    s->store.memory_align = 1;
    s->medium = m;
    s->remote = remote;
    s->heard = m->heard; /* what nobody has heard of, this one will */
    list_init(&s->busy);
    return &s->store;
}

void medium_abandon(struct store *s)
{
    struct medium_store *ms = store_of(s);

    list_each(node, &ms->busy) {
        struct run *r = list_entry(node, struct run, link);

        if (r->phase == BEGUN && changes(r->op) && !ms->gone &&
            dice_below(ms->medium->dice, 2))
            meet_cache(r);
        list_remove(node);
        free(r);
    }
}

void medium_pull(struct store *s)
{
    store_of(s)->gone = true;
    medium_forget(store_of(s)->medium);
}

void medium_reconnect(struct store *s)
{
    struct medium_store *ms = store_of(s);

    list_each(node, &ms->busy) {
        struct run *r = list_entry(node, struct run, link);

        ms->dirty |= r->covers;
        r->covers = false;
        r->op->done = 0;
        next_phase(r, BEGUN, 0);
    }
    ms->store.losses += ms->dirty;
    ms->dirty = false;
    medium_forget(ms->medium);
    ms->heard = ms->medium->failures;
}
