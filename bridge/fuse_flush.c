/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What brings written data to the medium: fsync, fsync of the directory, and
 * flushes of our own, which nobody waits for.
 *
 * A target tells only once of a flush that failed (fsync(2) is no better), so
 * that the next one succeeds and says nothing of what was lost.  A failure that
 * nobody was told of is kept for whoever asks next.
 */
#include "bridge/fuse_fs.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

void aoefs_flush(struct aoefs_io *io, void (*done)(struct aoe_request *, int))
{
    io->writes_before = io->disk->writes;
    io->aoe = (struct aoe_request){.op = AOE_FLUSH, .done = done, .arg = io};
    aoefs_submit(io);
}

static void note_flushed(struct aoefs_io *io)
{
    if (io->disk->flushed < io->writes_before)
        io->disk->flushed = io->writes_before;
}

int aoefs_flush_ended(struct aoefs_io *io, int status)
{
    int untold = io->disk->untold;

    if (!status)
        note_flushed(io);
    io->disk->untold = 0;
    return status ? status : untold;
}

int aoefs_flush_verdict(struct aoefs *fs)
{
    int status = 0;

    for (unsigned i = 0; i < fs->disk_count; i++) {
        if (!status)
            status = fs->disks[i].untold;
        fs->disks[i].untold = 0;
    }
    return status;
}

/* ---- for a user ---------------------------------------------------------- */

static void fsync_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    aoefs_reply_status(io, aoefs_flush_ended(io, status));
}

/* A flush covers every write answered before it: the kernel waits for the
 * answers to its writes before it sends FSYNC. */
void aoefs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
                 struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    struct aoefs_io *io;

    (void)datasync; /* there is no metadata */
    (void)fi;
    if (!disk || disk->fs->options.read_only) {
        fuse_reply_err(req, 0);
        return;
    }
    io = aoefs_io_take(&disk->fs->pool, disk, req, 0);
    if (!io) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    aoefs_flush(io, fsync_done);
}

/* fsync of the directory: every disk that was written to, one after the other,
 * because one answer speaks for all.  Goes on after a failure and reports the
 * first. */
static void fsyncdir_next(struct aoefs_io *io, struct aoefs_disk *disk);

static void fsyncdir_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;
    struct aoe_loop *al = io->disk->fs->al;

    status = aoefs_flush_ended(io, status);
    if (!io->first_error)
        io->first_error = status;
    fsyncdir_next(io, io->disk + 1);
    aoe_loop_kick(al);
}

static bool clean(const struct aoefs_disk *disk)
{
    return disk->writes == disk->flushed && !disk->untold;
}

static void fsyncdir_next(struct aoefs_io *io, struct aoefs_disk *disk)
{
    const struct aoefs *fs = io->disk->fs;

    while (disk < fs->disks + fs->disk_count && clean(disk))
        disk++;
    if (disk == fs->disks + fs->disk_count) {
        aoefs_reply_status(io, io->first_error);
        return;
    }
    io->disk = disk;
    aoefs_flush(io, fsyncdir_done);
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
    fsyncdir_next(io, &fs->disks[0]);
}

/* ---- for the data's sake ------------------------------------------------- */

static void behind_failed(struct aoefs_disk *disk, int status)
{
    disk->untold = status;
    log_error("%s: flushing what was written: %s; writes since the last fsync "
              "may be lost",
              aoe_disk_name(disk->disk), strerror(-status));
}

static void flush_behind_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    if (status)
        behind_failed(io->disk, status);
    else
        note_flushed(io);
    aoefs_io_end(io);
}

void aoefs_flush_behind(struct aoefs_disk *disk)
{
    struct aoefs_io *io;

    if (disk->writes == disk->flushed)
        return;
    io = aoefs_io_take(&disk->fs->pool, disk, NULL, 0);
    if (!io) {
        behind_failed(disk, -ENOMEM);
        return;
    }
    aoefs_flush(io, flush_behind_done);
}
