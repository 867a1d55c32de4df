/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Epochs of written data, and the clients that wrote in them.
 */
#include "target/protocol/epochs.h"

#include <assert.h>
#include <stdlib.h>

#include "base/rarely.h"

enum { CAPACITY_MIN = 4 };

/* What is settled has begun, and nothing was written after now. */
static void check(const struct epochs *e)
{
    (void)e;
    assert(e->settled <= e->begun && e->begun < e->now);
    assert(e->newest <= e->now && e->count <= e->capacity);
}

void epochs_init(struct epochs *e)
{
    *e = (struct epochs){.now = 1};
}

void epochs_fini(struct epochs *e)
{
    free(e->clients);
    epochs_init(e);
}

/* ---- clients --------------------------------------------------------------
 */

RARELY static struct epochs_client *search(struct epochs *e,
                                           const struct aoe_mac *mac)
{
    for (unsigned i = 0; i < e->count; i++) {
        if (aoe_mac_equal(&e->clients[i].mac, mac)) {
            e->last = i;
            return &e->clients[i];
        }
    }
    return NULL;
}

/* Usually the same client comes again. */
static inline struct epochs_client *find(struct epochs *e,
                                         const struct aoe_mac *mac)
{
    if (e->count > 0 && aoe_mac_equal(&e->clients[e->last].mac, mac))
        return &e->clients[e->last];
    return search(e, mac);
}

static bool needed(const struct epochs *e, const struct epochs_client *c)
{
    /* Requests that it sent before it was told may still be on their way. */
    if (c->told && e->capacity < EPOCHS_CLIENTS)
        return true;
    return c->pending > 0 || c->untold || c->wrote > e->settled;
}

static void forget_settled(struct epochs *e)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < e->count; i++)
        if (needed(e, &e->clients[i]))
            e->clients[kept++] = e->clients[i];
    e->count = kept;
    e->last = 0;
}

static bool grow(struct epochs *e)
{
    unsigned capacity = e->capacity ? 2 * e->capacity : CAPACITY_MIN;
    struct epochs_client *grown;

    if (e->count < e->capacity)
        return true;
    forget_settled(e);
    if (e->count < e->capacity)
        return true;
    if (capacity > EPOCHS_CLIENTS)
        return false;
    grown = realloc(e->clients, capacity * sizeof *grown);
    if (!grown)
        return false;
    e->clients = grown;
    e->capacity = capacity;
    return true;
}

RARELY static struct epochs_client *add(struct epochs *e,
                                        const struct aoe_mac *mac)
{
    struct epochs_client *c;

    if (!grow(e))
        return NULL;
    e->last = e->count;
    c = &e->clients[e->count++];
    *c = (struct epochs_client){.mac = *mac};
    return c;
}

void epochs_inherit(struct epochs *e, struct epochs *from)
{
    epochs_fini(e);
    *e = *from;
    epochs_init(from);
    check(e);
}

/* ---- writes ---------------------------------------------------------------
 */

bool epochs_write(struct epochs *e, const struct aoe_mac *mac)
{
    struct epochs_client *c = find(e, mac);

    if (!c)
        c = add(e, mac);
    if (c)
        c->pending++;
    return c != NULL;
}

void epochs_wrote(struct epochs *e, const struct aoe_mac *mac)
{
    struct epochs_client *c = find(e, mac);

    assert(c && c->pending > 0);
    c->pending--;
    c->wrote = e->now;
    e->newest = e->now;
}

/* ---- syncs ----------------------------------------------------------------
 */

bool epochs_dirty(const struct epochs *e)
{
    return e->newest > e->begun;
}

uint64_t epochs_begin(struct epochs *e)
{
    e->begun = e->now++;
    check(e);
    return e->begun;
}

void epochs_settle(struct epochs *e, uint64_t begun)
{
    assert(begun <= e->begun);
    if (begun > e->settled)
        e->settled = begun;
    check(e);
}

/* ---- losses ---------------------------------------------------------------
 */

bool epochs_lose(struct epochs *e)
{
    bool any = false;

    e->losses++;
    for (unsigned i = 0; i < e->count; i++) {
        struct epochs_client *c = &e->clients[i];

        /* A running write may have reached the cache already. */
        if (c->pending == 0 && c->wrote <= e->settled)
            continue;
        c->untold = any = true;
    }
    epochs_settle(e, epochs_begin(e));
    return any;
}

uint64_t epochs_ask(struct epochs *e)
{
    return ++e->asked;
}

bool epochs_tell(struct epochs *e, const struct aoe_mac *mac, uint64_t asked)
{
    struct epochs_client *c = find(e, mac);

    assert(asked <= e->asked);
    if (!c)
        return false;
    if (c->untold)
        c->told = e->asked;
    c->untold = false;
    return asked <= c->told;
}

bool epochs_show(struct epochs *e, const struct aoe_mac *mac, uint64_t asked)
{
    const struct epochs_client *c = find(e, mac);

    return c && (c->untold || asked <= c->told);
}

bool epochs_untold(const struct epochs *e)
{
    for (unsigned i = 0; i < e->count; i++)
        if (e->clients[i].untold)
            return true;
    return false;
}

bool epochs_clean(const struct epochs *e)
{
    return e->newest <= e->settled && !epochs_untold(e);
}
