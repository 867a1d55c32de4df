/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What brings written data to the medium: fsync, fsync of the directory, and
 * flushes of our own, which nobody waits for.
 *
 * A target tells only once of a flush that failed (fsync(2) is no better), so
 * that the next one succeeds and says nothing of what was lost.  Each open file
 * is a user of its own to libaoe, which tells each of them once.
 */
#include "bridge/aoe-fuse/fs.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

void aoefs_flush(struct aoefs_io *io, struct aoe_writer *writer,
                 void (*done)(struct aoe_request *, int))
{
    io->writes_before = io->disk->writes;
    io->aoe = (struct aoe_request){
        .op = AOE_FLUSH, .done = done, .arg = io, .writer = writer};
    aoefs_submit(io);
}

static uint64_t losses(const struct aoefs_disk *disk)
{
    struct aoe_stats stats;

    aoe_disk_stats(disk->disk, &stats);
    return stats.losses;
}

void aoefs_flush_ended(struct aoefs_io *io, int status)
{
    if (!status && io->disk->flushed < io->writes_before)
        io->disk->flushed = io->writes_before;
    if (status && io->req)
        io->disk->told = losses(io->disk);
}

int aoefs_writers_open(struct aoefs *fs)
{
    for (unsigned i = 0; i < fs->disk_count; i++) {
        struct aoefs_disk *disk = &fs->disks[i];

        list_init(&disk->opens);
        disk->directory = aoe_writer_open(disk->disk);
        if (!disk->directory)
            return -ENOMEM;
    }
    return 0;
}

void aoefs_writers_close(struct aoefs *fs)
{
    for (unsigned i = 0; i < fs->disk_count; i++) {
        struct aoefs_disk *disk = &fs->disks[i];

        if (!list_linked(&disk->opens))
            continue; /* it was not begun */
        list_each(it, &disk->opens)
            aoefs_open_free(list_entry(it, struct aoefs_open, link));
        aoe_writer_close(disk->directory);
        disk->directory = NULL;
    }
}

/* ---- for a user ---------------------------------------------------------- */

static void fsync_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    aoefs_flush_ended(io, status);
    aoefs_reply_status(io, status);
}

/* A flush covers every write answered before it: the kernel waits for the
 * answers to its writes before it sends FSYNC. */
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
    aoefs_flush(io, aoefs_writer(fi), fsync_done);
}

/* fsync of the directory: every disk that was written to, one after the other,
 * because one answer speaks for all.  Goes on after a failure and reports the
 * first. */
static void fsyncdir_next(struct aoefs_io *io, struct aoefs_disk *disk);

static void fsyncdir_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;
    struct aoe_loop *al = io->disk->fs->al;

    aoefs_flush_ended(io, status);
    io->disk->told = io->disk->heard = losses(io->disk);
    if (!io->first_error)
        io->first_error = status;
    fsyncdir_next(io, io->disk + 1);
    aoe_loop_kick(al);
}

/* Neither something to flush nor something to tell. */
static bool clean(const struct aoefs_disk *disk)
{
    return disk->writes == disk->flushed && disk->told == losses(disk);
}

/* What an open file was told the directory need not tell again; but what those
 * who have gone were not told. */
static struct aoe_writer *directory_of(struct aoefs_disk *disk)
{
    if (disk->told == losses(disk) && disk->heard != disk->told) {
        aoe_writer_close(disk->directory);
        disk->directory = aoe_writer_open(disk->disk);
    }
    return disk->directory;
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
    aoefs_flush(io, directory_of(disk), fsyncdir_done);
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
    log_error("%s: flushing what was written: %s; writes since the last fsync "
              "may be lost",
              aoe_disk_name(disk->disk), strerror(-status));
}

static void flush_behind_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    aoefs_flush_ended(io, status);
    if (status)
        behind_failed(io->disk, status);
    aoefs_io_end(io);
}

static void flush_last_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    io->disk->verdict = status;
    aoe_writer_close(io->disk->last);
    flush_behind_done(aoe, status);
}

static int flush_for(struct aoefs_disk *disk, struct aoe_writer *writer,
                     void (*done)(struct aoe_request *, int))
{
    struct aoefs_io *io;

    if (disk->writes == disk->flushed)
        return 0;
    io = aoefs_io_take(&disk->fs->pool, disk, NULL, 0);
    if (!io)
        return -ENOMEM;
    aoefs_flush(io, writer, done);
    return 1;
}

void aoefs_flush_behind(struct aoefs_disk *disk)
{
    int status = flush_for(disk, NULL, flush_behind_done);

    if (status < 0)
        behind_failed(disk, status);
}

/* Whoever comes last hears what those who have gone were not told. */
void aoefs_flush_last(struct aoefs_disk *disk)
{
    int status;

    disk->last = aoe_writer_open(disk->disk);
    status = flush_for(disk, disk->last, flush_last_done);
    if (status > 0)
        return;
    aoe_writer_close(disk->last);
    if (status < 0)
        behind_failed(disk, status);
    disk->verdict = status;
}

int aoefs_flush_verdict(struct aoefs *fs)
{
    int status = 0;

    for (unsigned i = 0; i < fs->disk_count; i++)
        if (!status)
            status = fs->disks[i].verdict;
    return status;
}
