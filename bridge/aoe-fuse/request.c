/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One request: to its disk, and its reply to the kernel.
 *
 * A command on the wire cannot be recalled, so every buffer stays with its
 * request until the disk is done with it; the disk's deadline is what ends a
 * hopeless one.
 */
#include "bridge/aoe-fuse/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void aoefs_submit(struct aoefs_io *io)
{
    int err;

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
    fuse_reply_err(io->req, visible_error(status));
    aoefs_io_end(io);
}

void aoefs_reply_data(struct aoefs_io *io, size_t length)
{
    fuse_reply_buf(io->req, io->data, length);
    aoefs_io_end(io);
}

void aoefs_reply_written(struct aoefs_io *io, size_t length)
{
    fuse_reply_write(io->req, length);
    aoefs_io_end(io);
}

void aoefs_io_end(struct aoefs_io *io)
{
    struct aoefs *fs = io->disk->fs;

    aoefs_io_give(&fs->pool, io);
    fs->io_ended(fs);
}
