/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated host with an AoE initiator of its own.
 */
#include "tests/sim/neighbour.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wire/ata.h"

#define AGAIN_AFTER (300 * NS_PER_MS)
/* Longer than a disk takes: the response to a request that was given up may be
 * the one that reports a loss. */
#define GIVEN_UP (60 * NS_PER_S)
#define PAUSE    (100 * NS_PER_MS)

enum { TELLER = NEIGHBOUR_SECTORS }; /* the op that flushes or writes FUA */

void neighbour_open(struct neighbour *b, struct wire *wire, struct nas *nas,
                    uint64_t first)
{
    static const struct wire_faults faults = {.delay_ns = 20000};
    struct link_options o = {.filter = {.responses = true}, .rx_frames = 64};
    struct aoe_mac mac = {{2, 0, 0, 0, 0xb0, (uint8_t)b->number}};

    b->nas = nas;
    b->tag = (uint32_t)b->number << 24;
    if (wire_open(&b->port, wire, "neighbour", &mac, 1500, &o))
        abort();
    wire_port_faults(b->port, WIRE_TX, &faults);
    wire_port_faults(b->port, WIRE_RX, &faults);
    history_init(&b->history, first, NEIGHBOUR_SECTORS, nas->medium.kept);
}

void neighbour_close(struct neighbour *b)
{
    for (int i = 0; i <= TELLER; i++)
        if (b->ops[i].busy)
            history_forget(&b->ops[i].past);
    link_close(b->port);
    history_fini(&b->history);
}

/* ---- requests -------------------------------------------------------------
 */

static void transmit(struct neighbour *b, struct neighbour_op *op, uint64_t now)
{
    struct link_out out = {.iov[0] = {op->frame, op->len}, .iovcnt = 1};

    link_send(b->port, &out, 1);
    op->again_at = now + AGAIN_AFTER + (now - op->begun);
}

static void fill(struct neighbour *b, struct neighbour_op *op, uint64_t lba)
{
    struct aoe_header h = {.dst = b->nas->ports[0]->mac,
                           .src = b->port->mac,
                           .version = AOE_VERSION,
                           .addr = b->nas->export.addr,
                           .command = AOE_CMD_ATA,
                           .tag = op->tag};
    bool flush = op->command == ATA_FLUSH_CACHE_EXT;
    bool trim = op->command == ATA_DATA_SET_MANAGEMENT;
    struct aoe_ata ata = {
        .aflags = (uint8_t)(AOE_AFLAG_EXTENDED | (flush ? 0 : AOE_AFLAG_WRITE)),
        .feature = trim ? ATA_FEATURE_TRIM : 0,
        .command = op->command,
        .lba = flush || trim ? 0 : lba,
        .count = !flush};

    memset(op->frame, 0, sizeof op->frame);
    aoe_header_build(op->frame, &h);
    aoe_ata_build(op->frame, &ata);
    op->len = flush ? AOE_FRAME_MIN : AOE_ATA_HEADER + AOE_SECTOR;
    if (trim)
        ata_trim_put(op->frame + AOE_ATA_HEADER, lba, 1);
    else if (!flush)
        sector_fill(op->frame + AOE_ATA_HEADER, lba, op->past.id);
}

static void begin(struct neighbour *b, struct neighbour_op *op, uint8_t command,
                  uint64_t lba, uint64_t now)
{
    op->busy = true;
    op->command = command;
    op->tag = ++b->tag;
    op->begun = now;
    op->starts = b->nas->starts;
    if (command == ATA_FLUSH_CACHE_EXT)
        history_flush(&b->history, &op->past);
    else
        history_write(&b->history, &op->past, lba, 1,
                      command == ATA_DATA_SET_MANAGEMENT,
                      command == ATA_WRITE_DMA_FUA_EXT);
    trace_say(b->trace, now,
              "neighbour %d: command %02x #%" PRIu64 " at %" PRIu64, b->number,
              command, op->past.id, lba);
    fill(b, op, lba);
    transmit(b, op, now);
}

/* A sector that no request is on. */
static bool choose(struct neighbour *b, unsigned *sector)
{
    const struct neighbour_op *teller = &b->ops[TELLER];

    *sector = (unsigned)dice_below(b->dice, NEIGHBOUR_SECTORS);
    return !b->ops[*sector].busy &&
           !(teller->busy && teller->command == ATA_WRITE_DMA_FUA_EXT &&
             teller->past.lba == b->history.first + *sector);
}

static void begin_any(struct neighbour *b, uint64_t now)
{
    struct neighbour_op *teller = &b->ops[TELLER];
    uint64_t n = dice_below(b->dice, 100), lba;
    unsigned sector;

    b->next_at = now + dice_below(b->dice, PAUSE);
    /* A request that is given up counts as told, so it is sent only when it can
     * be answered. */
    if (b->nas->state != NAS_SERVES)
        return;
    b->left--;
    if (n < 20 && !teller->busy) {
        begin(b, teller, ATA_FLUSH_CACHE_EXT, b->history.first, now);
        return;
    }
    if (!choose(b, &sector))
        return;
    lba = b->history.first + sector;
    if (n < 45 && !teller->busy)
        begin(b, teller, ATA_WRITE_DMA_FUA_EXT, lba, now);
    else
        begin(b, &b->ops[sector],
              n < 90 ? ATA_WRITE_SECTORS_EXT : ATA_DATA_SET_MANAGEMENT, lba,
              now);
}

/* Tags are the neighbour's number and the request's. */
static unsigned number(uint32_t tag)
{
    return (tag & 0xffffff) % (NEIGHBOUR_OPS + 1);
}

/* ---- answers --------------------------------------------------------------
 */

static void end(struct neighbour *b, struct neighbour_op *op, int status,
                uint64_t now)
{
    char why[HISTORY_WHY];
    bool flush = op->command == ATA_FLUSH_CACHE_EXT, good;

    trace_say(b->trace, now,
              "neighbour %d: command %02x #%" PRIu64 " ended: %d", b->number,
              op->command, op->past.id, status);
    op->busy = false;
    b->ended[number(op->tag)] = now;
    b->failed[number(op->tag)] = status;
    b->told += status && op == &b->ops[TELLER];
    good = flush ? history_flushed(&b->history, &op->past, status, why)
                 : history_wrote(&b->history, &op->past, status, why);
    if (!good)
        snprintf(b->why, sizeof b->why, "neighbour %d: %s", b->number, why);
}

/* Its answer has come, but a copy waited in the disk's queue until it was no
 * longer recognized as one, or until no copies were, or the answer was not the
 * disk's: what that one reports, no other will. */
static bool late(const struct neighbour *b, uint32_t tag, uint64_t now)
{
    uint64_t ended = b->ended[number(tag)];

    return ended && (b->nas->forgets || now - ended > REPLY_CACHE_NS ||
                     b->failed[number(tag)]);
}

static void answered(struct neighbour *b, const struct link_frame *f,
                     uint64_t now)
{
    struct aoe_header h;
    struct aoe_ata a;
    bool failed;

    if (aoe_header_parse(f->data, f->len, &h) ||
        !(h.flags & AOE_FLAG_RESPONSE) || h.command != AOE_CMD_ATA ||
        aoe_ata_parse(f->data, f->len, &a))
        return;
    failed = a.command & ATA_STATUS_FAILED;
    for (int i = 0; i <= TELLER; i++) {
        struct neighbour_op *op = &b->ops[i];

        if (op->busy && op->tag == h.tag) {
            end(b, op, failed ? -1 : 0, now);
            return;
        }
    }
    if (failed && late(b, h.tag, now))
        history_told(&b->history);
}

/* Its outcome is unknown: a reopened disk could answer a copy differently. */
static bool hopeless(const struct neighbour *b, const struct neighbour_op *op,
                     uint64_t now)
{
    return now - op->begun >= GIVEN_UP || op->starts != b->nas->starts;
}

static void wait_longer(struct neighbour *b, struct neighbour_op *op,
                        uint64_t now)
{
    if (!op->busy || op->again_at > now)
        return;
    if (hopeless(b, op, now))
        end(b, op, -1, now);
    else if (b->nas->forgets || now - op->begun > REPLY_CACHE_NS)
        op->again_at = now + AGAIN_AFTER; /* a copy would not be recognized */
    else
        transmit(b, op, now);
}

void neighbour_run(struct neighbour *b, uint64_t now)
{
    struct link_frame *f;

    link_refresh(b->port);
    while (link_recv(b->port, &f, 1) == 1) {
        answered(b, f, now);
        link_release(b->port, f);
    }
    for (int i = 0; i <= TELLER; i++)
        wait_longer(b, &b->ops[i], now);
    if (b->left && b->next_at <= now)
        begin_any(b, now);
}

uint64_t neighbour_next(const struct neighbour *b)
{
    uint64_t next = b->left ? b->next_at : UINT64_MAX;

    for (int i = 0; i <= TELLER; i++)
        if (b->ops[i].busy && b->ops[i].again_at < next)
            next = b->ops[i].again_at;
    return next;
}
