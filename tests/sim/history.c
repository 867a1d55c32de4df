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

void history_init(struct history *h, uint64_t first, uint64_t sectors,
                  const uint8_t *medium)
{
    *h = (struct history){.first = first, .sectors = sectors, .medium = medium};
    h->s = calloc((size_t)sectors, sizeof *h->s);
    if (!h->s)
        abort();
}

void history_fini(struct history *h)
{
    free(h->s);
    free(h->drops);
}

static struct sector_history *at(const struct history *h, uint64_t lba)
{
    return &h->s[lba - h->first];
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

/* All groups of sixteen bytes must agree: a sector is written whole. */
static bool sector_parse(const uint8_t *sector, uint64_t *lba, uint64_t *id)
{
    *lba = get_be64(sector);
    *id = get_be64(sector + 8);
    for (int i = 16; i < SECTOR; i += 16)
        if (memcmp(sector, sector + i, 16) != 0)
            return false;
    return true;
}

static bool zero(const uint8_t *sector)
{
    return sector[0] == 0 && memcmp(sector, sector + 1, SECTOR - 1) == 0;
}

static bool allowed(const struct history *h, uint64_t lba, uint64_t floor,
                    const uint8_t *sector, uint64_t *id)
{
    const struct sector_history *s = at(h, lba);
    uint64_t there;

    *id = 0;
    if (zero(sector))
        return floor == 0 || s->trimmed >= floor;
    return sector_parse(sector, &there, id) && there == lba && *id >= floor &&
           *id <= s->newest;
}

static void say(const struct history *h, uint64_t lba, uint64_t id,
                uint64_t floor, const char *where, char why[HISTORY_WHY])
{
    snprintf(why, HISTORY_WHY,
             "sector %" PRIu64 " holds write %" PRIu64 "%s, but %" PRIu64
             "..%" PRIu64 " are allowed (zeroes of %" PRIu64 ")",
             lba, id, where, floor, at(h, lba)->newest, at(h, lba)->trimmed);
}

/* Whether the medium holds `owed`, or something newer. */
static bool on_medium(const struct history *h, uint64_t lba, uint64_t owed,
                      char why[HISTORY_WHY])
{
    uint64_t id;

    if (allowed(h, lba, owed, h->medium + lba * SECTOR, &id))
        return true;
    say(h, lba, id, owed, " on the medium after a durable end", why);
    return false;
}

/* ---- what was told --------------------------------------------------------
 */

static void take_owed(struct history *h, struct snapshot *s)
{
    s->floor = malloc((size_t)h->sectors * sizeof *s->floor);
    if (!s->floor)
        abort();
    for (uint64_t i = 0; i < h->sectors; i++)
        s->floor[i] = h->s[i].owed;
}

/* Everything acknowledged may be lost. */
void history_told(struct history *h)
{
    h->told++;
    for (uint64_t i = 0; i < h->sectors; i++)
        h->s[i].owed = h->s[i].durable;
}

static void raise_durable(struct sector_history *s, uint64_t id)
{
    if (s->durable < id)
        s->durable = id;
    if (s->floor < id)
        s->floor = id;
    if (s->owed < id)
        s->owed = id;
}

static bool settle(struct history *h, const struct snapshot *s,
                   char why[HISTORY_WHY])
{
    /* The network decides which answer came first, this one or the one that
     * reported the loss; the same goes for restarts that nobody was told of. */
    if (s->told != h->told || s->restarts != h->restarts)
        return true;
    for (uint64_t i = 0; i < h->sectors; i++) {
        if (!on_medium(h, h->first + i, s->floor[i], why))
            return false;
        raise_durable(&h->s[i], s->floor[i]);
    }
    return true;
}

void history_flush(struct history *h, struct snapshot *s)
{
    *s = (struct snapshot){
        .events = h->events, .restarts = h->restarts, .told = h->told};
    take_owed(h, s);
}

bool history_flushed(struct history *h, struct snapshot *s, int status,
                     char why[HISTORY_WHY])
{
    bool good = true;

    if (status)
        history_told(h);
    else
        good = settle(h, s, why);
    history_forget(s);
    return good;
}

void history_forget(struct snapshot *s)
{
    free(s->floor);
    s->floor = NULL;
}

/* ---- writes ---------------------------------------------------------------
 */

void history_write(struct history *h, struct snapshot *s, uint64_t lba,
                   uint64_t count, bool zeroes, bool durable)
{
    *s = (struct snapshot){.lba = lba,
                           .count = count,
                           .id = ++h->last,
                           .durable = durable,
                           .events = h->events,
                           .restarts = h->restarts,
                           .told = h->told};
    for (uint64_t i = lba; i < lba + count; i++) {
        at(h, i)->newest = s->id;
        if (zeroes)
            at(h, i)->trimmed = s->id;
    }
}

static void acknowledge(struct history *h, const struct snapshot *s)
{
    for (uint64_t i = s->lba; i < s->lba + s->count; i++) {
        struct sector_history *sh = at(h, i);

        /* Answered across a loss: a read may find it or not. */
        if (sh->dropped <= s->events && sh->floor < s->id)
            sh->floor = s->id;
        if (s->restarts == h->restarts && sh->owed < s->id)
            sh->owed = s->id;
    }
}

static bool all_on_medium(struct history *h, const struct snapshot *s,
                          char why[HISTORY_WHY])
{
    for (uint64_t i = s->lba; i < s->lba + s->count; i++) {
        if (!on_medium(h, i, s->id, why))
            return false;
        raise_durable(at(h, i), s->id);
    }
    return true;
}

/* Whether this request had to report a loss itself, rather than another one or
 * none. */
static bool knows(const struct history *h, const struct snapshot *s)
{
    return h->aware || (s->told == h->told && s->restarts == h->restarts);
}

bool history_wrote(struct history *h, struct snapshot *s, int status,
                   char why[HISTORY_WHY])
{
    if (status) {
        if (s->durable)
            history_told(h);
        return true;
    }
    acknowledge(h, s);
    if (h->durable || (s->durable && knows(h, s)))
        return all_on_medium(h, s, why);
    return true;
}

/* ---- reads ----------------------------------------------------------------
 */

void history_read(struct history *h, struct snapshot *s, uint64_t lba,
                  uint64_t count)
{
    *s = (struct snapshot){.lba = lba, .count = count, .events = h->events};
    s->floor = malloc((size_t)count * sizeof *s->floor);
    if (!s->floor)
        abort();
    for (uint64_t i = 0; i < count; i++)
        s->floor[i] = at(h, lba + i)->floor;
}

/* The oldest write that a request may find in a sector that fell back
 * meanwhile: what was durable then.  Later flushes do not count: a part may
 * have been read before them. */
static uint64_t lowest(const struct history *h, const struct snapshot *s,
                       uint64_t lba, uint64_t floor)
{
    if (at(h, lba)->dropped <= s->events)
        return floor;
    for (size_t i = h->drop_count; i-- > 0;) {
        const struct drop *d = &h->drops[i];

        if (d->event <= s->events)
            break;
        if (d->sector == lba && d->floor < floor)
            floor = d->floor;
    }
    return floor;
}

bool history_check(struct history *h, struct snapshot *s, const uint8_t *data,
                   char why[HISTORY_WHY])
{
    bool good = true;

    for (uint64_t i = 0; i < s->count && good; i++) {
        struct sector_history *sh = at(h, s->lba + i);
        uint64_t floor = lowest(h, s, s->lba + i, s->floor[i]);
        uint64_t id;

        good = allowed(h, s->lba + i, floor, data + i * SECTOR, &id);
        if (!good)
            say(h, s->lba + i, id, floor, "", why);
        else if (!h->replay && sh->dropped <= s->events && sh->floor < id)
            sh->floor = id; /* what was seen must not disappear */
    }
    history_forget(s);
    return good;
}

/* ---- losses ---------------------------------------------------------------
 */

static void drop(struct history *h, struct sector_history *s)
{
    if (h->drop_count == h->drop_room) {
        h->drop_room = h->drop_room ? 2 * h->drop_room : 64;
        h->drops = realloc(h->drops, h->drop_room * sizeof *h->drops);
        if (!h->drops)
            abort();
    }
    s->dropped = h->events;
    s->floor = s->durable;
    h->drops[h->drop_count++] =
        (struct drop){h->events, h->first + (uint64_t)(s - h->s), s->durable};
}

void history_lost(struct history *h, uint64_t lba)
{
    if (lba < h->first || lba >= h->first + h->sectors)
        return;
    h->events++;
    drop(h, at(h, lba));
}

void history_lost_all(struct history *h)
{
    h->events++;
    for (uint64_t i = 0; i < h->sectors; i++)
        drop(h, &h->s[i]);
}

void history_restart(struct history *h)
{
    if (h->aware)
        return;
    h->restarts++;
    for (uint64_t i = 0; i < h->sectors; i++)
        h->s[i].owed = h->s[i].durable;
}

void history_crash(struct history *h)
{
    if (h->replay)
        return;
    history_restart(h);
    history_lost_all(h);
}

void history_successor(struct history *h)
{
    for (uint64_t i = 0; i < h->sectors; i++)
        h->s[i].owed = h->s[i].durable;
}
