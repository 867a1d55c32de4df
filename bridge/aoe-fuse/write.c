/* SPDX-License-Identifier: BSD-2-Clause
 *
 * write.
 */
#include "bridge/aoe-fuse/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The flush after a write to a file opened with O_SYNC or O_DSYNC. */
static void write_flushed(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    aoefs_flush_ended(io, status);
    if (status)
        aoefs_reply_status(io, status);
    else
        aoefs_reply_written(io, io->written);
}

static void write_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;
    struct aoe_loop *al = io->disk->fs->al;

    aoefs_times_written(io->disk); /* in part, perhaps, though it failed */
    if (status) {
        aoefs_reply_status(io, status);
        return;
    }
    io->disk->writes++;
    if (!io->durable) {
        aoefs_reply_written(io, aoe->length);
        return;
    }
    io->written = aoe->length;
    aoefs_flush(io, aoe->writer, write_flushed);
    aoe_loop_kick(al);
}

/* A small write is copied, a large one keeps the buffer that it arrived in. */
static struct aoefs_io *take_data(fuse_req_t req, struct aoefs_disk *disk,
                                  const char *data, size_t size)
{
    bool copy = size <= AOEFS_COPY_MAX;
    struct aoefs_io *io =
        aoefs_io_take(&disk->fs->pool, disk, req, copy ? size : 0);

    if (!io)
        return NULL;
    io->iov =
        (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    if (copy)
        io->iov.iov_base = memcpy(io->data, data, size);
    else
        aoefs_io_hold_received(&disk->fs->pool, io);
    return io;
}

static void write_disk(fuse_req_t req, struct aoefs_disk *disk,
                       const char *data, size_t size, uint64_t at,
                       const struct fuse_file_info *fi)
{
    struct aoefs_io *io = take_data(req, disk, data, size);

    if (!io) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    io->handle = aoefs_handle_number(fi);
    /* With direct I/O Linux leaves O_SYNC to us: no FSYNC follows. */
    io->durable = fi->flags & (O_SYNC | O_DSYNC);
    io->aoe = (struct aoe_request){.op = AOE_WRITE,
                                   .offset = at,
                                   .length = size,
                                   .iov = &io->iov,
                                   .iovcnt = 1,
                                   .done = write_done,
                                   .arg = io,
                                   .writer = aoefs_writer(fi)};
    aoefs_submit(io);
}

void aoefs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
                 off_t offset, struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    uint64_t end, at = (uint64_t)offset;

    if (!disk || offset < 0 || size > AOEFS_IO_MAX) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    end = aoefs_size(disk);
    if (size == 0)
        fuse_reply_write(req, 0);
    else if (at >= end)
        fuse_reply_err(req, ENOSPC);
    else
        write_disk(req, disk, data, size < end - at ? size : (size_t)(end - at),
                   at, fi);
}
