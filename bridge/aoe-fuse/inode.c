/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The inode numbers, and what they stand for.
 */
#include "bridge/aoe-fuse/internal.h"

bool aoefs_file_of(struct aoefs *fs, fuse_ino_t ino, struct aoefs_disk **disk,
                   enum aoefs_kind *kind)
{
    if (ino < AOEFS_FIRST_INO ||
        (ino - AOEFS_FIRST_INO) / AOEFS_KINDS >= fs->disk_count)
        return false;
    *disk = &fs->disks[(ino - AOEFS_FIRST_INO) / AOEFS_KINDS];
    *kind = (enum aoefs_kind)((ino - AOEFS_FIRST_INO) % AOEFS_KINDS);
    return true;
}

fuse_ino_t aoefs_ino(const struct aoefs_disk *disk, enum aoefs_kind kind)
{
    return AOEFS_FIRST_INO +
           (fuse_ino_t)(disk - disk->fs->disks) * AOEFS_KINDS + kind;
}

struct aoefs_disk *aoefs_disk_of(struct aoefs *fs, fuse_ino_t ino)
{
    struct aoefs_disk *disk;
    enum aoefs_kind kind;

    return aoefs_file_of(fs, ino, &disk, &kind) && kind == AOEFS_DISK ? disk
                                                                      : NULL;
}

uint64_t aoefs_size(const struct aoefs_disk *disk)
{
    return aoe_disk_identity(disk->disk)->size;
}

bool aoefs_read_only(const struct aoefs_disk *disk)
{
    return disk->fs->options.read_only ||
           aoe_disk_identity(disk->disk)->read_only;
}

void aoefs_resized(struct aoefs_disk *disk)
{
    /* A negative offset: only the attributes, which cannot block. */
    fuse_lowlevel_notify_inval_inode(disk->fs->session,
                                     aoefs_ino(disk, AOEFS_DISK), -1, 0);
}
