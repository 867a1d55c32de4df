/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated NAS.
 */
#include "tests/sim/nas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "target/responder.h"

enum { SECTOR = 512, ROOM = 9100 };

struct job {
    struct exchange x;
    struct order_entry order;
    struct recent_key key; /* of a write or trim */
    struct list link;      /* in nas->busy while its operation runs */
    struct nas *nas;
    struct link *port;
    uint64_t due;
    uint8_t *snapshot; /* of a flush: the cache when it began */
    uint64_t begun;    /* and which it is in order of beginning */
    uint8_t frame[ROOM];
};

void nas_open(struct nas *n, struct wire *wire, struct dice *dice,
              struct aoe_addr addr, uint64_t sectors, const char *serial,
              unsigned ports, unsigned mtu)
{
    struct link_options o = {.rx_frames = 512};

    memset(n, 0, sizeof *n);
    n->dice = dice;
    n->sectors = sectors;
    n->export = (struct export){.addr = addr,
                                .sectors = sectors,
                                .physical_sector = SECTOR,
                                .buffer_count = 32,
                                .write_cache = true,
                                .can_trim = true,
                                .trim_zeroes = true};
    snprintf(n->export.serial, sizeof n->export.serial, "%s", serial);
    order_init(&n->order);
    list_init(&n->busy);
    n->cache = calloc((size_t)sectors, SECTOR);
    n->medium = calloc((size_t)sectors, SECTOR);
    n->recent = recent_new();
    if (!n->cache || !n->medium || !n->recent)
        abort();
    for (unsigned i = 0; i < ports; i++) {
        struct aoe_mac mac = {{2, 0, 0, (uint8_t)serial[0], 1, (uint8_t)i}};

        if (wire_open(&n->ports[n->port_count++], wire, "nas", &mac, mtu, &o))
            abort();
    }
}

/* ---- jobs -----------------------------------------------------------------
 */

static void job_free(struct job *j)
{
    list_remove(&j->link);
    free(j->snapshot);
    free(j);
}

static void drop_jobs(struct nas *n)
{
    struct list *node;

    while ((node = list_first(&n->order.entries))) {
        struct order_entry *e = list_entry(node, struct order_entry, link);

        list_remove(node);
        job_free(list_entry(e, struct job, order));
    }
}

void nas_close(struct nas *n)
{
    drop_jobs(n);
    for (unsigned i = 0; i < n->port_count; i++)
        link_close(n->ports[i]);
    recent_free(n->recent);
    free(n->cache);
    free(n->medium);
}

static void reply(struct job *j)
{
    struct link_out out = {.iov[0] = {j->frame, j->x.reply_len}, .iovcnt = 1};

    link_send(j->port, &out, 1);
}

static void start(struct job *j)
{
    struct nas *n = j->nas;
    size_t all = (size_t)n->sectors * SECTOR;

    j->due = n->now + dice_below(n->dice, n->slowest + 1);
    if (dice_chance(n->dice, n->stall_chance)) {
        j->due += dice_below(n->dice, 5 * NS_PER_S);
        n->stalls++;
    }
    if (j->x.op.kind == STORE_FLUSH) {
        free(j->snapshot);
        j->snapshot = malloc(all);
        if (!j->snapshot)
            abort();
        memcpy(j->snapshot, n->cache, all);
        j->begun = ++n->flushes_begun;
    }
    list_append(&n->busy, &j->link);
}

static void released(void *arg, struct order_entry *e)
{
    (void)arg;
    start(list_entry(e, struct job, order));
}

/* ---- the disk -------------------------------------------------------------
 */

static void perform(struct nas *n, struct job *j)
{
    struct store_op *op = &j->x.op;
    uint8_t *at = n->cache + op->offset;

    op->result = 0;
    op->done = op->length;
    if (op->kind != STORE_FLUSH && dice_chance(n->dice, n->error_chance)) {
        op->result = -EIO;
        op->done = 0;
        n->errors++;
        return;
    }
    switch (op->kind) {
    case STORE_READ:
        memcpy(op->data, at, (size_t)op->length);
        break;
    case STORE_WRITE:
        memcpy(at, op->data, (size_t)op->length);
        break;
    case STORE_TRIM:
        memset(at, 0, (size_t)op->length);
        break;
    case STORE_FLUSH:
        /* One that began later may have ended before. */
        if (j->begun > n->flushed)
            memcpy(n->medium, j->snapshot, (size_t)n->sectors * SECTOR);
        if (j->begun > n->flushed)
            n->flushed = j->begun;
        break;
    case STORE_VERIFY:
        break;
    }
}

static bool changes(const struct job *j)
{
    return j->x.op.kind == STORE_WRITE || j->x.op.kind == STORE_TRIM;
}

/* As target/disk.c does it: a copy of a recent write ends as that did. */
static void perform_once(struct nas *n, struct job *j)
{
    const struct recent_outcome *before =
        changes(j) && !n->forgets ? recent_find(n->recent, &j->key, n->now)
                                  : NULL;
    struct recent_outcome now;

    if (before) {
        j->x.op.result = before->result;
        j->x.op.done = before->done;
        return;
    }
    perform(n, j);
    now = (struct recent_outcome){j->x.op.result, j->x.op.done};
    if (changes(j))
        recent_add(n->recent, &j->key, now, n->now);
}

static void finish(struct nas *n, struct job *j)
{
    list_remove(&j->link);
    perform_once(n, j);
    switch (responder_complete(&j->x)) {
    case RESPONDER_STORE:
        start(j);
        return;
    case RESPONDER_REPLY:
        reply(j);
        break;
    case RESPONDER_DROP:
        break;
    }
    order_leave(&n->order, &j->order, released, n);
    job_free(j);
}

/* ---- frames ---------------------------------------------------------------
 */

static enum order_kind order_kind(const struct store_op *op)
{
    switch (op->kind) {
    case STORE_WRITE:
    case STORE_TRIM:
        return ORDER_WRITE;
    case STORE_FLUSH:
        return ORDER_FLUSH;
    default:
        return ORDER_READ;
    }
}

static void take(struct nas *n, struct link *port, const struct link_frame *f)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        abort();
    memcpy(j->frame, f->data, f->len);
    j->nas = n;
    j->port = port;
    j->x = (struct exchange){.frame = j->frame,
                             .len = f->len,
                             .room = ROOM,
                             .mac = &port->mac,
                             .mtu = port->mtu,
                             .export = &n->export};
    if (responder_accept(&j->x) != RESPONDER_ACCEPTED ||
        !aoe_addr_matches(j->x.header.addr, n->export.addr)) {
        free(j);
        return;
    }
    switch (responder_request(&j->x)) {
    case RESPONDER_REPLY:
        reply(j);
        /* fall through */
    case RESPONDER_DROP:
        free(j);
        return;
    case RESPONDER_STORE:
        break;
    }
    if (changes(j))
        j->key = recent_key_of(&j->x);
    j->order.kind = order_kind(&j->x.op);
    j->order.start = j->x.span_start;
    j->order.end = j->x.span_end;
    if (order_enter(&n->order, &j->order))
        start(j);
}

/* A frame that was cut off on its way has a wrong checksum: no interface would
 * hand it over.  Ethernet padding is no cut. */
static bool whole(const struct link_frame *f)
{
    return f->len >= AOE_FRAME_MIN;
}

static void receive(struct nas *n, struct link *port)
{
    struct link_frame *f;
    int got;

    while ((got = link_recv(port, &f, 1)) == 1) {
        if (!n->down && whole(f))
            take(n, port, f);
        link_release(port, f);
    }
}

void nas_run(struct nas *n, uint64_t now)
{
    bool more = true;

    n->now = now;
    for (unsigned i = 0; i < n->port_count; i++) {
        link_refresh(n->ports[i]);
        receive(n, n->ports[i]);
    }
    while (more) { /* in the order in which they are due */
        struct job *first = NULL;

        list_each(node, &n->busy) {
            struct job *j = list_entry(node, struct job, link);

            if (j->due <= now && (!first || j->due < first->due))
                first = j;
        }
        more = first != NULL;
        if (first)
            finish(n, first);
    }
}

uint64_t nas_next(const struct nas *n)
{
    uint64_t next = UINT64_MAX;

    list_each(node, &n->busy) {
        const struct job *j = list_entry(node, struct job, link);

        if (j->due < next)
            next = j->due;
    }
    return next;
}

bool nas_idle(const struct nas *n)
{
    return list_empty(&n->busy) && list_empty(&n->order.entries);
}

/* ---- power ----------------------------------------------------------------
 */

uint64_t nas_crash(struct nas *n)
{
    uint64_t lost = 0;

    list_each(node, &n->busy) {
        struct job *j = list_entry(node, struct job, link);

        if (j->x.op.kind != STORE_FLUSH && dice_below(n->dice, 2))
            perform(n, j);
    }
    drop_jobs(n);
    recent_free(n->recent);
    n->recent = recent_new();
    for (uint64_t s = 0; s < n->sectors; s++) {
        uint8_t *cache = n->cache + s * SECTOR,
                *medium = n->medium + s * SECTOR;

        if (dice_below(n->dice, 2))
            memcpy(medium, cache, SECTOR); /* written back just in time */
        else if (memcmp(cache, medium, SECTOR) != 0) {
            memcpy(cache, medium, SECTOR);
            lost++;
        }
    }
    n->down = true;
    return lost;
}

void nas_restart(struct nas *n)
{
    n->down = false;
    for (unsigned i = 0; i < n->port_count; i++) {
        uint8_t frame[ROOM];
        struct exchange x = {.frame = frame,
                             .room = ROOM,
                             .mac = &n->ports[i]->mac,
                             .mtu = n->ports[i]->mtu,
                             .export = &n->export};
        uint32_t len = responder_announce(&x, &aoe_mac_broadcast);
        struct link_out out = {.iov[0] = {frame, len}, .iovcnt = 1};

        if (len)
            link_send(n->ports[i], &out, 1);
    }
}
