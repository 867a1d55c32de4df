/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A libaoe without a network, for one test program: disks are memory, requests
 * complete in the loop when the test says so.  It is a header with definitions,
 * and not in tests/lib, so that no other test links it instead of the real
 * library.
 */
#ifndef TESTS_UNIT_FAKE_AOE_H
#define TESTS_UNIT_FAKE_AOE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initiator/client/aoe_loop.h"
#include "tests/lib/lossy.h"

enum { FAKE_PENDING_MAX = 1024, FAKE_LOG_MAX = 64 };

struct aoe_disk {
    char name[16];
    struct aoe_identity id;
    uint8_t *bytes;
    struct aoe_request *pending[FAKE_PENDING_MAX];
    unsigned pending_count;
    unsigned most_pending;   /* highest pending_count seen */
    unsigned writes_pending; /* of them */
    unsigned most_writes;    /* highest writes_pending seen */
    unsigned hold;           /* complete nothing before this many are pending */
    unsigned hold_writes;    /* nor before this many of them are writes */
    int fail;                /* complete with this */
    int fail_flush;          /* the same for flushes alone */
    int refuse;              /* what aoe_submit returns */
    struct {
        enum aoe_op op;
        uint64_t offset, length;
    } log[FAKE_LOG_MAX]; /* the first completions */
    unsigned completed;
    struct lossy lossy;
};

static inline void fake_disk_open(struct aoe_disk *d, const char *name,
                                  uint64_t size)
{
    memset(d, 0, sizeof *d);
    snprintf(d->name, sizeof d->name, "%s", name);
    d->id = (struct aoe_identity){.size = size,
                                  .logical_sector = 512,
                                  .physical_sector = 512,
                                  .flush = true,
                                  .write_cache = true};
    d->bytes = calloc(1, size);
    writers_init(&d->lossy.writers);
}

static inline void fake_disk_close(struct aoe_disk *d)
{
    free(d->bytes);
}

static inline void fake_copy(struct aoe_disk *d, const struct aoe_request *r)
{
    uint64_t at = r->offset, left = r->length;

    for (int i = 0; i < r->iovcnt && left > 0; i++) {
        size_t n = r->iov[i].iov_len < left ? r->iov[i].iov_len : (size_t)left;

        if (r->op == AOE_READ)
            memcpy(r->iov[i].iov_base, d->bytes + at, n);
        else
            memcpy(d->bytes + at, r->iov[i].iov_base, n);
        at += n;
        left -= n;
    }
}

static inline void fake_complete(struct aoe_disk *d, struct aoe_request *r)
{
    if (d->completed < FAKE_LOG_MAX) {
        d->log[d->completed].op = r->op;
        d->log[d->completed].offset = r->offset;
        d->log[d->completed].length = r->length;
    }
    d->completed++;
    if (r->op == AOE_FLUSH && d->fail_flush) {
        r->done(r, lossy_end(&d->lossy, r, d->fail_flush));
        return;
    }
    if (!d->fail) {
        if (r->op == AOE_READ || r->op == AOE_WRITE)
            fake_copy(d, r);
        else if (r->op == AOE_ZERO || r->op == AOE_TRIM)
            memset(d->bytes + r->offset, 0, r->length);
    }
    r->done(r, lossy_end(&d->lossy, r, d->fail));
}

/* What aoe_service does for one disk. */
static inline void fake_service(struct aoe_disk *d)
{
    struct aoe_request *now[FAKE_PENDING_MAX];
    unsigned count = d->pending_count;

    if (count < d->hold || d->writes_pending < d->hold_writes)
        return;
    memcpy(now, d->pending, count * sizeof *now);
    d->pending_count = d->writes_pending = 0;
    for (unsigned i = 0; i < count; i++)
        fake_complete(d, now[i]);
}

/* ---- libaoe, as far as bridge/fuse_* uses it ------------------------------
 */

int aoe_submit(struct aoe_disk *d, struct aoe_request *r)
{
    if (d->refuse)
        return d->refuse;
    if (r->offset + r->length > d->id.size)
        return r->op == AOE_READ ? -ENXIO : -ENOSPC;
    if (d->pending_count == FAKE_PENDING_MAX)
        return -ENOMEM;
    lossy_begin(&d->lossy, r);
    d->pending[d->pending_count++] = r;
    d->writes_pending += r->op == AOE_WRITE;
    if (d->most_pending < d->pending_count)
        d->most_pending = d->pending_count;
    if (d->most_writes < d->writes_pending)
        d->most_writes = d->writes_pending;
    return 0;
}

const char *aoe_disk_name(const struct aoe_disk *d)
{
    return d->name;
}

const struct aoe_identity *aoe_disk_identity(const struct aoe_disk *d)
{
    return &d->id;
}

const char *aoe_disk_trouble(const struct aoe_disk *d)
{
    (void)d;
    return "";
}

void aoe_disk_stats(const struct aoe_disk *d, struct aoe_stats *out)
{
    memset(out, 0, sizeof *out);
    out->queued = d->pending_count;
    out->losses = d->lossy.losses;
}

struct aoe_writer *aoe_writer_open(struct aoe_disk *d)
{
    return writer_new(&d->lossy.writers, d);
}

void aoe_writer_close(struct aoe_writer *w)
{
    if (w)
        writer_close(&w->disk->lossy.writers, w, w->disk->lossy.flushed);
}

int aoe_disk_paths(const struct aoe_disk *d, struct aoe_path_info *out, int max)
{
    (void)d;
    if (max < 1)
        return 0;
    *out = (struct aoe_path_info){.interface = "eth0",
                                  .mac = {2, 0, 0, 0, 0, 1},
                                  .payload = 1024,
                                  .window = 3,
                                  .buffer_count = 16,
                                  .rtt = 50000,
                                  .good = true};
    return 1;
}

/* The test sets al->task to what services its disks. */
void aoe_loop_kick(struct aoe_loop *al)
{
    loop_task_queue(al->loop, &al->task);
}

#endif
