/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding a disk and the paths to it.  Whoever answers a Query Config for its
 * address is asked to IDENTIFY; only the same serial number, model and size
 * make a path of it (rule 6).  The same question decides whether a target that
 * was away is still the disk it was.
 */
#include "initiator/libaoe/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_FIRST   (50 * NS_PER_MS)
#define QUERY_SLOWEST NS_PER_S
#define QUERY_STEADY  (60 * NS_PER_S) /* while all is well: new paths */
/* How long another disk at the same address has to object before ours is
 * used: writing to whichever answered first would corrupt one of them. */
#define SETTLE_TIME (50 * NS_PER_MS)

/* Longer than from one query to the next, by which another disk at the same
 * network address would show again. */
#define DOUBT_TIME (3 * QUERY_SLOWEST / 2)

enum { PATHS_MAX = 64, IDENTIFY_TRIES = 6 };

/* ---- paths ----------------------------------------------------------------
 */

struct path *disk_path(struct aoe_disk *d, struct port *port,
                       const struct aoe_mac *mac)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->port == port && aoe_mac_equal(&p->mac, mac))
            return p;
    }
    return NULL;
}

static struct path *add_path(struct aoe_disk *d, struct port *port,
                             const struct aoe_mac *mac)
{
    struct path *p;
    unsigned count = 0;

    list_each(node, &d->paths)
        count++;
    p = count < PATHS_MAX ? malloc(sizeof *p) : NULL;
    if (!p)
        return NULL;
    path_init(p, d, port, mac);
    list_append(&d->paths, &p->link);
    return p;
}

/* An answer to what was asked before may come from who was there before. */
static void forget_identify(struct path *p)
{
    if (!p->identify)
        return;
    path_forget(p, p->identify);
    flight_put(&p->disk->aoe->flight, p->identify);
    p->identify = NULL;
}

/* What is on its way by this path will have to go by another. */
static void recut_all(struct list *frames, const struct path *p)
{
    list_each(node, frames) {
        struct frame *f = list_entry(node, struct frame, link);

        if (f->path == p && f->transfer)
            disk_recut(p->disk, f);
    }
}

void path_free(struct path *p)
{
    forget_identify(p);
    path_mtu_withdraw(p);
    recut_all(&p->sent, p);
    recut_all(&p->slow, p);
    recut_all(&p->lost, p);
    recut_all(&p->port->tx, p);
    list_remove(&p->link);
    free(p);
}

static unsigned good_paths(const struct aoe_disk *d)
{
    unsigned n = 0;

    list_each(node, &d->paths)
        n += list_entry(node, struct path, link)->state == PATH_GOOD;
    return n;
}

/* ---- IDENTIFY -------------------------------------------------------------
 */

void path_identify(struct path *p)
{
    struct aoe_disk *d = p->disk;
    struct frame *f;

    if (p->identify)
        return;
    f = flight_get(&d->aoe->flight, true);
    if (!f) {
        p->ask_at = d->aoe->now + PATH_ASK_AGAIN;
        return;
    }
    f->disk = d;
    f->opcode = ATA_IDENTIFY;
    f->count = 1;
    f->device = 0xa0;
    p->identify = f;
    path_queued(p, f);
    port_queue(p->port, f);
}

void disk_verify_paths(struct aoe_disk *d)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (!p->member)
            continue;
        if (p->state == PATH_GOOD)
            p->state = PATH_NEW;
        forget_identify(p);
        p->ask_at = 0;
    }
}

static void text(char *out, size_t room, const char *serial, const char *model,
                 uint64_t sectors, const struct path *p)
{
    char mac[AOE_MAC_TEXT];

    snprintf(out, room,
             "serial \"%s\", model \"%s\", %" PRIu64 " sectors at %s on %s",
             serial, model, sectors, aoe_mac_format(mac, &p->mac),
             p->port->link->ifname);
}

static uint8_t flush_opcode(const struct ata_identity *id)
{
    return id->flush_ext ? ATA_FLUSH_CACHE_EXT
           : id->flush   ? ATA_FLUSH_CACHE
                         : 0;
}

static void adopt(struct aoe_disk *d, const struct ata_identity *id)
{
    struct aoe_identity *me = &d->identity;

    memset(me, 0, sizeof *me);
    memcpy(me->serial, id->serial, sizeof me->serial);
    memcpy(me->model, id->model, sizeof me->model);
    memcpy(me->firmware, id->firmware, sizeof me->firmware);
    me->size = id->sectors * AOE_SECTOR;
    me->logical_sector = id->logical_sector;
    me->physical_sector = id->physical_sector;
    me->write_cache = id->write_cache;
    me->flush = id->flush || id->flush_ext;
    me->trim = id->trim;
    me->trim_zeroes = id->trim && id->trim_zeroes;
    me->rotating = id->rotation > 1;
    d->lba48 = id->lba48;
    d->flush_opcode = flush_opcode(id);
}

/* Another program may serve the same disk by now.  A cache that was there may
 * still be unflushed; and nobody does without a FLUSH that he counts on. */
static void adopt_again(struct aoe_disk *d, const struct ata_identity *id)
{
    if (id->write_cache)
        d->identity.write_cache = true;
    if (flush_opcode(id))
        d->flush_opcode = flush_opcode(id);
}

/* Both, and where they are, for whoever has to find them. */
static void explain(struct aoe_disk *d, const struct path *p,
                    const struct ata_identity *id)
{
    const struct path *home = p; /* or, where our disk is known to be */
    char ours[190], theirs[190];

    list_each(node, &d->paths) {
        const struct path *other = list_entry(node, struct path, link);

        if (other->member && (home == p || other->state == PATH_GOOD))
            home = other;
    }
    text(ours, sizeof ours, d->identity.serial, d->identity.model,
         d->identity.size / AOE_SECTOR, home);
    text(theirs, sizeof theirs, id->serial, id->model, id->sectors, p);
    if (d->state == DISK_SETTLING)
        snprintf(d->trouble, sizeof d->trouble,
                 "two disks answer as %s: %s; and %s; give one of them another "
                 "address",
                 d->name, ours, theirs);
    else
        snprintf(d->trouble, sizeof d->trouble,
                 "another disk answers as %s: %s; the one in use is %s",
                 d->name, theirs, ours);
}

/* Another disk at our address. */
static void other_disk(struct aoe_disk *d, struct path *p,
                       const struct ata_identity *id)
{
    bool ours = p->member;

    explain(d, p, id);
    p->state = PATH_REFUSED;
    p->member = false;
    p->doubted = d->aoe->now + DOUBT_TIME;
    if (d->state == DISK_SETTLING || d->state == DISK_SEARCHING) {
        d->state = DISK_CONFLICT;
        disk_event(d, AOE_DISK_CONFLICT);
    } else if (d->state == DISK_READY && good_paths(d) > 0) {
        disk_event(d, AOE_DISK_CONFLICT);
    } else if (d->state == DISK_LOST || (d->state == DISK_READY && ours)) {
        d->state = DISK_STALE;
        disk_fail_all(d, -ESTALE);
        disk_event(d, AOE_DISK_CHANGED);
    }
}

static void resize(struct aoe_disk *d, uint64_t sectors)
{
    if (d->identity.size == sectors * AOE_SECTOR)
        return;
    d->identity.size = sectors * AOE_SECTOR;
    if (d->state != DISK_SETTLING)
        disk_event(d, AOE_DISK_RESIZED);
}

static bool same_disk(const struct aoe_disk *d, const struct path *p,
                      const struct ata_identity *id)
{
    if (strcmp(d->identity.serial, id->serial) != 0 ||
        strcmp(d->identity.model, id->model) != 0)
        return false;
    /* vblade's serial is the same for every file of a host.  A path that was
     * ours may show a new size; a new path must show the one we know. */
    return id->sectors * AOE_SECTOR == d->identity.size ||
           (p->member && d->state != DISK_SETTLING);
}

void disk_identified(struct aoe_disk *d, struct path *p, const uint8_t *page)
{
    struct ata_identity id;
    bool outage;

    p->ask_at = d->aoe->now + PATH_ASK_AGAIN;
    if (!page) {
        if (!p->member)
            path_free(p);
        return;
    }
    ata_identity_decode(page, &id);
    if (id.sectors == 0)
        return; /* vblade's answer while its file is gone: not a disk */
    if (d->state == DISK_SEARCHING) {
        adopt(d, &id);
        d->state = DISK_SETTLING;
        d->settle_at = d->aoe->now + SETTLE_TIME;
    } else if (!same_disk(d, p, &id)) {
        other_disk(d, p, &id);
        return;
    }
    if (d->aoe->now < p->doubted)
        return; /* ours, but maybe not alone */
    p->member = true;
    outage = p->state != PATH_GOOD;
    adopt_again(d, &id);
    disk_vendor(d, &id.vendor);
    path_revive(p, d->aoe->now);
    if (outage)
        path_mtu_hurry(p);
    resize(d, id.sectors);
    if (d->state == DISK_LOST || d->state == DISK_STALE) {
        d->state = DISK_READY;
        disk_event(d, AOE_DISK_BACK);
    }
}

void disk_stray(struct aoe_disk *d, struct port *port,
                const struct aoe_header *h, const uint8_t *frame, size_t len)
{
    struct path *p = disk_path(d, port, &h->src);
    struct ata_identity id;
    struct aoe_ata a;

    disk_late(d, p);
    if (!p || !p->asked || p->asked != h->tag || h->flags & AOE_FLAG_ERROR ||
        aoe_ata_parse(frame, len, &a) || a.command & ATA_STATUS_FAILED ||
        a.data_len < AOE_SECTOR)
        return;
    ata_identity_decode(a.data, &id);
    if (id.sectors == 0 || (strcmp(d->identity.serial, id.serial) == 0 &&
                            strcmp(d->identity.model, id.model) == 0 &&
                            id.sectors * AOE_SECTOR == d->identity.size))
        return;
    other_disk(d, p, &id);
}

/* ---- Query Config ---------------------------------------------------------
 */

void disk_config(struct aoe_disk *d, struct port *port,
                 const struct aoe_header *h, const struct aoe_config *c)
{
    struct path *p = disk_path(d, port, &h->src);

    if (!p)
        p = add_path(d, port, &h->src);
    if (!p)
        return;
    path_set_limits(p, c->buffer_count, c->sector_count, port->link->mtu,
                    d->options.window);
    path_mtu_shorten(p);
    /* An announcement: the target has started again, maybe as another. */
    if (h->tag == 0) {
        if (p->state != PATH_SILENT)
            p->state = PATH_NEW;
        forget_identify(p);
        if (p->member)
            disk_announced(d);
    }
    if (p->state == PATH_SILENT)
        path_hurry(p);
    /* Also a good one, each time the network is asked: its disk may have grown
     * and the announcement of that been lost. */
    if (p->state != PATH_REFUSED || d->state == DISK_LOST ||
        d->state == DISK_STALE)
        path_identify(p);
}

/* Whether the network should be asked now and then. */
static bool searching(const struct aoe_disk *d)
{
    return d->state == DISK_SEARCHING || d->state == DISK_LOST ||
           d->state == DISK_STALE ||
           (d->state == DISK_READY && good_paths(d) == 0);
}

static void tick_path(struct path *p, uint64_t now)
{
    struct frame *f = p->identify;

    if ((p->state == PATH_SILENT || p->state == PATH_NEW) && !f &&
        p->ask_at <= now)
        path_identify(p);
    else if (!p->member && f && f->copies >= IDENTIFY_TRIES &&
             f->state == FRAME_LOST)
        path_free(p); /* it answers queries but is no disk, or has gone */
}

void disk_search_tick(struct aoe_disk *d, uint64_t now)
{
    list_each(node, &d->paths)
        tick_path(list_entry(node, struct path, link), now);
    if (d->state == DISK_CONFLICT)
        return;
    if (searching(d) && d->query_at > now + QUERY_SLOWEST) {
        d->query_at = now;
        d->query_gap = QUERY_FIRST;
    }
    if (now < d->query_at)
        return;
    aoe_query(d->aoe, d->addr);
    if (!searching(d)) {
        d->query_at = now + QUERY_STEADY;
        return;
    }
    d->query_at = now + d->query_gap;
    d->query_gap *= 2;
    if (d->query_gap > QUERY_SLOWEST)
        d->query_gap = QUERY_SLOWEST;
}

/* ---- the interface under a path -------------------------------------------
 */

void disk_port_changed(struct aoe_disk *d, struct port *port)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        if (p->port != port)
            continue;
        path_set_limits(p, p->buffer_count, p->sector_count, port->link->mtu,
                        d->options.window);
        path_mtu_shorten(p);
    }
    if (port->link->up)
        d->query_at = d->aoe->now;
}
