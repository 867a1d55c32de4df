/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames that wait for their interface leave it in batches.  Their headers are
 * built here, out of what the frame is to do; the data is where the user left
 * it.
 */
#include "initiator/libaoe/transmit.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "initiator/libaoe/disk.h"
#include "initiator/libaoe/iov.h"
#include "initiator/libaoe/restart.h"
#include "initiator/libaoe/trace.h"

/* Memory that a batch points into until the interface has taken it. */
struct scratch {
    struct link_out out[LINK_BATCH];
    uint8_t head[LINK_BATCH][AOE_FRAME_MIN];
    uint8_t page[AOE_SECTOR]; /* ranges of a TRIM */
};

static void build_header(const struct frame *f, uint8_t *head)
{
    struct aoe_header h = {.dst = f->path->mac,
                           .src = f->path->port->link->mac,
                           .version = AOE_VERSION,
                           .addr = f->disk->addr,
                           .command = AOE_CMD_ATA,
                           .tag = f->tag};
    struct aoe_ata a = {.aflags = f->aflags,
                        .feature = f->feature,
                        .count = f->count,
                        .command = f->opcode,
                        .lba = f->opcode == ATA_DATA_SET_MANAGEMENT
                                   ? 0
                                   : f->lba | (uint64_t)f->device << 24};

    aoe_header_build(head, &h);
    aoe_ata_build(head, &a);
    memset(head + AOE_ATA_HEADER, 0, AOE_FRAME_MIN - AOE_ATA_HEADER);
}

static void build_ranges(const struct frame *f, uint8_t page[AOE_SECTOR])
{
    uint64_t lba = f->lba;
    uint32_t left = f->sectors;

    memset(page, 0, AOE_SECTOR);
    for (; left > 0; page += ATA_TRIM_RANGE) {
        uint32_t n = left < ATA_TRIM_RANGE_MAX ? left : ATA_TRIM_RANGE_MAX;

        ata_trim_put(page, lba, (uint16_t)n);
        lba += n;
        left -= n;
    }
}

static void build(const struct frame *f, struct scratch *s, int i)
{
    struct link_out *o = &s->out[i];

    build_header(f, s->head[i]);
    o->iov[0].iov_base = s->head[i];
    o->iov[0].iov_len = AOE_FRAME_MIN;
    o->iovcnt = 1;
    if (!(f->aflags & AOE_AFLAG_WRITE) && !(f->probe && f->iov))
        return;
    o->iov[0].iov_len = AOE_ATA_HEADER;
    if (f->opcode == ATA_DATA_SET_MANAGEMENT) {
        build_ranges(f, s->page);
        o->iov[1] = (struct iovec){s->page, AOE_SECTOR};
        o->iovcnt = 2;
    } else {
        o->iovcnt += iov_slice(f->iov, f->skip, (size_t)f->sectors * AOE_SECTOR,
                               o->iov + 1, LINK_IOV_MAX - 1);
    }
}

static const char *reason(const struct frame *f)
{
    static const char *const reasons[] = {
        [LOST_NO_RESPONSE] = "no response",
        [LOST_OVERTAKEN] = "a later one was answered, no response",
        [LOST_TAIL] = "tail probe, no response",
        [LOST_OUTAGE] = "the path is back, no response",
        [LOST_HANDED_OVER] = "its path is away, no response",
        [LOST_ASKED] = "the target was heard, no response",
        [LOST_PROBE] = "MTU probe, no response",
    };

    return reasons[f->why];
}

/* `f` has left, once more if it has been on the wire before. */
static void tell(const struct frame *f, uint64_t now)
{
    if (f->copies > 0)
        trace_path(f->path, TRACE_DECISIONS,
                   "retransmit: tag %08x, copy %u, %s for %s", f->tag,
                   f->copies + 1, reason(f),
                   trace_time(TRACE_BUFFER(TRACE_TIME), now - f->sent));
    trace_path(f->path, TRACE_FRAMES,
               "send: tag %08x, command %02x, lba %" PRIu64 ", %u sectors",
               f->tag, f->opcode, f->lba, f->sectors);
}

/* Sends one batch; returns false when nothing more can leave now. */
static bool send_batch(struct aoe_port *port, struct scratch *s)
{
    struct frame *batch[LINK_BATCH];
    int count = 0, taken;
    uint64_t now;

    list_each(node, &port->tx) {
        struct frame *f = list_entry(node, struct frame, link);
        bool trim = f->opcode == ATA_DATA_SET_MANAGEMENT;

        if (count == LINK_BATCH || (trim && count > 0))
            break;
        build(f, s, count);
        batch[count++] = f;
        if (trim)
            break; /* there is one page of ranges */
    }
    if (count == 0)
        return false;
    taken = link_send(port->link, s->out, count);
    assert(taken <= count);
    now = aoe_now(port->aoe);
    for (int i = 0; i < taken; i++) {
        struct frame *f = batch[i];

        list_remove(&f->link);
        if (trace_on(port->aoe, TRACE_DECISIONS))
            tell(f, now);
        path_sent(f->path, f, now);
        disk_asked(f->disk, f->path, now);
        f->disk->stats.frames_sent++;
        if (f->copies > 1)
            f->disk->stats.retransmitted++;
    }
    port->stalled = taken < count;
    return !port->stalled;
}

void port_flush(struct aoe_port *port)
{
    struct scratch s;

    if (list_empty(&port->tx)) {
        port->stalled = false;
        return;
    }
    while (send_batch(port, &s))
        ;
}
