/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An in-memory disk for the NBD server.
 */
#include "tests/lib/nbd_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int submit(void *disk, struct aoe_request *request)
{
    struct nbd_memory *m = disk;
    int refuse = m->refuse;

    m->refuse = 0;
    if (refuse)
        return refuse;
    if (m->pending_count == NBD_MEMORY_PENDING)
        abort();
    lossy_begin(&m->lossy, request);
    m->pending[m->pending_count++] = request;
    if (m->submitted)
        m->submitted(m);
    return 0;
}

/* The writer's disk stands for this one. */
static struct aoe_writer *join(void *disk)
{
    struct nbd_memory *m = disk;

    return writer_new(&m->lossy.writers, disk);
}

static void leave(struct aoe_writer *writer)
{
    struct nbd_memory *m = (struct nbd_memory *)(void *)writer->disk;

    writer_close(&m->lossy.writers, writer, m->lossy.flushed);
}

void nbd_memory_open(struct nbd_memory *m, size_t size)
{
    *m = (struct nbd_memory){.bytes = calloc(1, size),
                             .export = {.name = "e1.2",
                                        .description = "memory",
                                        .size = size,
                                        .sector = 512,
                                        .trim = true,
                                        .trim_zeroes = true,
                                        .submit = submit,
                                        .disk = m,
                                        .join = join,
                                        .leave = leave}};
    if (!m->bytes)
        abort();
    writers_init(&m->lossy.writers);
}

void nbd_memory_close(struct nbd_memory *m)
{
    free(m->bytes);
}

/* The server must check ranges and build buffers; if either is wrong,
 * abort(). */
static void execute(struct nbd_memory *m, const struct aoe_request *r)
{
    uint8_t *at = m->bytes + r->offset;
    uint64_t left = r->length;

    if (r->offset > m->export.size || left > m->export.size - r->offset)
        abort();
    if (r->op == AOE_ZERO || r->op == AOE_TRIM)
        memset(at, 0, (size_t)left);
    if (r->op != AOE_READ && r->op != AOE_WRITE)
        return;
    for (int i = 0; i < r->iovcnt && left > 0; i++) {
        size_t n = r->iov[i].iov_len < left ? r->iov[i].iov_len : (size_t)left;

        if (r->op == AOE_READ)
            memcpy(r->iov[i].iov_base, at, n);
        else
            memcpy(at, r->iov[i].iov_base, n);
        at += n;
        left -= n;
    }
    if (left > 0)
        abort();
}

void nbd_memory_complete(struct nbd_memory *m, unsigned which, int status)
{
    struct aoe_request *r = m->pending[which];

    m->pending_count--;
    memmove(m->pending + which, m->pending + which + 1,
            (m->pending_count - which) * sizeof m->pending[0]);
    if (!status)
        execute(m, r);
    m->done[r->op]++;
    m->fua += r->fua;
    r->done(r, lossy_end(&m->lossy, r, status));
}

void nbd_memory_complete_all(struct nbd_memory *m)
{
    while (m->pending_count > 0)
        nbd_memory_complete(m, 0, 0);
}
