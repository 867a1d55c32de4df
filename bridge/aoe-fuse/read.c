/* SPDX-License-Identifier: BSD-2-Clause
 *
 * read, and lseek for holes.
 */
#include "bridge/aoe-fuse/internal.h"

#include <errno.h>
#include <unistd.h>

static void read_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    if (status)
        aoefs_reply_status(io, status);
    else
        aoefs_reply_data(io, aoe->length);
}

static void read_disk(fuse_req_t req, struct aoefs_disk *disk, size_t size,
                      uint64_t at, const struct fuse_file_info *fi)
{
    struct aoefs_io *io = aoefs_io_take(&disk->fs->pool, disk, req, size);

    if (!io) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    io->handle = aoefs_handle_number(fi);
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

void aoefs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    uint64_t end, at = (uint64_t)offset;

    if (!disk) {
        aoefs_text_read(req, aoefs_text_of(fi), size, offset);
        return;
    }
    end = aoefs_size(disk);
    if (offset < 0 || size > AOEFS_IO_MAX)
        fuse_reply_err(req, EINVAL);
    else if (at >= end || size == 0)
        fuse_reply_buf(req, NULL, 0);
    else
        read_disk(req, disk, size < end - at ? size : (size_t)(end - at), at,
                  fi);
}

/* NetBSD and OpenBSD have neither, and so never ask for them. */
#ifndef SEEK_HOLE
#define SEEK_DATA 3
#define SEEK_HOLE 4
#endif

/* A disk knows of no holes: it is all data, up to the hole that ends every
 * file.  Never ENOSYS, which the kernel would remember for all files. */
void aoefs_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
                 struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    off_t end = (off_t)(disk ? aoefs_size(disk) : aoefs_text_of(fi)->length);

    if (offset < 0 || offset >= end)
        fuse_reply_err(req, ENXIO);
    else if (whence == SEEK_DATA)
        fuse_reply_lseek(req, offset);
    else if (whence == SEEK_HOLE)
        fuse_reply_lseek(req, end);
    else
        fuse_reply_err(req, EINVAL);
}
