/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks of a disk and of a file, each in a buffer: read on one side, then
 * written on the other.  The file's I/O is synchronous, the disk's is not.
 */
#include "initiator/aoe/copy_data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/clock.h"

enum {
    CHUNK = 256 * 1024,
    BUFFERS = 16,
    HOLE = 4096, /* zeroes of this size become a hole in the file */
    CHECKPOINT =
        32 << 20, /* the disk is flushed each time this much was written */
};

struct chunk_buffer {
    struct aoe_request request;
    struct iovec iov;
    struct copying *copying;
    uint8_t *bytes;
    bool busy;
};

struct copying {
    struct command_copy *c;
    struct chunk_buffer buffers[BUFFERS];
    uint64_t next;        /* the first byte that no buffer has had yet */
    unsigned outstanding; /* buffers that are busy, and the flush */
    struct aoe_request flush;
    bool flushing;
    uint64_t flush_covers; /* all bytes before this one */
};

static void failed(struct command_copy *c, int status, bool of_file,
                   uint64_t chunk, uint64_t at)
{
    if (c->status && chunk >= c->resume)
        return;
    c->status = status;
    c->of_file = of_file;
    c->failed_at = at;
    c->resume = chunk;
}

/* ---- the file -------------------------------------------------------------
 */

static int read_all(int fd, uint8_t *bytes, size_t length, uint64_t offset)
{
    while (length > 0) {
        ssize_t n = pread(fd, bytes, length, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -ENODATA; /* it shrank meanwhile */
        bytes += n;
        length -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static int write_all(int fd, const uint8_t *bytes, size_t length,
                     uint64_t offset)
{
    while (length > 0) {
        ssize_t n = pwrite(fd, bytes, length, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        length -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static bool all_zero(const uint8_t *bytes, size_t length)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* Skips zeroes, so that they stay holes. */
static int write_sparse(int fd, const uint8_t *bytes, size_t length,
                        uint64_t offset)
{
    size_t begin = 0, at = 0;
    int err = 0;

    while (at < length && !err) {
        size_t piece = HOLE - (size_t)((offset + at) % HOLE);

        if (piece > length - at)
            piece = length - at;
        if (all_zero(bytes + at, piece)) {
            err = write_all(fd, bytes + begin, at - begin, offset + begin);
            begin = at + piece;
        }
        at += piece;
    }
    return err ? err
               : write_all(fd, bytes + begin, length - begin, offset + begin);
}

/* ---- chunks ---------------------------------------------------------------
 */

static void begin(struct chunk_buffer *s)
{
    struct copying *y = s->copying;
    struct command_copy *c = y->c;
    struct aoe_request *r = &s->request;
    int err = 0;

    if (c->status || *c->stop || y->next >= c->end)
        return;
    r->offset = y->next;
    r->length = CHUNK - r->offset % CHUNK;
    if (r->length > c->end - r->offset)
        r->length = c->end - r->offset;
    y->next += r->length;
    if (c->to_disk)
        err = read_all(c->fd, s->bytes, (size_t)r->length, r->offset);
    if (err) {
        failed(c, err, true, r->offset, r->offset);
        return;
    }
    err = aoe_submit(c->disk, r);
    if (err)
        failed(c, err, false, r->offset, r->offset);
    s->busy = !err;
    y->outstanding += s->busy;
}

static void flush_done(struct aoe_request *r, int status)
{
    struct copying *y = r->arg;

    y->outstanding--;
    y->flushing = false;
    if (status)
        failed(y->c, status, false, y->c->durable, y->c->durable);
    else if (!*y->c->lost_writes) /* else the new target may have answered */
        y->c->durable = y->flush_covers;
}

/* The offset of the first byte that has not been copied. */
static uint64_t copied(const struct copying *y)
{
    uint64_t first = y->next;

    for (unsigned i = 0; i < BUFFERS; i++)
        if (y->buffers[i].busy && y->buffers[i].request.offset < first)
            first = y->buffers[i].request.offset;
    return first;
}

static void checkpoint(struct copying *y)
{
    struct command_copy *c = y->c;
    uint64_t first = copied(y);

    if (!c->to_disk || c->status || y->flushing ||
        first - c->durable < CHECKPOINT)
        return;
    y->flush =
        (struct aoe_request){.op = AOE_FLUSH, .done = flush_done, .arg = y};
    y->flush_covers = first;
    y->flushing = aoe_submit(c->disk, &y->flush) == 0;
    y->outstanding += y->flushing;
}

static void chunk_done(struct aoe_request *r, int status)
{
    struct chunk_buffer *s = r->arg;
    struct command_copy *c = s->copying->c;
    int err = 0;

    s->copying->outstanding--;
    s->busy = false;
    if (status) {
        failed(c, status, false, r->offset,
               status == -EIO ? r->error_offset : r->offset);
        return;
    }
    if (!c->to_disk)
        err = (c->sparse ? write_sparse : write_all)(
            c->fd, s->bytes, (size_t)r->length, r->offset);
    if (err) {
        failed(c, err, true, r->offset, r->offset);
        return;
    }
    c->done += r->length;
    checkpoint(s->copying);
    begin(s);
}

bool command_copy_run(struct command_copy *c)
{
    struct copying *y = calloc(1, sizeof *y);
    void *memory = NULL;

    c->resume = c->durable = c->offset;
    if (!y || posix_memalign(&memory, HOLE, (size_t)BUFFERS * CHUNK)) {
        free(y);
        failed(c, -ENOMEM, true, c->offset, c->offset);
        return false;
    }
    y->c = c;
    y->next = c->offset;
    for (unsigned i = 0; i < BUFFERS; i++) {
        struct chunk_buffer *s = &y->buffers[i];

        s->copying = y;
        s->bytes = (uint8_t *)memory + (size_t)i * CHUNK;
        s->iov = (struct iovec){s->bytes, CHUNK};
        s->request =
            (struct aoe_request){.op = c->to_disk ? AOE_WRITE : AOE_READ,
                                 .iov = &s->iov,
                                 .iovcnt = 1,
                                 .done = chunk_done,
                                 .arg = s};
        begin(s);
    }
    while (y->outstanding) {
        aoe_wait(c->aoe, 100 * (int64_t)NS_PER_MS);
        command_progress_show(&c->progress, c->offset + c->done);
        if (c->to_disk && *c->lost_writes)
            failed(c, -ESTALE, false, c->durable, c->durable);
    }
    if (!c->status)
        c->resume = y->next;
    free(memory);
    free(y);
    return c->resume >= c->end;
}
