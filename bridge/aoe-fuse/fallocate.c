/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fallocate on a disk: holes are trimmed, ranges are zeroed, and space is
 * always allocated already.
 *
 * A hole must read as zeroes, which ATA promises of trimmed sectors only where
 * the disk says so (RZAT).  Where it does not, a hole is refused and not
 * written: mkfs punches one as large as the disk, and does not want zeroes
 * written over all of it.
 *
 * A range goes to the disk in pieces, one after the other: each has its own
 * deadline, and the user can interrupt in between, because a whole disk takes
 * hours.
 */
#include "bridge/aoe-fuse/internal.h"

#include <assert.h>
#include <errno.h>

#include "initiator/client/zero.h"

/* The modes as the FUSE protocol numbers them (Linux's FALLOC_FL_*). */
enum {
    MODE_KEEP_SIZE = 0x01,
    MODE_PUNCH_HOLE = 0x02,
    MODE_ZERO_RANGE = 0x10,
};

static const uint64_t trim_piece = UINT64_C(1) << 30;
static const uint64_t zero_piece = UINT64_C(16) << 20;

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Chooses what to do at io->next: the whole physical sectors of a hole are
 * trimmed, and zeroes are written to everything else. */
static void choose_piece(struct aoefs_io *io)
{
    uint32_t sector = aoe_disk_identity(io->disk->disk)->physical_sector;
    uint64_t left = io->end - io->next;

    assert(io->next < io->end);
    io->aoe.op = AOE_ZERO;
    io->aoe.offset = io->next;
    io->aoe.length = left;
    if (io->trim && sector)
        zero_by_trim(&io->aoe, io->next, left, sector);
    io->aoe.length = min_u64(io->aoe.length,
                             io->aoe.op == AOE_TRIM ? trim_piece : zero_piece);
}

static void piece_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;
    struct aoe_loop *al = io->disk->fs->al;

    aoefs_times_written(io->disk); /* in part, perhaps, though it failed */
    if (!status)
        io->disk->writes++;
    io->next += aoe->length;
    if (status || io->next == io->end) {
        aoefs_reply_status(io, status);
        return;
    }
    if (fuse_req_interrupted(io->req)) {
        aoefs_reply_status(io, -EINTR);
        return;
    }
    choose_piece(io);
    aoefs_submit(io);
    aoe_loop_kick(al);
}

static void start(struct aoefs_disk *disk, fuse_req_t req,
                  const struct fuse_file_info *fi, uint64_t at, uint64_t end,
                  bool trim)
{
    struct aoefs_io *io = aoefs_io_take(&disk->fs->pool, disk, req, 0);

    if (!io) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    io->next = at;
    io->end = end;
    io->trim = trim;
    io->aoe.done = piece_done;
    io->aoe.arg = io;
    io->aoe.writer = aoefs_writer(fi);
    io->handle = aoefs_handle_number(fi);
    choose_piece(io);
    aoefs_submit(io);
}

void aoefs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
                     off_t length, struct fuse_file_info *fi)
{
    struct aoefs_disk *disk = aoefs_disk_of(fuse_req_userdata(req), ino);
    const struct aoe_identity *id;
    int what = mode & ~MODE_KEEP_SIZE;
    uint64_t at = (uint64_t)offset, end = at + (uint64_t)length;

    if (!disk || offset < 0 || length <= 0) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    id = aoe_disk_identity(disk->disk);
    if (what != 0 && what != MODE_PUNCH_HOLE && what != MODE_ZERO_RANGE)
        fuse_reply_err(req, EOPNOTSUPP);
    else if (what == MODE_PUNCH_HOLE && (!id->trim || !id->trim_zeroes))
        fuse_reply_err(req, EOPNOTSUPP);
    else if (end > id->size && (what == 0 || !(mode & MODE_KEEP_SIZE)))
        fuse_reply_err(req, ENOSPC); /* the disk cannot grow */
    else if (what == 0 || at >= id->size)
        fuse_reply_err(req, 0);
    else
        start(disk, req, fi, at, min_u64(end, id->size),
              what == MODE_PUNCH_HOLE);
}
