/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fsync of a file, and of the directory.
 */
#include "bridge/aoe-fuse/internal.h"

#include <assert.h>
#include <errno.h>

/* ---- of a file ----------------------------------------------------------- */

static void fsync_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    aoefs_flush_ended(io, status);
    aoefs_reply_status(io, status);
}

/* A flush covers every write that was answered before it, and the kernel waits
 * for its writes before it sends FSYNC. */
void aoefs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
                 struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    struct aoefs_io *io;

    (void)datasync; /* there is no metadata */
    if (!disk || aoefs_read_only(disk)) {
        fuse_reply_err(req, 0);
        return;
    }
    io = aoefs_io_take(&disk->fs->pool, disk, req, 0);
    if (!io) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    io->handle = aoefs_handle_number(fi);
    aoefs_flush(io, aoefs_writer(fi), fsync_done);
}

/* ---- of the directory ---------------------------------------------------- */

/* Every disk that was written to is flushed, one after the other: one reply
 * speaks for all.  After a failure the others still are, and the first is
 * reported. */
static void flush_from(struct aoefs_io *io, struct aoefs_disk *disk);

static void disk_flushed(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;
    struct aoefs_disk *disk = io->disk;
    struct aoe_loop *al = disk->fs->al;

    aoefs_flush_ended(io, status);
    disk->losses_told = disk->losses_told_directory = aoefs_losses(disk);
    if (!io->first_error)
        io->first_error = status;
    flush_from(io, disk + 1);
    aoe_loop_kick(al);
}

/* There is neither something to flush nor a loss to report. */
static bool clean(const struct aoefs_disk *disk)
{
    return disk->writes == disk->flushed &&
           disk->losses_told == aoefs_losses(disk);
}

/* Losses that were reported for an open file are not reported for the directory
 * again.  Those that no file heard of, because it was closed, are. */
static struct aoe_writer *writer_of_directory(struct aoefs_disk *disk)
{
    if (disk->losses_told == aoefs_losses(disk) &&
        disk->losses_told_directory != disk->losses_told) {
        aoe_writer_close(disk->directory);
        disk->directory = aoe_writer_open(disk->disk);
    }
    return disk->directory;
}

static void flush_from(struct aoefs_io *io, struct aoefs_disk *disk)
{
    const struct aoefs *fs = io->disk->fs;

    assert(disk >= fs->disks);
    while (disk < fs->disks + fs->disk_count && clean(disk))
        disk++;
    if (disk == fs->disks + fs->disk_count) {
        aoefs_reply_status(io, io->first_error);
        return;
    }
    io->disk = disk;
    aoefs_flush(io, writer_of_directory(disk), disk_flushed);
}

void aoefs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
                    struct fuse_file_info *fi)
{
    struct aoefs *fs = fuse_req_userdata(req);
    struct aoefs_io *io;

    (void)ino;
    (void)datasync;
    (void)fi;
    io = aoefs_io_take(&fs->pool, &fs->disks[0], req, 0);
    if (!io) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    flush_from(io, &fs->disks[0]);
}
