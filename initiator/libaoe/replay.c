/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The replay log: blocks of 4 KiB, found by a hash of their number, in the
 * order of their latest change.  Each sector knows the number of the change
 * that wrote it; what is not newer than disk->flushed is no longer kept.
 */
#include "initiator/libaoe/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initiator/libaoe/disk.h"

enum {
    BLOCK_SECTORS = 8,
    SLOTS = 32, /* writes of the replay that are submitted together */
    TRIES = 4,  /* for each */
};

/* How soon a flush of our own is tried again after it failed, with all that is
 * written again for it.  A user's is tried at once. */
#define QUIET (10 * NS_PER_S)

struct block {
    struct list link; /* in replay->blocks */
    struct block *hash_next;
    uint64_t number;                /* lba / BLOCK_SECTORS */
    uint64_t newest;                /* of change[] */
    uint64_t change[BLOCK_SECTORS]; /* 0: nothing is kept */
    uint8_t data[BLOCK_SECTORS][AOE_SECTOR];
};

/* A write of the replay. */
struct slot {
    struct transfer t;
    struct iovec iov;
    struct replay *replay;
    unsigned tries;
    bool busy;
};

struct replay {
    struct aoe_disk *disk;
    uint64_t room; /* blocks, at most */
    uint64_t count, reserved;
    struct list blocks; /* the one whose latest change is oldest first */
    struct block **buckets;
    uint64_t mask;

    struct transfer flush; /* our own */
    bool flushing;
    bool stuck; /* it failed: nothing waits for room any more */
    uint64_t quiet_until;

    uint32_t written;     /* all is at the target that disk->restarts, when it
                             had this value, may have taken */
    enum aoe_event cause; /* of the latest loss */
    bool mending;         /* it is written again; a flush proves it */
    bool said;            /* the user knows that it could not be */
    bool wanted;          /* a change that is not kept waits for that */

    bool running;    /* the log is being written again */
    uint32_t pass;   /* disk->restarts when that began */
    bool lost;       /* some of it could not be */
    struct list *at; /* the block to go on with, */
    unsigned sector; /* from this sector on */
    unsigned busy;   /* slots */
    struct slot slots[SLOTS];
};

struct replay *replay_new(struct aoe_disk *d, uint64_t bytes)
{
    struct replay *r = calloc(1, sizeof *r);
    uint64_t buckets = 64;

    if (!r)
        return NULL;
    r->disk = d;
    r->room = bytes / sizeof(struct block);
    if (r->room < 2)
        r->room = 2;
    while (buckets < r->room && buckets < UINT32_MAX)
        buckets *= 2;
    r->mask = buckets - 1;
    list_init(&r->blocks);
    r->at = &r->blocks;
    if (buckets <= SIZE_MAX / sizeof *r->buckets)
        r->buckets = calloc((size_t)buckets, sizeof *r->buckets);
    if (!r->buckets) {
        free(r);
        return NULL;
    }
    return r;
}

/* ---- blocks ---------------------------------------------------------------
 */

static struct block **bucket(struct replay *r, uint64_t number)
{
    return &r->buckets[(number * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & r->mask];
}

static struct block *find(struct replay *r, uint64_t number)
{
    struct block *b = *bucket(r, number);

    while (b && b->number != number)
        b = b->hash_next;
    return b;
}

static struct block *add(struct replay *r, uint64_t number)
{
    struct block **at = bucket(r, number), *b;

    if (r->count >= r->room)
        return NULL;
    b = malloc(sizeof *b);
    if (!b)
        return NULL;
    memset(b, 0, offsetof(struct block, data));
    b->number = number;
    b->hash_next = *at;
    *at = b;
    r->count++;
    return b;
}

static void drop(struct replay *r, struct block *b)
{
    struct block **at = bucket(r, b->number);

    while (*at != b)
        at = &(*at)->hash_next;
    *at = b->hash_next;
    list_remove(&b->link);
    r->count--;
    free(b);
}

void replay_free(struct replay *r)
{
    if (!r)
        return;
    while (!list_empty(&r->blocks))
        drop(r, list_entry(list_first(&r->blocks), struct block, link));
    free(r->buckets);
    free(r);
}

static void trim(struct replay *r)
{
    struct list *first;

    while ((first = list_first(&r->blocks))) {
        struct block *b = list_entry(first, struct block, link);

        if (b->newest > r->disk->flushed)
            break;
        drop(r, b);
    }
    r->disk->aoe->kicked = true; /* for those who wait for room */
}

void replay_flushed(struct replay *r)
{
    bool mended = r->mending;

    r->stuck = r->mending = r->said = false;
    r->quiet_until = 0;
    trim(r);
    if (mended)
        disk_event(r->disk, AOE_DISK_MENDED);
}

bool replay_holds_data(const struct replay *r)
{
    return r->count > 0;
}

/* ---- keeping --------------------------------------------------------------
 */

static uint64_t blocks_of(const struct transfer *t)
{
    return (t->lba + t->sectors - 1) / BLOCK_SECTORS - t->lba / BLOCK_SECTORS +
           1;
}

/* Trimmed sectors may read as anything, where the disk does not promise
 * zeroes. */
static bool forgotten(const struct replay *r, const struct transfer *t)
{
    return t->op == AOE_TRIM && !r->disk->identity.trim_zeroes;
}

static bool stale(const struct replay *r)
{
    return r->written != r->disk->restarts;
}

/* What is written again later would land on top of it; but where that is not
 * possible, its own flush fails, too. */
static bool go_unkept(struct replay *r)
{
    r->wanted = stale(r) && !r->lost;
    return !r->wanted;
}

bool replay_reserve(struct replay *r, struct transfer *t)
{
    uint64_t blocks = blocks_of(t);

    if (t->reserved || forgotten(r, t))
        return true;
    if (blocks > r->room / 2)
        return go_unkept(r);
    if (r->count + r->reserved + blocks > r->room) {
        replay_flush(r);
        return r->stuck && go_unkept(r);
    }
    t->reserved = blocks;
    r->reserved += blocks;
    return true;
}

static void forget_in(struct block *b, const struct transfer *t)
{
    for (unsigned i = 0; i < BLOCK_SECTORS; i++) {
        uint64_t lba = b->number * BLOCK_SECTORS + i;

        if (lba >= t->lba && lba < t->lba + t->sectors)
            b->change[i] = 0;
    }
}

static void forget(struct replay *r, const struct transfer *t)
{
    uint64_t first = t->lba / BLOCK_SECTORS, end = first + blocks_of(t);

    if (end - first > r->count) {
        list_each(node, &r->blocks)
            forget_in(list_entry(node, struct block, link), t);
        return;
    }
    for (; first < end; first++) {
        struct block *b = find(r, first);

        if (b)
            forget_in(b, t);
    }
}

static bool store(struct replay *r, const struct transfer *t)
{
    const struct iovec *iov = t->first_iov;
    size_t skip = t->first_skip;
    uint64_t lba = t->lba, end = t->lba + t->sectors;

    while (lba < end) {
        struct block *b = find(r, lba / BLOCK_SECTORS);
        unsigned i = (unsigned)(lba % BLOCK_SECTORS);

        if (!b)
            b = add(r, lba / BLOCK_SECTORS);
        if (!b)
            return false;
        for (; i < BLOCK_SECTORS && lba < end; i++, lba++) {
            b->change[i] = r->disk->changed;
            if (t->op == AOE_WRITE) {
                iov_gather(iov, skip, b->data[i], AOE_SECTOR);
                iov_advance(&iov, &skip, AOE_SECTOR);
            } else {
                memset(b->data[i], 0, AOE_SECTOR);
            }
        }
        b->newest = r->disk->changed;
        list_remove(&b->link);
        list_append(&r->blocks, &b->link);
    }
    return true;
}

/* Nobody will write it again: it must not be reported before a flush. */
static void mark_unkept(const struct replay *r, struct transfer *t)
{
    struct transfer *whole = transfer_whole(t);

    whole->unkept = true;
    whole->restarts = r->disk->restarts;
}

void replay_keep(struct replay *r, struct transfer *t)
{
    bool reserved = t->reserved > 0;

    r->reserved -= t->reserved;
    t->reserved = 0;
    if (t->status != 0)
        return;
    if (forgotten(r, t))
        forget(r, t);
    else if (!reserved || !store(r, t))
        mark_unkept(r, t);
    if (r->count > r->room / 2)
        replay_flush(r);
}

/* ---- making room ----------------------------------------------------------
 */

static void flush_finish(struct transfer *t)
{
    struct replay *r = t->disk->replay;

    r->flushing = false;
    r->stuck = t->status != 0 && t->disk->state == DISK_READY;
    if (r->stuck)
        r->quiet_until = t->disk->aoe->now + QUIET;
    t->disk->aoe->kicked = true;
}

bool replay_flush(struct replay *r)
{
    struct aoe_disk *d = r->disk;

    if (r->flushing || d->state != DISK_READY || r->quiet_until > d->aoe->now)
        return false;
    r->flushing = true;
    r->flush = (struct transfer){.op = AOE_FLUSH,
                                 .sectors = d->flush_opcode ? 1 : 0,
                                 .deadline = UINT64_MAX,
                                 .start = transfer_queue,
                                 .finish = flush_finish};
    transfer_begin(d, &r->flush, false);
    return true;
}

/* ---- writing it again -----------------------------------------------------
 */

bool replay_pending(const struct replay *r)
{
    return !r->running && stale(r);
}

bool replay_wanted(const struct replay *r)
{
    return r->wanted;
}

bool replay_blocks(const struct replay *r, const struct transfer *t)
{
    if (t->replay)
        return false;
    return r->running || (t->op == AOE_FLUSH && stale(r));
}

void replay_begin(struct replay *r)
{
    r->running = !list_empty(&r->blocks);
    r->pass = r->disk->restarts;
    if (!r->running)
        r->written = r->pass;
    r->lost = r->wanted = false;
    r->at = r->blocks.next;
    r->sector = 0;
}

void replay_lost(struct replay *r, enum aoe_event cause, bool at_once)
{
    r->cause = cause;
    r->mending = false;
    if (at_once)
        replay_begin(r);
}

void replay_give_up(struct replay *r, bool say)
{
    struct aoe_disk *d = r->disk;

    disk_fail_flushes(d);
    if (say && !r->said && !list_empty(&r->blocks)) {
        r->said = true;
        disk_event(d, r->cause);
    }
}

static bool kept(const struct replay *r, const struct block *b, unsigned i)
{
    return b->change[i] > r->disk->flushed;
}

static void slot_submit(struct slot *s)
{
    s->busy = true;
    s->replay->busy++;
    s->t.iov = &s->iov;
    s->t.skip = 0;
    transfer_begin(s->replay->disk, &s->t, false);
}

/* What a failing disk took is there again only after a flush. */
static void end(struct replay *r)
{
    r->running = false;
    r->disk->aoe->kicked = true;
    if (r->lost) {
        replay_give_up(r, true);
        return;
    }
    r->written = r->pass;
    r->mending = r->said || r->cause == AOE_DISK_LOST_WRITES;
    if (!r->mending)
        disk_event(r->disk, AOE_DISK_REPLAYED);
}

static void slot_finish(struct transfer *t)
{
    struct slot *s = (struct slot *)(void *)t; /* its first member */
    struct replay *r = s->replay;

    s->busy = false;
    r->busy--;
    if (t->disk->state != DISK_READY) {
        replay_begin(r); /* as soon as it is back */
        return;
    }
    if (t->status == 0) {
        t->disk->stats.replayed += t->sectors * AOE_SECTOR;
    } else if (t->status != -EAGAIN && ++s->tries < TRIES) {
        slot_submit(s);
        return;
    } else if (t->status != -EAGAIN) {
        r->lost = true;
    }
    if (r->running && r->busy == 0 && r->at == &r->blocks)
        end(r);
}

/* The next run of kept sectors. */
static bool next_run(struct replay *r, struct slot *s)
{
    for (; r->at != &r->blocks; r->at = r->at->next, r->sector = 0) {
        struct block *b = list_entry(r->at, struct block, link);
        unsigned i = r->sector, n = 0;

        while (i < BLOCK_SECTORS && !kept(r, b, i))
            i++;
        while (i + n < BLOCK_SECTORS && kept(r, b, i + n))
            n++;
        r->sector = i + n;
        if (n == 0)
            continue;
        s->iov = (struct iovec){b->data[i], (size_t)n * AOE_SECTOR};
        s->t = (struct transfer){.op = AOE_WRITE,
                                 .lba = b->number * BLOCK_SECTORS + i,
                                 .sectors = n,
                                 .replay = true,
                                 .deadline = UINT64_MAX,
                                 .start = transfer_queue,
                                 .finish = slot_finish};
        return true;
    }
    return false;
}

void replay_run(struct replay *r)
{
    if (!r->running)
        return;
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &r->slots[i];

        if (s->busy)
            continue;
        if (!next_run(r, s))
            break;
        s->tries = 0;
        s->replay = r;
        slot_submit(s);
    }
    if (r->busy == 0)
        end(r); /* all of it was flushed or trimmed */
}
