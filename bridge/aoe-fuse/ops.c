/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The data path: read, write, lseek.
 *
 * A command on the wire cannot be called back, so FUSE_INTERRUPT is ignored
 * and every buffer stays with its request until the disk is done with it; the
 * disk's deadline is what ends a hopeless request.
 */
#include "bridge/aoe-fuse/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

/* ---- read ---------------------------------------------------------------- */

static void read_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    if (status) {
        aoefs_reply_status(io, status);
        return;
    }
    fuse_reply_buf(io->req, io->data, aoe->length);
    aoefs_io_end(io);
}

void aoefs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    uint64_t end, at = (uint64_t)offset;
    struct aoefs_io *io;

    if (!disk) {
        aoefs_read_text(req, size, offset, fi);
        return;
    }
    end = aoefs_size(disk);
    if (offset < 0 || size > AOEFS_IO_MAX) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    if (at >= end || size == 0) {
        fuse_reply_buf(req, NULL, 0);
        return;
    }
    if (size > end - at)
        size = (size_t)(end - at);
    io = aoefs_io_take(&disk->fs->pool, disk, req, size);
    if (!io) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    io->iov = (struct iovec){.iov_base = io->data, .iov_len = size};
    io->aoe = (struct aoe_request){.op = AOE_READ,
                                   .offset = at,
                                   .length = size,
                                   .iov = &io->iov,
                                   .iovcnt = 1,
                                   .done = read_done,
                                   .arg = io};
    aoefs_submit(io);
}

/* ---- write --------------------------------------------------------------- */

/* Of a file opened with O_SYNC or O_DSYNC. */
static void write_flushed(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    aoefs_flush_ended(io, status);
    if (status) {
        aoefs_reply_status(io, status);
        return;
    }
    fuse_reply_write(io->req, io->written);
    aoefs_io_end(io);
}

static void write_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    aoefs_changed(io->disk); /* in part, perhaps, though it failed */
    if (status) {
        aoefs_reply_status(io, status);
        return;
    }
    io->disk->writes++;
    if (io->durable) {
        io->written = aoe->length;
        aoefs_flush(io, aoe->writer, write_flushed);
        aoe_loop_kick(io->disk->fs->al);
        return;
    }
    fuse_reply_write(io->req, aoe->length);
    aoefs_io_end(io);
}

void aoefs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
                 off_t offset, struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    uint64_t end, at = (uint64_t)offset;
    struct aoefs_io *io;
    bool copy;

    if (!disk || offset < 0 || size > AOEFS_IO_MAX) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    end = aoefs_size(disk);
    if (size == 0) {
        fuse_reply_write(req, 0);
        return;
    }
    if (at >= end) {
        fuse_reply_err(req, ENOSPC);
        return;
    }
    if (size > end - at)
        size = (size_t)(end - at);
    copy = size <= AOEFS_COPY_MAX;
    io = aoefs_io_take(&disk->fs->pool, disk, req, copy ? size : 0);
    if (!io) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    /* Around the page cache Linux leaves it to us: no FSYNC follows. */
    io->durable = fi->flags & (O_SYNC | O_DSYNC);
    io->iov =
        (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    if (copy)
        io->iov.iov_base = memcpy(io->data, data, size);
    else
        aoefs_io_hold_received(&disk->fs->pool, io);
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

/* ---- lseek --------------------------------------------------------------- */

/* A disk has no holes that it would tell of: all data, and the hole that ends
 * every file.  Never ENOSYS, which the kernel would remember for all files. */
void aoefs_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
                 struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    off_t end = disk ? (off_t)aoefs_size(disk) : aoefs_text_length(fi);

    if (offset < 0 || offset >= end)
        fuse_reply_err(req, ENXIO);
    else if (whence == SEEK_DATA)
        fuse_reply_lseek(req, offset);
    else if (whence == SEEK_HOLE)
        fuse_reply_lseek(req, end);
    else
        fuse_reply_err(req, EINVAL);
}
