/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Between the files of the file system.  A function named like an operation of
 * <fuse_lowlevel.h> answers it; the table of them is in fs.c.
 */
#ifndef BRIDGE_AOE_FUSE_INTERNAL_H
#define BRIDGE_AOE_FUSE_INTERNAL_H

#include "bridge/aoe-fuse/fs.h"

enum {
    AOEFS_FIRST_INO = FUSE_ROOT_ID + 1,
    AOEFS_NAME_CAPACITY = 64, /* longest name and its NUL */
};

/* Seconds for which the kernel may cache names, and the attributes of the
 * directory: they never change.  Those of files may change at any time. */
#define AOEFS_CACHE_SECONDS 86400.0

/* ---- session.c: the kernel's requests ------------------------------------ */

/* Makes fs->session, which answers with `ops`.  0, -EINVAL or -ENOMEM. */
int aoefs_session_open(struct aoefs *fs, const struct fuse_lowlevel_ops *ops);
/* Mounts it and begins to read.  -EIO: libfuse has said why; or another
 * -errno. */
int aoefs_session_mount(struct aoefs *fs, const char *dir);
void aoefs_session_close(struct aoefs *fs);
void aoefs_init(void *userdata, struct fuse_conn_info *conn);

/* ---- drain.c ------------------------------------------------------------- */

/* A request has ended. */
void aoefs_drain_io_ended(struct aoefs *fs);
void aoefs_drain_cancel(struct aoefs *fs);

/* ---- libfuse_log.c ------------------------------------------------------- */

/* libfuse's lines go to the log; between these two calls they are kept for
 * aoefs_complaint, because the caller reports the failure. */
void aoefs_complaint_keep(void);
void aoefs_complaint_kept(void);

/* ---- request.c: one request, to its disk and back to the kernel ---------- */

/* Hands `io->aoe` to its disk; its `done` may be called from here. */
void aoefs_submit(struct aoefs_io *io);

/* Each sends the one reply to io->req and ends the request.  `status`: 0 or
 * -errno of libaoe.  Data are the first `length` bytes of io->data. */
void aoefs_reply_status(struct aoefs_io *io, int status);
void aoefs_reply_data(struct aoefs_io *io, size_t length);
void aoefs_reply_written(struct aoefs_io *io, size_t length);

/* Ends a request that has no reply: a flush of our own. */
void aoefs_io_end(struct aoefs_io *io);

/* Requests in flight. */
static inline unsigned aoefs_io_count(const struct aoefs *fs)
{
    return fs->pool.memory.objects_used;
}

/* ---- inode.c: inode numbers ---------------------------------------------- */

/* Inode 1 is the directory; disk i has AOEFS_FIRST_INO + 3i, its texts the two
 * numbers after that.  False: no file has this number. */
bool aoefs_file_of(struct aoefs *fs, fuse_ino_t ino, struct aoefs_disk **disk,
                   enum aoefs_kind *kind);
fuse_ino_t aoefs_ino(const struct aoefs_disk *disk, enum aoefs_kind kind);
/* The disk with this inode number; NULL when it is another file. */
struct aoefs_disk *aoefs_disk_of(struct aoefs *fs, fuse_ino_t ino);
bool aoefs_read_only(const struct aoefs_disk *disk);

/* ---- times.c: time stamps ------------------------------------------------ */

/* A request that may have written has ended. */
void aoefs_times_written(struct aoefs_disk *disk);
/* A handle is opened, before it counts among the disk's writers; one was
 * closed, and counts no more. */
void aoefs_times_opened(struct aoefs_disk *disk, enum aoefs_kind kind);
void aoefs_times_closed(struct aoefs_disk *disk, enum aoefs_kind kind);
struct timespec aoefs_time(const struct aoefs_disk *disk, enum aoefs_kind kind);

/* ---- attributes.c -------------------------------------------------------- */

/* Fills in `st` and for how many seconds the kernel may cache it.  False: there
 * is no such file. */
bool aoefs_stat(struct aoefs *fs, fuse_ino_t ino, struct stat *st,
                double *valid);
void aoefs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void aoefs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *to, int what,
                   struct fuse_file_info *fi);
void aoefs_statfs(fuse_req_t req, fuse_ino_t ino);

/* ---- directory.c: names -------------------------------------------------- */

void aoefs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void aoefs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
                   struct fuse_file_info *fi);
void aoefs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
                       struct fuse_file_info *fi);
void aoefs_create(fuse_req_t req, fuse_ino_t parent, const char *name,
                  mode_t mode, struct fuse_file_info *fi);
void aoefs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
                 mode_t mode, dev_t rdev);
void aoefs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void aoefs_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
                  fuse_ino_t new_parent, const char *new_name, unsigned flags);

/* ---- text.c: .info and .stats -------------------------------------------- */

/* What an open one says, as it was when it was opened. */
struct aoefs_text {
    char *bytes;
    size_t length;
};

/* NULL without memory. */
struct aoefs_text *aoefs_text_open(const struct aoefs_disk *disk,
                                   enum aoefs_kind kind);
void aoefs_text_close(struct aoefs_text *text);
void aoefs_text_read(fuse_req_t req, const struct aoefs_text *text, size_t size,
                     off_t offset);
/* How long the text would be if it were opened now. */
off_t aoefs_text_size(const struct aoefs_disk *disk, enum aoefs_kind kind);

static inline struct aoefs_text *aoefs_text_of(const struct fuse_file_info *fi)
{
    return (struct aoefs_text *)(uintptr_t)fi->fh;
}

/* ---- handle.c: open disks ------------------------------------------------ */

struct aoefs_handle {
    struct list link;          /* in its disk's `handles` */
    struct aoe_writer *writer; /* who it is to libaoe, which reports a loss to
                                  each writer once */
    unsigned number;           /* for the log; 0 is none */
};

/* NULL without memory. */
struct aoefs_handle *aoefs_handle_open(struct aoefs_disk *disk);
void aoefs_handle_close(struct aoefs_handle *handle); /* NULL is nothing */

/* All disks: begins, and ends with the handles that nobody closed, because a
 * file system that disappears releases none.  -ENOMEM. */
int aoefs_handles_open(struct aoefs *fs);
void aoefs_handles_close(struct aoefs *fs);

/* NULL when there is none. */
static inline struct aoefs_handle *aoefs_handle_of(
    const struct fuse_file_info *fi)
{
    return fi ? (struct aoefs_handle *)(uintptr_t)fi->fh : NULL;
}

static inline struct aoe_writer *aoefs_writer(const struct fuse_file_info *fi)
{
    const struct aoefs_handle *handle = aoefs_handle_of(fi);

    return handle ? handle->writer : NULL;
}

static inline unsigned aoefs_handle_number(const struct fuse_file_info *fi)
{
    const struct aoefs_handle *handle = aoefs_handle_of(fi);

    return handle ? handle->number : 0;
}

/* ---- open.c -------------------------------------------------------------- */

void aoefs_open_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void aoefs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ---- read.c, write.c, fallocate.c: the data ------------------------------ */

void aoefs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi);
void aoefs_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
                 struct fuse_file_info *fi);
void aoefs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
                 off_t offset, struct fuse_file_info *fi);
void aoefs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
                     off_t length, struct fuse_file_info *fi);

/* ---- fsync.c: flushes that a user waits for ------------------------------ */

void aoefs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
                 struct fuse_file_info *fi);
void aoefs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
                    struct fuse_file_info *fi);

/* ---- flush.c: what every flush has in common, and our own ---------------- */

/* Makes `io` a flush of its disk for `writer`.  `done` begins with
 * aoefs_flush_ended, and tells the user its status. */
void aoefs_flush(struct aoefs_io *io, struct aoe_writer *writer,
                 void (*done)(struct aoe_request *, int));
void aoefs_flush_ended(struct aoefs_io *io, int status);

/* Losses of the disk so far, see aoe_stats. */
uint64_t aoefs_losses(const struct aoefs_disk *disk);

/* Flushes a disk that was written to, though nobody asked for it.  A failure is
 * logged, and libaoe reports it to whoever asks next. */
void aoefs_flush_behind(struct aoefs_disk *disk);
/* The same at the end.  aoefs_flush_last_status is then what no user was told
 * of: 0, or the first -errno. */
void aoefs_flush_last(struct aoefs_disk *disk);
int aoefs_flush_last_status(const struct aoefs *fs);

#endif
