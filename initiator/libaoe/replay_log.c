/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Blocks of the replay log.
 */
#include "initiator/libaoe/replay_log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SECTORS = 8 };

struct replay_block {
    struct list link; /* in replay_log->blocks */
    struct replay_block *hash_next;
    uint64_t number;                /* lba / BLOCK_SECTORS */
    uint64_t newest;                /* of change[] */
    uint64_t change[BLOCK_SECTORS]; /* 0: nothing is kept */
    uint8_t data[BLOCK_SECTORS][AOE_SECTOR];
};

bool replay_log_init(struct replay_log *l, uint64_t bytes)
{
    uint64_t buckets = 64;

    memset(l, 0, sizeof *l);
    l->capacity = bytes / sizeof(struct replay_block);
    if (l->capacity < 2)
        l->capacity = 2;
    while (buckets < l->capacity && buckets < UINT32_MAX)
        buckets *= 2;
    l->mask = buckets - 1;
    list_init(&l->blocks);
    l->at = &l->blocks;
    if (buckets <= SIZE_MAX / sizeof(struct replay_block *))
        l->buckets = calloc((size_t)buckets, sizeof(struct replay_block *));
    return l->buckets != NULL;
}

/* ---- blocks ---------------------------------------------------------------
 */

static struct replay_block **bucket(struct replay_log *l, uint64_t number)
{
    return &l->buckets[(number * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & l->mask];
}

static struct replay_block *find(struct replay_log *l, uint64_t number)
{
    struct replay_block *b = *bucket(l, number);

    while (b && b->number != number)
        b = b->hash_next;
    return b;
}

static struct replay_block *add(struct replay_log *l, uint64_t number)
{
    struct replay_block **at = bucket(l, number), *b;

    if (l->count >= l->capacity)
        return NULL;
    b = malloc(sizeof *b);
    if (!b)
        return NULL;
    memset(b, 0, offsetof(struct replay_block, data));
    b->number = number;
    b->hash_next = *at;
    *at = b;
    l->count++;
    return b;
}

static void drop(struct replay_log *l, struct replay_block *b)
{
    struct replay_block **at = bucket(l, b->number);

    assert(l->count > 0);
    while (*at != b)
        at = &(*at)->hash_next;
    *at = b->hash_next;
    list_remove(&b->link);
    l->count--;
    free(b);
}

void replay_log_fini(struct replay_log *l)
{
    while (!list_empty(&l->blocks))
        drop(l, list_entry(list_first(&l->blocks), struct replay_block, link));
    free(l->buckets);
}

void replay_log_trim(struct replay_log *l, uint64_t flushed)
{
    struct list *first;

    while ((first = list_first(&l->blocks))) {
        struct replay_block *b = list_entry(first, struct replay_block, link);

        if (b->newest > flushed)
            break;
        drop(l, b);
    }
}

/* ---- keeping --------------------------------------------------------------
 */

static uint64_t blocks_of(const struct transfer *t)
{
    return (t->lba + t->sectors - 1) / BLOCK_SECTORS - t->lba / BLOCK_SECTORS +
           1;
}

bool replay_log_too_large(const struct replay_log *l, const struct transfer *t)
{
    return blocks_of(t) > l->capacity / 2;
}

bool replay_log_reserve(struct replay_log *l, struct transfer *t)
{
    uint64_t blocks = blocks_of(t);

    assert(t->reserved == 0);
    if (l->count + l->reserved + blocks > l->capacity)
        return false;
    t->reserved = blocks;
    l->reserved += blocks;
    return true;
}

bool replay_log_release(struct replay_log *l, struct transfer *t)
{
    bool reserved = t->reserved > 0;

    assert(l->reserved >= t->reserved);
    l->reserved -= t->reserved;
    t->reserved = 0;
    return reserved;
}

bool replay_log_half_full(const struct replay_log *l)
{
    return l->count > l->capacity / 2;
}

static void forget_in(struct replay_block *b, const struct transfer *t)
{
    for (unsigned i = 0; i < BLOCK_SECTORS; i++) {
        uint64_t lba = b->number * BLOCK_SECTORS + i;

        if (lba >= t->lba && lba < t->lba + t->sectors)
            b->change[i] = 0;
    }
}

void replay_log_forget(struct replay_log *l, const struct transfer *t)
{
    uint64_t first = t->lba / BLOCK_SECTORS, end = first + blocks_of(t);

    if (end - first > l->count) {
        list_each(node, &l->blocks)
            forget_in(list_entry(node, struct replay_block, link), t);
        return;
    }
    for (; first < end; first++) {
        struct replay_block *b = find(l, first);

        if (b)
            forget_in(b, t);
    }
}

bool replay_log_store(struct replay_log *l, const struct transfer *t,
                      uint64_t change)
{
    const struct iovec *iov = t->first_iov;
    size_t skip = t->first_skip;
    uint64_t lba = t->lba, end = t->lba + t->sectors;

    while (lba < end) {
        struct replay_block *b = find(l, lba / BLOCK_SECTORS);
        unsigned i = (unsigned)(lba % BLOCK_SECTORS);

        if (!b)
            b = add(l, lba / BLOCK_SECTORS);
        if (!b)
            return false;
        for (; i < BLOCK_SECTORS && lba < end; i++, lba++) {
            b->change[i] = change;
            if (t->op == AOE_WRITE) {
                iov_gather(iov, skip, b->data[i], AOE_SECTOR);
                iov_advance(&iov, &skip, AOE_SECTOR);
            } else {
                memset(b->data[i], 0, AOE_SECTOR);
            }
        }
        b->newest = change;
        list_remove(&b->link);
        list_append(&l->blocks, &b->link);
    }
    return true;
}

/* ---- reading it -----------------------------------------------------------
 */

void replay_log_rewind(struct replay_log *l)
{
    l->at = l->blocks.next;
    l->sector = 0;
}

bool replay_log_at_end(const struct replay_log *l)
{
    return l->at == &l->blocks;
}

bool replay_log_next(struct replay_log *l, uint64_t flushed,
                     struct replay_run *run)
{
    for (; l->at != &l->blocks; l->at = l->at->next, l->sector = 0) {
        struct replay_block *b = list_entry(l->at, struct replay_block, link);
        unsigned i = l->sector, n = 0;

        while (i < BLOCK_SECTORS && b->change[i] <= flushed)
            i++;
        while (i + n < BLOCK_SECTORS && b->change[i + n] > flushed)
            n++;
        l->sector = i + n;
        if (n == 0)
            continue;
        *run = (struct replay_run){.lba = b->number * BLOCK_SECTORS + i,
                                   .sectors = n,
                                   .data = b->data[i]};
        return true;
    }
    return false;
}
