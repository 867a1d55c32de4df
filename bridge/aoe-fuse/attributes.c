/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What stat says of the files, and what may be changed about them.
 */
#include "bridge/aoe-fuse/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

enum { BLOCK = 4096 }; /* the least that stat calls a good size for I/O */

/* Only the functions from here to aoefs_stat fill in a struct stat; macFUSE has
 * another type for it. */
static void set_times(struct stat *st, struct timespec t)
{
#ifdef __APPLE__
    st->st_atimespec = st->st_mtimespec = st->st_ctimespec = t;
#else
    st->st_atim = st->st_mtim = st->st_ctim = t;
#endif
}

static void stat_directory(const struct aoefs *fs, struct stat *st)
{
    set_times(st, fs->since);
    st->st_mode = S_IFDIR | 0555;
    st->st_nlink = 2;
}

static void stat_disk(const struct aoefs_disk *disk, struct stat *st)
{
    uint32_t sector = aoe_disk_identity(disk->disk)->physical_sector;

    st->st_mode = S_IFREG | disk->fs->options.mode;
    if (aoefs_read_only(disk))
        st->st_mode &= ~(mode_t)0222;
    st->st_size = (off_t)aoefs_size(disk);
    if (sector > BLOCK)
        st->st_blksize = (blksize_t)sector;
}

static void stat_text(const struct aoefs_disk *disk, enum aoefs_kind kind,
                      struct stat *st)
{
    st->st_mode = S_IFREG | (disk->fs->options.mode & 0444);
    st->st_size = aoefs_text_size(disk, kind);
}

static void stat_file(const struct aoefs_disk *disk, enum aoefs_kind kind,
                      struct stat *st)
{
    set_times(st, aoefs_time(disk, kind));
    if (kind == AOEFS_DISK)
        stat_disk(disk, st);
    else
        stat_text(disk, kind, st);
    /* All of it is allocated: no tool must take a disk for one hole. */
    st->st_blocks = (blkcnt_t)((uint64_t)st->st_size / 512);
}

bool aoefs_stat(struct aoefs *fs, fuse_ino_t ino, struct stat *st,
                double *valid)
{
    struct aoefs_disk *disk;
    enum aoefs_kind kind;

    memset(st, 0, sizeof *st);
    st->st_ino = ino;
    st->st_uid = fs->options.uid;
    st->st_gid = fs->options.gid;
    st->st_nlink = 1;
    st->st_blksize = BLOCK;
    *valid = ino == FUSE_ROOT_ID ? AOEFS_CACHE_SECONDS : 0;
    if (ino == FUSE_ROOT_ID)
        stat_directory(fs, st);
    else if (aoefs_file_of(fs, ino, &disk, &kind))
        stat_file(disk, kind, st);
    else
        return false;
    return true;
}

void aoefs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat st;
    double valid;

    (void)fi;
    if (aoefs_stat(fuse_req_userdata(req), ino, &st, &valid))
        fuse_reply_attr(req, &st, valid);
    else
        fuse_reply_err(req, ENOENT);
}

/* A program that truncates a file takes it for empty: cp and dd then skip the
 * zeroes of a sparse image, and the disk would silently keep its old bytes
 * there.  Nor must a slip in the shell (`> e1.2`) or an editor erase a disk. So
 * every size but the present one is refused; with O_TRUNC that is when the file
 * is opened (size 0, no handle), before the first byte is written. */
static bool size_refused(struct aoefs *fs, fuse_ino_t ino, off_t wanted,
                         off_t size)
{
    struct aoefs_disk *disk = aoefs_disk_of(fs, ino);
    unsigned held;

    if (wanted == size)
        return false;
    if (disk && log_allowed(&disk->truncations, loop_now(fs->loop), 1, &held))
        log_info("%s: refused to change its size to %lld bytes; dd "
                 "conv=notrunc and aoe copy write without doing so",
                 aoe_disk_name(disk->disk), (long long)wanted);
    return true;
}

static bool changes_owner_or_mode(const struct stat *to, int what,
                                  const struct stat *is)
{
    return ((what & FUSE_SET_ATTR_MODE) &&
            (to->st_mode & 07777) != (is->st_mode & 07777)) ||
           ((what & FUSE_SET_ATTR_UID) && to->st_uid != is->st_uid) ||
           ((what & FUSE_SET_ATTR_GID) && to->st_gid != is->st_gid);
}

/* Setting time stamps succeeds without effect; owner and mode were decided when
 * mounting. */
void aoefs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *to, int what,
                   struct fuse_file_info *fi)
{
    struct aoefs *fs = fuse_req_userdata(req);
    struct stat st;
    double valid;

    (void)fi;
    if (!aoefs_stat(fs, ino, &st, &valid))
        fuse_reply_err(req, ENOENT);
    else if (((what & FUSE_SET_ATTR_SIZE) &&
              size_refused(fs, ino, to->st_size, st.st_size)) ||
             changes_owner_or_mode(to, what, &st))
        fuse_reply_err(req, EPERM);
    else
        fuse_reply_attr(req, &st, valid);
}

void aoefs_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct aoefs *fs = fuse_req_userdata(req);
    struct statvfs st = {.f_bsize = BLOCK, .f_frsize = BLOCK};

    (void)ino;
    for (unsigned i = 0; i < fs->disk_count; i++)
        st.f_blocks += (fsblkcnt_t)(aoefs_size(&fs->disks[i]) / BLOCK);
    st.f_files = 1 + (fsfilcnt_t)fs->disk_count * AOEFS_KINDS;
    st.f_namemax = AOEFS_NAME_CAPACITY - 1;
    fuse_reply_statfs(req, &st);
}
