/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What stat says of the files, and what may be changed about them.
 */
#include "bridge/aoe-fuse/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum { BLOCK = 4096 }; /* what stat calls a good size for I/O, at least */

/* ---- inode numbers ------------------------------------------------------- */

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

/* ---- attributes ---------------------------------------------------------- */

static void set_times(struct stat *st, struct timespec t)
{
#ifdef __APPLE__
    st->st_atimespec = st->st_mtimespec = st->st_ctimespec = t;
#else
    st->st_atim = st->st_mtim = st->st_ctim = t;
#endif
}

/* The one place that fills in a struct stat: macFUSE has its own instead. */
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
    if (ino == FUSE_ROOT_ID) {
        *valid = AOEFS_REMEMBER;
        set_times(st, fs->since);
        st->st_mode = S_IFDIR | 0555;
        st->st_nlink = 2;
        return true;
    }
    if (!aoefs_file_of(fs, ino, &disk, &kind))
        return false;
    *valid = 0;
    set_times(st, aoefs_time(disk, kind));
    if (kind == AOEFS_DISK) {
        uint32_t sector = aoe_disk_identity(disk->disk)->physical_sector;

        st->st_mode = S_IFREG | fs->options.mode;
        if (aoefs_read_only(disk))
            st->st_mode &= ~(mode_t)0222;
        st->st_size = (off_t)aoefs_size(disk);
        if (sector > BLOCK)
            st->st_blksize = (blksize_t)sector;
    } else {
        st->st_mode = S_IFREG | (fs->options.mode & 0444);
        st->st_size = aoefs_text_size(disk, kind);
    }
    /* All of it is there: no tool must take a disk for one hole. */
    st->st_blocks = (blkcnt_t)((uint64_t)st->st_size / 512);
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

/* Whoever truncates a file goes on as if it were empty: cp and dd pass over
 * what reads as zero in a sparse image, and the disk's old bytes would stay
 * there and nobody know.  Nor must a slip of the shell (`> e1.2`) or an editor
 * make a disk empty.  So a size is refused unless it is what it is, at the
 * latest when the file is opened with O_TRUNC (size 0 without a handle), before
 * the first byte is written. */
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

/* Time stamps may be set and are not kept; who may use the file was decided
 * when mounting. */
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
             ((what & FUSE_SET_ATTR_MODE) &&
              (to->st_mode & 07777) != (st.st_mode & 07777)) ||
             ((what & FUSE_SET_ATTR_UID) && to->st_uid != st.st_uid) ||
             ((what & FUSE_SET_ATTR_GID) && to->st_gid != st.st_gid))
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
    st.f_namemax = AOEFS_NAME_ROOM - 1;
    fuse_reply_statfs(req, &st);
}

/* There is no `access`: the mount has default_permissions, with which the
 * kernel decides; no `flush`: closing one of several handles means nothing to
 * a disk, and the kernel asks only once for what is missing here. */
const struct fuse_lowlevel_ops aoefs_ops = {
    .init = aoefs_init,
    .lookup = aoefs_lookup,
    .getattr = aoefs_getattr,
    .setattr = aoefs_setattr,
    .readdir = aoefs_readdir,
    .readdirplus = aoefs_readdirplus,
    .mknod = aoefs_mknod,
    .create = aoefs_create,
    .unlink = aoefs_unlink,
    .rename = aoefs_rename,
    .open = aoefs_open_file,
    .release = aoefs_release,
    .statfs = aoefs_statfs,
    .read = aoefs_read,
    .write = aoefs_write,
    .fsync = aoefs_fsync,
    .fsyncdir = aoefs_fsyncdir,
    .fallocate = aoefs_fallocate,
    .lseek = aoefs_lseek,
};
