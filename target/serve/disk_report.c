/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a disk logs: operations that fail and, with -vv, each request.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "target/serve/disk_parts.h"

static const char *kind_text(enum store_kind kind)
{
    switch (kind) {
    case STORE_READ:
        return "read";
    case STORE_WRITE:
        return "write";
    case STORE_FLUSH:
        return "flush";
    case STORE_TRIM:
        return "trim";
    case STORE_VERIFY:
        return "verify";
    }
    return "operation";
}

static const char *result_text(int result)
{
    switch (result) {
    case -ENXIO:
        return "it is not there any more";
    case -ENODEV:
        return "the device is gone";
    default:
        return strerror(-result);
    }
}

/* One line per minute: a dying disk fails thousands of requests. */
void disk_report(struct disk *d, const struct store_op *op)
{
    char more[48] = "";
    unsigned held;

    if (!log_minutely(&d->errors, clock_ns(), &held))
        return;
    if (held)
        snprintf(more, sizeof more, " (and %u errors before)", held);
    if (op->kind == STORE_FLUSH)
        log_error("%s: flush to disk: %s; what was written may be lost%s",
                  d->name, result_text(op->result), more);
    else
        log_error("%s: %s at sector %llu: %s%s", d->name, kind_text(op->kind),
                  (unsigned long long)((op->offset + op->done) / AOE_SECTOR),
                  result_text(op->result), more);
}

/* ---- the trace ------------------------------------------------------------
 */

enum { TRACE_TEXT = 128 };

/* "e1.2: write 8 sectors at 4096 from 02:00:00:00:00:01 tag 81b29752". */
static const char *request_text(char out[TRACE_TEXT], const struct request *r)
{
    const struct exchange *x = &r->x;
    bool durable = disk_op_changes(&x->op) && !r->cached;
    unsigned long long sectors = (x->span_end - x->span_start) / AOE_SECTOR;
    char what[64] = "", mac[AOE_MAC_TEXT];

    if (x->op.kind != STORE_FLUSH)
        snprintf(what, sizeof what, " %llu sector%s at %llu", sectors,
                 sectors == 1 ? "" : "s",
                 (unsigned long long)x->span_start / AOE_SECTOR);
    snprintf(out, TRACE_TEXT, "%s: %s%s%s from %s tag %08x", r->disk->name,
             durable ? "durable " : "", kind_text(x->op.kind), what,
             aoe_mac_format(mac, &x->header.src), (unsigned)x->header.tag);
    return out;
}

void disk_trace_waits(const struct request *r)
{
    char text[TRACE_TEXT];

    log_trace("%s: waits for %u earlier requests", request_text(text, r),
              r->order.blockers);
}

void disk_trace_end(const struct request *r, enum responder_verdict verdict)
{
    const struct store_op *op = &r->x.op;
    char text[TRACE_TEXT];

    log_trace("%s: %s%s, %llu us", request_text(text, r),
              op->result ? result_text(op->result) : "ok",
              verdict == RESPONDER_REPLY ? "" : ", not answered",
              (unsigned long long)((clock_ns() - r->started_ns) / NS_PER_US));
}
