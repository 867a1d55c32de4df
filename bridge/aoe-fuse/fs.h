/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A directory with one file for each disk, served to the kernel through
 * libfuse's low-level API from base/loop.
 *
 *     DIR/e1.2         the disk, byte for byte
 *     DIR/e1.2.info    what it is       (text, made when it is opened)
 *     DIR/e1.2.stats   what it has done (text, made when it is opened)
 *
 * A request of the kernel becomes a request of the disk; its completion sends
 * the reply.  Nothing waits, there is one thread.
 */
#ifndef BRIDGE_AOE_FUSE_FS_H
#define BRIDGE_AOE_FUSE_FS_H

#include "base/log.h"
#include "initiator/client/aoe_loop.h"
#include "bridge/aoe-fuse/io.h"

#include <sys/stat.h>
#include <time.h>

struct aoefs;

enum aoefs_kind { AOEFS_DISK, AOEFS_INFO, AOEFS_STATS, AOEFS_KINDS };

enum {
    AOEFS_FIRST_INO = FUSE_ROOT_ID + 1,
    AOEFS_NAME_ROOM = 64, /* longest name and its end */
};

/* Seconds for which the kernel may remember the names, and the attributes of
 * the directory: they never change.  Those of files do at any time. */
#define AOEFS_REMEMBER 86400.0

/* See fuse_times.c. */
struct aoefs_file {
    unsigned open; /* handles */
    struct timespec changed;
};

struct aoefs_disk {
    struct aoefs *fs;
    struct aoe_disk *disk;
    struct aoefs_file files[AOEFS_KINDS];
    struct log_limit truncations; /* that were refused, in the log */
    unsigned writers;             /* open files that may write */
    uint64_t writes;              /* writes, trims and zeroes that completed */
    uint64_t flushed;  /* how many of them a successful flush came after */
    uint64_t told;     /* how many of the disk's losses somebody was told of */
    uint64_t heard;    /* the same of fsync of the directory */
    struct list opens; /* of aoefs_open.link */
    struct aoe_writer *directory; /* who such an fsync is to the disk */
    struct aoe_writer *last;      /* the same for the flush at the end, */
    int verdict;                  /* and how that ended */
};

struct aoefs_options {
    bool read_only;
    bool cache; /* through the kernel's page cache instead of around it */
    uid_t uid;  /* who owns the files */
    gid_t gid;
    mode_t mode; /* permissions of the disks; the texts lose x and w */
    const struct fuse_args *mount; /* what libfuse and the kernel get */
    size_t memory;                 /* limit of buffers, bytes */
    /* Called from the loop. */
    void (*usable)(void *arg); /* the kernel and we agreed; once */
    /* No request will come any more; once.  `status`: 0, it was unmounted;
     * -EPROTO, the kernel and libfuse found no common protocol version. */
    void (*ended)(void *arg, int status);
    void *arg;
};

struct aoefs {
    struct aoefs_options options;
    struct loop *loop;
    struct aoe_loop *al;
    struct aoefs_disk *disks;
    unsigned disk_count;
    struct timespec since; /* time stamp of the directory */
    struct fuse_session *session;
    struct loop_fd watch; /* /dev/fuse */
    struct aoefs_pool pool;
    bool agreed; /* INIT is done */
    bool usable; /* ... and reported */
    bool ended;
    bool paused; /* not reading: memory limit reached */
    struct loop_task drain;
    void (*drained)(void *arg, int status); /* see aoefs_drain */
    bool drain_flushed;
};

/* Checks the mount options and makes the session.  `fs->disks` may be filled
 * in later, before aoefs_mount.  -EINVAL: libfuse refused an option, and
 * aoefs_complaint tells which; -ENOMEM. */
int aoefs_open(struct aoefs *fs, const struct aoefs_options *options);

/* What libfuse said last. */
const char *aoefs_complaint(void);

/* Mounts on `dir` (or takes over /dev/fd/N) and serves from the loop.  All
 * disks are ready.  -EIO: aoefs_complaint tells why; or another -errno. */
int aoefs_mount(struct aoefs *fs, const char *dir, struct loop *loop,
                struct aoe_loop *al);

/* After `ended`: waits for what is in flight and flushes every disk that has
 * something to flush, then calls `drained` with 0 or the first error.  It is
 * called from the loop, never from here. */
void aoefs_drain(struct aoefs *fs, void (*drained)(void *arg, int status));

/* Detaches a mount that is still there, at the price of errors to its users.
 * No disk may have requests in flight any more (aoe_disk_close sees to it). */
void aoefs_close(struct aoefs *fs);

/* The disk has grown: tells the kernel that it must ask for the size again. */
void aoefs_resized(struct aoefs_disk *disk);

/* ---- between the files of this room ---------------------------------------
 */

/* fuse_session.c */
void aoefs_init(void *userdata, struct fuse_conn_info *conn);

/* fuse_files.c: inodes and attributes.  Inode 1 is the directory; disk i has
 * AOEFS_FIRST_INO + 3i, its texts the two after that. */
extern const struct fuse_lowlevel_ops aoefs_ops;
/* False when no file has this number. */
bool aoefs_file_of(struct aoefs *fs, fuse_ino_t ino, struct aoefs_disk **disk,
                   enum aoefs_kind *kind);
fuse_ino_t aoefs_ino(const struct aoefs_disk *disk, enum aoefs_kind kind);
/* The disk with this inode number; NULL when it is another file. */
struct aoefs_disk *aoefs_disk_of(struct aoefs *fs, fuse_ino_t ino);
uint64_t aoefs_size(const struct aoefs_disk *disk);
bool aoefs_read_only(const struct aoefs_disk *disk);
/* Fills in `st` and for how many seconds the kernel may remember it.  False
 * when there is no such file. */
bool aoefs_stat(struct aoefs *fs, fuse_ino_t ino, struct stat *st,
                double *valid);
void aoefs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void aoefs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *to, int what,
                   struct fuse_file_info *fi);
void aoefs_statfs(fuse_req_t req, fuse_ino_t ino);

/* fuse_times.c: what a file's time stamps say.  A request that may have
 * written ended; a handle comes, before it counts among the disk's writers;
 * one went, and does not any more. */
void aoefs_changed(struct aoefs_disk *disk);
void aoefs_opened(struct aoefs_disk *disk, enum aoefs_kind kind);
void aoefs_closed(struct aoefs_disk *disk, enum aoefs_kind kind);
struct timespec aoefs_time(const struct aoefs_disk *disk, enum aoefs_kind kind);

/* fuse_directory.c: names. */
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

/* fuse_open.c: handles and texts.  `fi` of a text is that of an open one. */
void aoefs_open_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void aoefs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void aoefs_read_text(fuse_req_t req, size_t size, off_t offset,
                     const struct fuse_file_info *fi);
off_t aoefs_text_length(const struct fuse_file_info *fi);
/* How long the text would be if it were opened now. */
off_t aoefs_text_size(const struct aoefs_disk *disk, enum aoefs_kind kind);

/* fuse_ops.c, fuse_range.c, fuse_flush.c: the data. */
void aoefs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *fi);
void aoefs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
                 off_t offset, struct fuse_file_info *fi);
void aoefs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
                 struct fuse_file_info *fi);
void aoefs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
                    struct fuse_file_info *fi);
void aoefs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
                     off_t length, struct fuse_file_info *fi);
void aoefs_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
                 struct fuse_file_info *fi);

/* An open disk: the file handle. */
struct aoefs_open {
    struct list link;          /* in its disk's `opens` */
    struct aoe_writer *writer; /* who it is to the disk */
};

static inline struct aoefs_open *aoefs_open_of(const struct fuse_file_info *fi)
{
    return fi ? (struct aoefs_open *)(uintptr_t)fi->fh : NULL;
}

static inline struct aoe_writer *aoefs_writer(const struct fuse_file_info *fi)
{
    const struct aoefs_open *open = aoefs_open_of(fi);

    return open ? open->writer : NULL;
}

/* NULL without memory. */
struct aoefs_open *aoefs_open_new(struct aoefs_disk *disk);
void aoefs_open_free(struct aoefs_open *open);

/* Makes `io` a flush of its disk for `writer`.  `done` begins with
 * aoefs_flush_ended, and tells the user its status. */
void aoefs_flush(struct aoefs_io *io, struct aoe_writer *writer,
                 void (*done)(struct aoe_request *, int));
void aoefs_flush_ended(struct aoefs_io *io, int status);

/* Flushes a disk that was written to, for nobody but the data's sake; a
 * failure is logged, and libaoe tells it to whoever asks next. */
void aoefs_flush_behind(struct aoefs_disk *disk);
/* The same at the end: then aoefs_flush_verdict is what nobody was told of, 0
 * or -errno. */
void aoefs_flush_last(struct aoefs_disk *disk);
int aoefs_flush_verdict(struct aoefs *fs);

/* The cursors of the disks, and at the end those of files that nobody has
 * closed: a file system that disappears releases none.  -ENOMEM. */
int aoefs_writers_open(struct aoefs *fs);
void aoefs_writers_close(struct aoefs *fs);

/* Replies with an error, or with success, and ends the request. */
void aoefs_reply_status(struct aoefs_io *io, int status);

/* Hands `io->aoe` to its disk; its `done` may be called from here. */
void aoefs_submit(struct aoefs_io *io);

/* To be called once for every request that ended, after its reply. */
void aoefs_io_end(struct aoefs_io *io);

#endif
