/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated user of libaoe.
 */
#include "tests/sim/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "initiator/libaoe/context.h"

/* How long after its deadline a request may end at the latest: as long as a
 * time-wait may hold everything up, the same again afterwards, and a moment. */
#define GRACE (3 * NS_PER_S)

static uint64_t client_clock(void *arg)
{
    return *((struct client *)arg)->now;
}

static const char *event_name(enum aoe_event e)
{
    static const char *const names[] = {
        "ready",          "lost",     "back",
        "resized",        "changed",  "conflict",
        "restarted",      "replayed", "of another path MTU",
        "of lost writes", "mended",   "refusing flushes",
        "settled"};

    return names[e];
}

static void check_loss(struct client *c)
{
    c->losses++;
    if (*c->now - c->answered < c->timeout)
        snprintf(c->why, sizeof c->why,
                 "client %d: the disk was called lost %.3f s after an answer, "
                 "its deadline was %.0f s: not allowed",
                 c->number, (double)(*c->now - c->answered) / 1e9,
                 (double)c->timeout / 1e9);
}

static void on_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct client *c = arg;

    (void)disk;
    trace_say(c->trace, *c->now, "client %d: disk is %s", c->number,
              event_name(event));
    if (event == AOE_DISK_READY)
        c->ready = true;
    if (event == AOE_DISK_CONFLICT)
        c->conflicts++;
    if (event == AOE_DISK_CONFLICT && !c->ready)
        c->conflict = true;
    if (event == AOE_DISK_LOST)
        check_loss(c);
    if (event == AOE_DISK_REPLAYED || event == AOE_DISK_MENDED)
        c->replays++;
    /* What the log has not been able to restore so far. */
    if (c->replay &&
        (event == AOE_DISK_RESTARTED || event == AOE_DISK_LOST_WRITES))
        history_lost_all(&c->history);
}

static void open_disk(struct client *c)
{
    struct aoe_disk_options d = {.timeout = c->timeout, .replay = c->replay};

    c->ready = c->conflict = false;
    if (aoe_disk_open(c->aoe, c->addr.shelf, c->addr.slot, &d, on_event, c,
                      &c->disk))
        abort();
}

void client_begin(struct client *c)
{
    uint32_t prefix = UINT32_C(0x80000000) | (uint32_t)c->number << 24;
    struct link_options o = {.filter = {.responses = true,
                                        .tag_mask = FLIGHT_TAG_MASK,
                                        .tag_value = prefix},
                             .rx_frames = 512};

    c->begin_at = UINT64_MAX;
    for (unsigned i = 0; i < c->ports_wanted; i++) {
        struct aoe_mac mac = {
            {2, 0, 0, 0, (uint8_t)c->number, (uint8_t)(0x10 + i)}};

        if (wire_open(&c->ports[c->port_count++], c->wire, "client", &mac,
                      c->mtu, &o))
            abort();
    }
    if (aoe_open_links(&c->aoe, c->ports, c->port_count, client_clock, c,
                       prefix, (uint32_t)dice_roll(c->dice)))
        abort();
    open_disk(c);
}

void client_open(struct client *c, struct wire *wire, unsigned ports,
                 unsigned mtu, struct aoe_addr addr)
{
    c->wire = wire;
    c->ports_wanted = ports;
    c->mtu = mtu;
    c->addr = addr;
    client_begin(c);
}

static void add_up(struct client *c)
{
    struct aoe_stats stats;

    aoe_disk_stats(c->disk, &stats);
    c->time_waits += stats.time_waits;
    c->late += stats.late;
}

void client_replace(struct client *c, uint64_t at)
{
    if (client_gone(c))
        return;
    add_up(c);
    aoe_close(c->aoe);
    history_successor(&c->history);
    c->aoe = NULL;
    c->disk = NULL;
    c->port_count = 0;
    c->begin_at = at;
    c->ready = c->conflict = false;
}

void client_reopen(struct client *c)
{
    add_up(c);
    aoe_disk_close(c->disk);
    history_successor(&c->history);
    open_disk(c);
}

void client_close(struct client *c)
{
    c->left = 0;
    client_replace(c, UINT64_MAX);
    history_fini(&c->history);
}

/* ---- requests -------------------------------------------------------------
 */

static const char *op_name(enum aoe_op op)
{
    static const char *const names[] = {"read", "write", "flush", "trim",
                                        "zero"};

    return names[op];
}

static bool judge(struct client *c, struct client_op *op, int status,
                  char why[HISTORY_WHY])
{
    switch (op->request.op) {
    case AOE_READ:
        if (status == 0)
            return history_check(&c->history, &op->past, op->data, why);
        history_forget(&op->past);
        return true;
    case AOE_FLUSH:
        c->flushes_failed += status != 0;
        return history_flushed(&c->history, &op->past, status, why);
    default:
        return history_wrote(&c->history, &op->past, status, why);
    }
}

/* Its deadline is about silence.  Here any frame ends the silence, which is
 * more lenient than libaoe itself. */
static void check_end(struct client *c, const struct client_op *op, int status)
{
    uint64_t since = op->begun > c->heard ? op->begun : c->heard;

    if (c->timeout && *c->now - since > 2 * c->timeout + GRACE &&
        status != -ECANCELED)
        snprintf(c->why, sizeof c->why,
                 "client %d: a %s ended after %.3f s of silence, its deadline "
                 "was %.0f s",
                 c->number, op_name(op->request.op),
                 (double)(*c->now - since) / 1e9, (double)c->timeout / 1e9);
    if (op->request.op == AOE_READ && !status)
        c->answered = *c->now;
}

static void op_done(struct aoe_request *r, int status)
{
    struct client_op *op = (struct client_op *)(void *)r;
    struct client *c = op->client;
    char why[HISTORY_WHY];

    trace_say(c->trace, *c->now,
              "client %d: %s #%" PRIu64 " at %" PRIu64 "+%" PRIu64 " ended: %d",
              c->number, op_name(r->op), op->past.id, r->offset / 512,
              r->length / 512, status);
    op->busy = false;
    c->running--;
    c->ended++;
    c->failed += status != 0;
    check_end(c, op, status);
    if (!judge(c, op, status, why))
        snprintf(c->why, sizeof c->why, "client %d: %s", c->number, why);
}

static void begin_write(struct client *c, struct client_op *op, uint64_t lba,
                        uint64_t count)
{
    bool data = op->request.op == AOE_WRITE;

    history_write(&c->history, &op->past, lba, count, !data, op->request.fua);
    for (uint64_t i = 0; data && i < count; i++)
        sector_fill(op->data + i * 512, lba + i, op->past.id);
}

/* False: the disk refused the request, as a lost one does. */
static bool submit(struct client *c, struct client_op *op, enum aoe_op kind,
                   uint64_t lba, uint64_t count)
{
    struct aoe_request *r = &op->request;
    int err;

    memset(r, 0, sizeof *r);
    op->client = c;
    op->begun = *c->now;
    op->iov = (struct iovec){op->data, (size_t)count * 512};
    r->op = kind;
    r->offset = lba * 512;
    r->length = count * 512;
    r->iov = &op->iov;
    r->iovcnt = 1;
    r->done = op_done;
    r->fua =
        kind != AOE_READ && kind != AOE_FLUSH && dice_below(c->dice, 12) == 0;
    if (kind == AOE_READ)
        history_read(&c->history, &op->past, lba, count);
    else if (kind == AOE_FLUSH)
        history_flush(&c->history, &op->past);
    else
        begin_write(c, op, lba, count);
    trace_say(c->trace, *c->now,
              "client %d: %s #%" PRIu64 " at %" PRIu64 "+%" PRIu64, c->number,
              op_name(kind), op->past.id, lba, count);
    err = aoe_submit(c->disk, r);
    if (err) {
        history_forget(&op->past);
        trace_say(c->trace, *c->now, "client %d: refused: %d", c->number, err);
        return false;
    }
    op->busy = true;
    c->running++;
    return true;
}

void client_flush(struct client *c, struct client_op *op)
{
    submit(c, op, AOE_FLUSH, 0, 0);
}

void client_read(struct client *c, struct client_op *op, uint64_t lba,
                 uint64_t count)
{
    submit(c, op, AOE_READ, c->first + lba, count);
}

static enum aoe_op choose_op(struct client *c)
{
    uint64_t n = dice_below(c->dice, 100);

    return n < 48   ? AOE_WRITE
           : n < 82 ? AOE_READ
           : n < 88 ? AOE_TRIM
           : n < 92 ? AOE_ZERO
                    : AOE_FLUSH;
}

static void hear(struct client *c)
{
    uint64_t frames = 0;

    for (unsigned i = 0; i < c->port_count; i++)
        frames += c->ports[i]->rx_frames;
    if (frames != c->frames)
        c->heard = *c->now;
    c->frames = frames;
}

void client_run(struct client *c)
{
    hear(c);
    if (!c->ready || *c->now < c->pause_until)
        return;
    for (int i = 0; i < CLIENT_OPS && c->left > 0; i++) {
        struct client_op *op = &c->ops[i];
        enum aoe_op kind = choose_op(c);
        uint64_t count = 1 + dice_below(c->dice, CLIENT_SECTORS_MAX);
        uint64_t lba, span = c->sectors;

        if (op->busy)
            continue;
        if (dice_below(c->dice, 3)) { /* mostly small, so that many overlap */
            count = 1 + count % 8;
            span = c->span;
        }
        lba = c->first + dice_below(c->dice, span - count + 1);
        if (kind == AOE_FLUSH)
            lba = count = 0;
        c->left--;
        if (!submit(c, op, kind, lba, count)) {
            c->pause_until = *c->now + 200 * NS_PER_MS;
            return;
        }
    }
}

uint64_t client_next(const struct client *c)
{
    return c->ready && c->left > 0 && c->running < CLIENT_OPS
               ? c->pause_until > *c->now ? c->pause_until : *c->now
               : UINT64_MAX;
}
