/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether an address leads to our disk.  It becomes a path only if serial
 * number, model and size are the same (doc/safety.md, "The same disk, or
 * none"), whether it is found for the first time or was away.
 */
#include "initiator/libaoe/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "initiator/libaoe/disk_state.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/paths.h"
#include "initiator/libaoe/restart.h"
#include "initiator/libaoe/search.h"
#include "initiator/libaoe/trace.h"

/* How long another disk at the same address has to object before ours is
 * used: writing to whichever answered first would corrupt one of them. */
#define SETTLE_TIME (50 * NS_PER_MS)

/* Longer than from one query to the next, by which another disk at the same
 * network address would show again. */
#define DOUBT_TIME (3 * SEARCH_QUERY_MAX / 2)

static void text(char *out, size_t capacity, const char *serial,
                 const char *model, uint64_t sectors, const struct path *p)
{
    char mac[AOE_MAC_TEXT];

    snprintf(out, capacity,
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
    struct aoe_identity *me = &d->identity.shown;

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
    d->identity.lba48 = id->lba48;
    d->identity.flush_opcode = flush_opcode(id);
}

/* Another program may serve the same disk by now.  A write cache that was there
 * may still hold unflushed data, and users rely on a FLUSH that was there: both
 * can appear, neither goes. */
static void adopt_again(struct aoe_disk *d, const struct ata_identity *id)
{
    if (id->write_cache)
        d->identity.shown.write_cache = true;
    if (flush_opcode(id))
        d->identity.flush_opcode = flush_opcode(id);
}

/* Names both disks and where they are, for whoever has to find them. */
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
    text(ours, sizeof ours, d->identity.shown.serial, d->identity.shown.model,
         d->identity.shown.size / AOE_SECTOR, home);
    text(theirs, sizeof theirs, id->serial, id->model, id->sectors, p);
    if (d->state == DISK_SETTLING)
        snprintf(d->identity.trouble, sizeof d->identity.trouble,
                 "two disks answer as %s: %s; and %s; give one of them another "
                 "address",
                 d->name, ours, theirs);
    else
        snprintf(d->identity.trouble, sizeof d->identity.trouble,
                 "another disk answers as %s: %s; the one in use is %s",
                 d->name, theirs, ours);
}

/* Another disk at our address. */
static void other_disk(struct aoe_disk *d, struct path *p,
                       const struct ata_identity *id)
{
    bool ours = p->member;

    explain(d, p, id);
    path_set_state(p, PATH_REFUSED, "another disk answers");
    p->member = false;
    p->doubted = d->aoe->now + DOUBT_TIME;
    trace_path(p, TRACE_DECISIONS,
               "identity: another disk, serial \"%s\", "
               "model \"%s\", %" PRIu64 " sectors",
               id->serial, id->model, id->sectors);
    disk_happens(d, disk_good_paths(d) > 0 ? DISK_OTHER_BESIDE
                    : ours                 ? DISK_OTHER_INSTEAD
                                           : DISK_OTHER_APART);
}

static void resize(struct aoe_disk *d, uint64_t sectors)
{
    if (d->identity.shown.size == sectors * AOE_SECTOR)
        return;
    d->identity.shown.size = sectors * AOE_SECTOR;
    if (d->state != DISK_SETTLING)
        disk_event(d, AOE_DISK_RESIZED);
}

static bool same_disk(const struct aoe_disk *d, const struct path *p,
                      const struct ata_identity *id)
{
    if (strcmp(d->identity.shown.serial, id->serial) != 0 ||
        strcmp(d->identity.shown.model, id->model) != 0)
        return false;
    /* vblade's serial is the same for every file of a host.  A path that was
     * ours may show a new size; a new path must show the one we know. */
    return id->sectors * AOE_SECTOR == d->identity.shown.size ||
           (p->member && d->state != DISK_SETTLING);
}

/* Our disk, which may have been away. */
static void recognized(struct aoe_disk *d, struct path *p,
                       const struct ata_identity *id)
{
    bool outage = p->state != PATH_GOOD;

    p->member = true;
    adopt_again(d, id);
    disk_vendor(d, &id->vendor);
    path_revive(p, d->aoe->now);
    if (outage)
        path_mtu_search(p);
    resize(d, id->sectors);
    disk_happens(d, DISK_SAME);
}

/* The first disk that is found is ours from now on; any other is another one.
 */
static void first(struct aoe_disk *d, const struct path *p,
                  const struct ata_identity *id)
{
    adopt(d, id);
    trace_path(p, TRACE_DECISIONS,
               "identity: serial \"%s\", model \"%s\", "
               "%" PRIu64 " sectors",
               id->serial, id->model, id->sectors);
    d->identity.settle_at = d->aoe->now + SETTLE_TIME;
    disk_happens(d, DISK_FIRST);
}

static void refused(struct path *p)
{
    trace_path(p, TRACE_DECISIONS, "identity: refused to tell");
    if (!p->member)
        path_free(p);
}

void disk_identified(struct aoe_disk *d, struct path *p, const uint8_t *page)
{
    struct ata_identity id;

    p->ask_at = d->aoe->now + PATH_ASK_AGAIN;
    if (!page) {
        refused(p);
        return;
    }
    ata_identity_decode(page, &id);
    if (id.sectors == 0)
        return; /* vblade's response while its file is gone: not a disk */
    if (d->state == DISK_SEARCHING)
        first(d, p, &id);
    if (!same_disk(d, p, &id))
        other_disk(d, p, &id);
    else if (d->aoe->now >= p->doubted) /* else ours, but maybe not alone */
        recognized(d, p, &id);
}

void disk_stray(struct aoe_disk *d, struct aoe_port *port,
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
    if (id.sectors == 0 || (strcmp(d->identity.shown.serial, id.serial) == 0 &&
                            strcmp(d->identity.shown.model, id.model) == 0 &&
                            id.sectors * AOE_SECTOR == d->identity.shown.size))
        return;
    other_disk(d, p, &id);
}

void disk_identity_tick(struct aoe_disk *d, uint64_t now)
{
    if (disk_identity_next(d) <= now)
        disk_happens(d, DISK_UNOPPOSED);
}

uint64_t disk_identity_next(const struct aoe_disk *d)
{
    return d->state == DISK_SETTLING ? d->identity.settle_at : UINT64_MAX;
}
