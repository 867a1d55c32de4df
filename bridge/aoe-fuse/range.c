/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fallocate on a disk: holes are trimmed, ranges zeroed, and
 * space is always there already.
 *
 * A hole in a file must read as zeroes, which ATA promises of trimmed sectors
 * only where the disk says so.  Where it does not, a hole is refused instead
 * of written: mkfs punches one as large as the disk, and writing zeroes over
 * all of it is not what it asks for.
 *
 * A range goes to the disk in pieces, one after the other, so that each piece
 * has its own deadline, and that a user who has enough can stop in between: all
 * of a disk takes hours.
 */
#include "bridge/aoe-fuse/fs.h"

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

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Chooses what to do at io->next: a hole is trimmed as far as it is whole
 * physical sectors, everything else is written with zeroes. */
static void choose_piece(struct aoefs_io *io)
{
    uint32_t sector = aoe_disk_identity(io->disk->disk)->physical_sector;
    uint64_t left = io->end - io->next;

    io->aoe.op = AOE_ZERO;
    io->aoe.offset = io->next;
    io->aoe.length = left;
    if (io->trim && sector)
        zero_by_trim(&io->aoe, io->next, left, sector);
    io->aoe.length =
        least(io->aoe.length, io->aoe.op == AOE_TRIM ? trim_piece : zero_piece);
}

static void piece_done(struct aoe_request *aoe, int status)
{
    struct aoefs_io *io = aoe->arg;
    struct aoe_loop *al = io->disk->fs->al;

    aoefs_changed(io->disk); /* in part, perhaps, though it failed */
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
                  struct aoe_writer *writer, uint64_t at, uint64_t end,
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
    io->aoe.writer = writer;
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
        fuse_reply_err(req, ENOSPC); /* nor is there space to set aside */
    else if (what == 0 || at >= id->size)
        fuse_reply_err(req, 0);
    else
        start(disk, req, aoefs_writer(fi), at, least(end, id->size),
              what == MODE_PUNCH_HOLE);
}
