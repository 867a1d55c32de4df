/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A ring of events.
 */
#include "tests/sim/trace.h"

#include <inttypes.h>
#include <string.h>

#include "wire/aoe.h"
#include "wire/ata.h"

static const char *ata_name(uint8_t opcode)
{
    switch (opcode) {
    case ATA_READ_SECTORS_EXT:
        return "read";
    case ATA_WRITE_SECTORS_EXT:
        return "write";
    case ATA_WRITE_DMA_FUA_EXT:
        return "durable write";
    case ATA_FLUSH_CACHE:
    case ATA_FLUSH_CACHE_EXT:
        return "flush";
    case ATA_DATA_SET_MANAGEMENT:
        return "trim";
    case ATA_IDENTIFY:
        return "identify";
    default:
        return "ata";
    }
}

static void print_frame(const struct trace_event *e, FILE *out)
{
    struct aoe_header h;
    struct aoe_ata a;

    aoe_header_parse(e->head, TRACE_HEAD, &h);
    aoe_ata_parse(e->head, TRACE_HEAD, &a);
    fprintf(out, "%-10s ..%02x>..%02x tag %08" PRIx32 " ",
            wire_event_text(e->wire), h.src.b[5], h.dst.b[5], h.tag);
    if (h.command == AOE_CMD_CONFIG)
        fprintf(out, "config%s", h.flags & AOE_FLAG_RESPONSE ? " answer" : "");
    else if (h.flags & AOE_FLAG_RESPONSE)
        fprintf(out, "answer %02x error %02x lba %" PRIu64, a.command,
                a.feature, a.lba);
    else
        fprintf(out, "%s lba %" PRIu64 " count %u feature %02x",
                ata_name(a.command), a.lba, a.count, a.feature);
    fprintf(out, ", %zu bytes\n", e->len);
}

static void print_event(const struct trace_event *e, FILE *out)
{
    fprintf(out, "%14.6f ms  ", (double)e->at / 1e6);
    if (e->len)
        print_frame(e, out);
    else
        fprintf(out, "%s\n", e->text);
}

static FILE *live;

static struct trace_event *next(struct trace *t, uint64_t now)
{
    struct trace_event *e = &t->events[t->count++ % TRACE_EVENTS];

    e->at = now;
    e->len = 0;
    return e;
}

void trace_say(struct trace *t, uint64_t now, const char *fmt, ...)
{
    struct trace_event *e = next(t, now);
    va_list args;

    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    if (live)
        print_event(e, live);
}

void trace_frame(void *arg, uint64_t now, enum wire_event wire,
                 const struct link *port, const uint8_t *frame, size_t len)
{
    struct trace_event *e = next(arg, now);

    (void)port;
    e->wire = wire;
    e->len = len;
    memset(e->head, 0, TRACE_HEAD);
    memcpy(e->head, frame, len < TRACE_HEAD ? len : TRACE_HEAD);
    if (live)
        print_event(e, live);
}

void trace_print(const struct trace *t, FILE *out)
{
    unsigned long i = t->count > TRACE_EVENTS ? t->count - TRACE_EVENTS : 0;

    for (; i < t->count; i++)
        print_event(&t->events[i % TRACE_EVENTS], out);
}

void trace_live(FILE *out)
{
    live = out;
}
