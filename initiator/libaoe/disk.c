/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The life of a disk: opening, its timers, closing, and what its user can ask.
 */
#include "initiator/libaoe/disk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initiator/libaoe/abort.h"
#include "initiator/libaoe/event.h"
#include "initiator/libaoe/identity.h"
#include "initiator/libaoe/loss.h"
#include "initiator/libaoe/paths.h"
#include "initiator/libaoe/restart.h"
#include "initiator/libaoe/search.h"
#include "initiator/libaoe/silence.h"
#include "initiator/libaoe/transfers.h"

/* Longer is for ever, and would not be counted right. */
#define TIMEOUT_MAX (UINT64_MAX / 16)

int aoe_name_parse(const char *name, uint16_t *shelf, uint8_t *slot)
{
    struct aoe_addr a;
    int err = aoe_addr_scan(name, &a);

    if (err)
        return err;
    *shelf = a.shelf;
    *slot = a.slot;
    return 0;
}

int aoe_disk_open(struct aoe *aoe, uint16_t shelf, uint8_t slot,
                  const struct aoe_disk_options *options, aoe_event_fn *event,
                  void *arg, struct aoe_disk **out)
{
    struct aoe_addr addr = {.shelf = shelf, .slot = slot};
    struct aoe_disk *d;

    assert(aoe->stage == AOE_IDLE); /* never from a callback */
    if (aoe_addr_wildcard(addr))
        return -EINVAL;
    d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->aoe = aoe;
    d->addr = addr;
    aoe_addr_format(d->name, addr);
    d->options.timeout = AOE_TIMEOUT_DEFAULT;
    if (options)
        d->options = *options;
    if (d->options.timeout > TIMEOUT_MAX)
        d->options.timeout = 0;
    d->event = event;
    d->event_arg = arg;
    disk_events_init(d);
    list_init(&d->paths);
    transfers_init(d, disk_ended);
    time_wait_init(&d->time_wait);
    writers_init(&d->writers);
    if (d->options.replay) {
        d->replay = replay_new(d, d->options.replay);
        if (!d->replay) {
            free(d);
            return -ENOMEM;
        }
    }
    d->search.query_at = aoe_now(aoe);
    d->search.query_gap = 50 * NS_PER_MS;
    list_append(&aoe->disks, &d->link);
    aoe->kicked = true;
    *out = d;
    return 0;
}

/* One that has ended and whose user does not know yet, or NULL. */
static struct transfer *first_done(const struct aoe_disk *d)
{
    list_each(node, &d->aoe->done) {
        struct transfer *t = list_entry(node, struct transfer, work);

        if (t->disk == d)
            return t;
    }
    return NULL;
}

/* What ends may be a part of something that ends next. */
static void finish_all(struct aoe_disk *d)
{
    struct transfer *t;

    disk_fail_all(d, -ECANCELED);
    while ((t = first_done(d))) {
        list_remove(&t->work);
        t->finish(t);
        disk_fail_all(d, -ECANCELED);
    }
}

void disk_cancel(struct aoe_disk *d)
{
    d->state = DISK_STALE;
    disk_events_drop(d);
    finish_all(d);
}

void disk_free(struct aoe_disk *d)
{
    struct list *node;

    while ((node = list_first(&d->time_wait.frames))) {
        struct frame *f = list_entry(node, struct frame, link);

        time_wait_remove(&d->time_wait, f);
        flight_put(&d->aoe->flight, f);
    }
    while ((node = list_first(&d->paths)))
        path_free(list_entry(node, struct path, link));
    list_remove(&d->link);
    writers_fini(&d->writers);
    replay_free(d->replay);
    free(d);
}

void aoe_disk_close(struct aoe_disk *d)
{
    struct aoe *aoe = d->aoe;
    enum aoe_stage before = aoe->stage;

    /* In the middle of receiving, of its timers or of the end of this or
     * another disk it would pull the list from under them. */
    assert(before == AOE_IDLE || before == AOE_TELLING);
    aoe_enter(aoe, AOE_BUSY);
    disk_cancel(d);
    disk_free(d);
    aoe_enter(aoe, before);
}

/* ---- timers ---------------------------------------------------------------
 */

static void tick_time_wait(struct aoe_disk *d, uint64_t now)
{
    struct frame *f;

    while ((f = time_wait_expired(&d->time_wait, now))) {
        disk_time_wait_ends(d);
        time_wait_remove(&d->time_wait, f);
        flight_put(&d->aoe->flight, f);
    }
}

void disk_tick(struct aoe_disk *d, uint64_t now)
{
    list_each(node, &d->paths) {
        struct path *p = list_entry(node, struct path, link);

        path_tick(p, now);
        path_mtu_tick(p, now);
    }
    disk_silence_tick(d);
    tick_time_wait(d, now);
    disk_identity_tick(d, now);
    disk_loss_tick(d, now);
    disk_search_tick(d, now);
    disk_watch(d, now);
}

uint64_t disk_next(struct aoe_disk *d)
{
    uint64_t next = d->state == DISK_CONFLICT ? UINT64_MAX : d->search.query_at;
    uint64_t others[] = {disk_silence_next(d), time_wait_next(&d->time_wait),
                         disk_watch_next(d), disk_loss_next(d),
                         disk_identity_next(d)};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] < next)
            next = others[i];
    list_each(node, &d->paths) {
        const struct path *p = list_entry(node, struct path, link);
        uint64_t at = path_next(p);

        if (path_mtu_next(p) < at)
            at = path_mtu_next(p);
        if (at < next)
            next = at;
    }
    return next;
}

/* ---- what the user can ask ------------------------------------------------
 */

const char *aoe_disk_name(const struct aoe_disk *d)
{
    return d->name;
}

bool aoe_disk_ready(const struct aoe_disk *d)
{
    return d->state == DISK_READY;
}

const struct aoe_identity *aoe_disk_identity(const struct aoe_disk *d)
{
    return &d->identity.shown;
}

const char *aoe_disk_trouble(const struct aoe_disk *d)
{
    return d->identity.trouble;
}

struct aoe_writer *aoe_writer_open(struct aoe_disk *d)
{
    return writer_new(&d->writers, d);
}

struct aoe_writer *aoe_writer_resume(struct aoe_disk *d, uint64_t epoch)
{
    struct aoe_writer *w = aoe_writer_open(d);

    if (w && epoch != d->identity.shown.epoch) {
        w->losses++;
        w->touched = true;
    }
    return w;
}

void aoe_writer_close(struct aoe_writer *w)
{
    if (!w)
        return;
    if (w->disk)
        writer_close(&w->disk->writers, w, w->disk->loss.flushed);
    else
        free(w);
}

void aoe_disk_stats(const struct aoe_disk *d, struct aoe_stats *out)
{
    *out = d->stats;
    out->in_flight = 0;
    list_each(node, &d->paths)
        out->in_flight += list_entry(node, struct path, link)->in_flight;
}

int aoe_disk_paths(const struct aoe_disk *d, struct aoe_path_info *out, int max)
{
    int n = 0;

    list_each(node, &d->paths) {
        const struct path *p = list_entry(node, struct path, link);
        struct aoe_path_info *i = &out[n];

        if (!p->member || n++ >= max)
            continue;
        i->interface = p->port->link->ifname;
        memcpy(i->mac, p->mac.b, sizeof i->mac);
        i->mtu = p->port->link->mtu;
        i->payload = p->sectors * AOE_SECTOR;
        i->payload_max = p->mtu.ceiling * AOE_SECTOR;
        i->window = p->window / PATH_WINDOW_UNIT;
        i->buffer_count = p->buffer_count;
        i->rtt = p->srtt;
        i->good = p->state == PATH_GOOD;
    }
    return n;
}
