/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The checker of the simulation.
 */
#include "tests/sim/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { SECTOR = 512 };

void history_init(struct history *h, uint64_t sectors)
{
    *h = (struct history){.sectors = sectors};
    h->s = calloc((size_t)sectors, sizeof *h->s);
    if (!h->s)
        abort();
}

void history_fini(struct history *h)
{
    free(h->s);
    free(h->durable_at);
}

/* ---- sectors --------------------------------------------------------------
 */

void sector_fill(uint8_t *sector, uint64_t lba, uint64_t id)
{
    for (int i = 0; i < SECTOR; i += 16) {
        put_be64(sector + i, lba);
        put_be64(sector + i + 8, id);
    }
}

/* Every sixteen bytes must say the same: a sector is written whole. */
static bool sector_parse(const uint8_t *sector, uint64_t *lba, uint64_t *id)
{
    *lba = get_be64(sector);
    *id = get_be64(sector + 8);
    for (int i = 16; i < SECTOR; i += 16)
        if (memcmp(sector, sector + i, 16) != 0)
            return false;
    return true;
}

/* ---- writes ---------------------------------------------------------------
 */

void history_write(struct history *h, struct snapshot *s, uint64_t lba,
                   uint64_t count, bool zeroes)
{
    *s = (struct snapshot){
        .lba = lba, .count = count, .id = ++h->last, .crashes = h->crashes};
    for (uint64_t i = lba; i < lba + count; i++) {
        h->s[i].newest = s->id;
        if (zeroes)
            h->s[i].trimmed = s->id;
    }
}

void history_wrote(struct history *h, struct snapshot *s, int status)
{
    /* Failed, or answered over a crash: it may be there or not. */
    if (status || s->crashes != h->crashes)
        return;
    for (uint64_t i = s->lba; i < s->lba + s->count; i++)
        if (h->s[i].floor < s->id)
            h->s[i].floor = s->id;
}

/* ---- reads ----------------------------------------------------------------
 */

static void take_floor(struct history *h, struct snapshot *s)
{
    s->floor = malloc((size_t)s->count * sizeof *s->floor);
    if (!s->floor)
        abort();
    for (uint64_t i = 0; i < s->count; i++)
        s->floor[i] = h->s[s->lba + i].floor;
    s->crashes = h->crashes;
}

void history_read(struct history *h, struct snapshot *s, uint64_t lba,
                  uint64_t count)
{
    *s = (struct snapshot){.lba = lba, .count = count};
    take_floor(h, s);
}

static bool zero(const uint8_t *sector)
{
    return sector[0] == 0 && memcmp(sector, sector + 1, SECTOR - 1) == 0;
}

static bool allowed(const struct sector_history *s, uint64_t floor,
                    const uint8_t *sector, uint64_t at, uint64_t *id)
{
    uint64_t lba;

    *id = 0;
    if (zero(sector))
        return floor == 0 || s->trimmed >= floor;
    return sector_parse(sector, &lba, id) && lba == at && *id >= floor &&
           *id <= s->newest;
}

/* The least that a request which met a crash may find in a sector: what was
 * durable then.  Flushes since do not count, since a part of it may have been
 * read before them. */
static uint64_t lowest(const struct history *h, const struct snapshot *s,
                       uint64_t sector, uint64_t floor)
{
    uint64_t durable;

    if (s->crashes == h->crashes)
        return floor;
    durable = h->durable_at[s->crashes * h->sectors + sector];
    return durable < floor ? durable : floor;
}

bool history_check(struct history *h, struct snapshot *s, const uint8_t *data,
                   char *why, size_t room)
{
    bool good = true;

    for (uint64_t i = 0; i < s->count && good; i++) {
        struct sector_history *sh = &h->s[s->lba + i];
        uint64_t floor = lowest(h, s, s->lba + i, s->floor[i]);
        uint64_t id;

        good = allowed(sh, floor, data + i * SECTOR, s->lba + i, &id);
        if (!good)
            snprintf(why, room,
                     "sector %" PRIu64 " holds write %" PRIu64 ", but %" PRIu64
                     "..%" PRIu64 " are allowed (zeroes of %" PRIu64 ")",
                     s->lba + i, id, floor, sh->newest, sh->trimmed);
        else if (!h->replay && s->crashes == h->crashes && sh->floor < id)
            sh->floor = id; /* what was seen does not go away */
    }
    free(s->floor);
    return good;
}

/* ---- flushes and crashes --------------------------------------------------
 */

void history_flush(struct history *h, struct snapshot *s)
{
    *s = (struct snapshot){.count = h->sectors};
    take_floor(h, s);
}

void history_flushed(struct history *h, struct snapshot *s, int status)
{
    if (status == 0 && s->crashes == h->crashes)
        for (uint64_t i = 0; i < h->sectors; i++)
            if (h->s[i].durable < s->floor[i])
                h->s[i].durable = s->floor[i];
    free(s->floor);
}

void history_crash(struct history *h)
{
    uint64_t *now;

    if (h->replay)
        return;
    h->durable_at =
        realloc(h->durable_at, (size_t)((h->crashes + 1) * h->sectors) *
                                   sizeof *h->durable_at);
    if (!h->durable_at)
        abort();
    now = h->durable_at + h->crashes++ * h->sectors;
    for (uint64_t i = 0; i < h->sectors; i++)
        h->s[i].floor = now[i] = h->s[i].durable;
}
