/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a disk says in the log of operations that fail.
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

/* One line a minute: a disk that dies fails thousands of requests. */
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
