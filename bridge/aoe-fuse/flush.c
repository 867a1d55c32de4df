/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Flushing a disk: what every flush has in common, and flushes that no user
 * waits for.
 *
 * A target reports a failed flush only once (as fsync(2) does), so the next one
 * succeeds and says nothing of what was lost.  libaoe remembers it for each
 * writer: every open file is one, the directory is one, and so is the end.
 */
#include "bridge/aoe-fuse/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void aoefs_flush(struct aoefs_io *io, struct aoe_writer *writer,
                 void (*done)(struct aoe_request *, int))
{
    io->writes_before = io->disk->writes;
    io->aoe = (struct aoe_request){
        .op = AOE_FLUSH, .done = done, .arg = io, .writer = writer};
    aoefs_submit(io);
}

uint64_t aoefs_losses(const struct aoefs_disk *disk)
{
    struct aoe_stats stats;

    aoe_disk_stats(disk->disk, &stats);
    return stats.losses;
}

void aoefs_flush_ended(struct aoefs_io *io, int status)
{
    struct aoefs_disk *disk = io->disk;

    assert(io->writes_before <= disk->writes && disk->flushed <= disk->writes);
    if (!status && disk->flushed < io->writes_before)
        disk->flushed = io->writes_before;
    if (status && io->req)
        disk->losses_told = aoefs_losses(disk);
    if (status)
        log_debug("%s: flush failed, handle %u; %llu writes not flushed, %llu "
                  "losses so far",
                  aoe_disk_name(disk->disk), io->handle,
                  (unsigned long long)(disk->writes - disk->flushed),
                  (unsigned long long)aoefs_losses(disk));
}

/* ---- flushes that no user waits for -------------------------------------- */

static void say_failed(const struct aoefs_disk *disk, int status)
{
    log_error("%s: flushing: %s; writes since the last fsync may be lost",
              aoe_disk_name(disk->disk), strerror(-status));
}

static void flush_behind_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    aoefs_flush_ended(io, status);
    if (status)
        say_failed(io->disk, status);
    aoefs_io_end(io);
}

static void flush_last_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;

    io->disk->last_status = status;
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
        say_failed(disk, status);
}

/* The last writer is told of what those before it were not. */
void aoefs_flush_last(struct aoefs_disk *disk)
{
    int status;

    disk->last = aoe_writer_open(disk->disk);
    status = flush_for(disk, disk->last, flush_last_done);
    if (status > 0)
        return;
    aoe_writer_close(disk->last);
    if (status < 0)
        say_failed(disk, status);
    disk->last_status = status;
}

int aoefs_flush_last_status(const struct aoefs *fs)
{
    int status = 0;

    for (unsigned i = 0; i < fs->disk_count; i++)
        if (!status)
            status = fs->disks[i].last_status;
    return status;
}
