/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One request: to its disk, and its reply to the kernel.
 *
 * A command on the wire cannot be recalled, so every buffer stays with its
 * request until the disk is done with it; the disk's deadline is what ends a
 * hopeless one.
 */
#include "bridge/aoe-fuse/internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "read 4096 at 81920" */
static void describe(const struct aoe_request *aoe, char *out, size_t capacity)
{
    static const char *const names[] = {[AOE_READ] = "read",
                                        [AOE_WRITE] = "write",
                                        [AOE_FLUSH] = "flush",
                                        [AOE_TRIM] = "trim",
                                        [AOE_ZERO] = "zero"};

    if (!aoe->done)
        snprintf(out, capacity, "nothing to flush");
    else if (aoe->op == AOE_FLUSH)
        snprintf(out, capacity, "flush");
    else
        snprintf(out, capacity, "%s %" PRIu64 " at %" PRIu64, names[aoe->op],
                 (uint64_t)aoe->length, (uint64_t)aoe->offset);
}

/* "e1.2: read 4096 at 81920, handle 3", until the next call. */
static const char *line(const struct aoefs_io *io)
{
    static char text[128];
    char what[64], whose[32] = "";

    describe(&io->aoe, what, sizeof what);
    if (io->handle)
        snprintf(whose, sizeof whose, ", handle %u", io->handle);
    snprintf(text, sizeof text, "%s: %s%s", aoe_disk_name(io->disk->disk), what,
             whose);
    return text;
}

void aoefs_submit(struct aoefs_io *io)
{
    int err;

    assert(io->aoe.done && io->aoe.arg == io);
    log_trace("%s", line(io));
    err = aoe_submit(io->disk->disk, &io->aoe);
    if (err)
        io->aoe.done(&io->aoe, err);
}

/* What the user of a file may see.  Other codes would be misread: ENOTCONN as
 * a dead mount, EINVAL as a misaligned buffer. */
static int visible_error(int status)
{
    switch (status) {
    case 0:
    case -EBUSY: /* reserved for another host */
    case -EINTR:
    case -ENOMEM:
    case -ENOSPC:
    case -EOPNOTSUPP:
    case -EROFS:
    case -ESTALE: /* another disk answers in its place */
        return -status;
    default:
        return EIO;
    }
}

void aoefs_reply_status(struct aoefs_io *io, int status)
{
    assert(io->req && status <= 0);
    if (status)
        log_debug("%s: %s", line(io), strerror(-status));
    else
        log_trace("%s: done", line(io));
    fuse_reply_err(io->req, visible_error(status));
    aoefs_io_end(io);
}

void aoefs_reply_data(struct aoefs_io *io, size_t length)
{
    assert(io->req && length <= io->data_room);
    log_trace("%s: done", line(io));
    fuse_reply_buf(io->req, io->data, length);
    aoefs_io_end(io);
}

void aoefs_reply_written(struct aoefs_io *io, size_t length)
{
    assert(io->req);
    log_trace("%s: done", line(io));
    fuse_reply_write(io->req, length);
    aoefs_io_end(io);
}

void aoefs_io_end(struct aoefs_io *io)
{
    struct aoefs *fs = io->disk->fs;

    assert(aoefs_io_count(fs) > 0);
    aoefs_io_give(&fs->pool, io);
    fs->io_ended(fs);
}
