/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A directory with one file for each disk, served to the kernel through
 * libfuse's low-level API from base/loop.
 *
 *     DIR/e1.2         the disk, byte for byte
 *     DIR/e1.2.info    what it is       (text, made when it is opened)
 *     DIR/e1.2.stats   what it has done (text, made when it is opened)
 *
 * A request of the kernel becomes a request of the disk, whose completion sends
 * the reply.  Nothing blocks, and there is one thread.
 *
 * This header is for the server; internal.h is for the file system's own files.
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

/* See times.c. */
struct aoefs_file {
    unsigned open; /* handles */
    struct timespec changed;
};

/* A disk and its three files. */
struct aoefs_disk {
    struct aoefs *fs;
    struct aoe_disk *disk;
    struct aoefs_file files[AOEFS_KINDS];

    struct log_limit truncations; /* refused ones, in the log */

    struct list handles; /* of aoefs_handle.link: the open disk */
    unsigned writers;    /* handles that may write */

    /* flush.c and fsync.c.  `losses` are libaoe's aoe_stats.losses. */
    uint64_t writes;      /* writes, trims and zeroes that completed */
    uint64_t flushed;     /* how many of them a successful flush came after */
    uint64_t losses_told; /* losses that some fsync has reported */
    uint64_t losses_told_directory; /* ... that fsync of the directory has */
    struct aoe_writer *directory; /* who fsync of the directory is to libaoe */
    struct aoe_writer *last;      /* the same for the flush at the end, */
    int last_status;              /* ... and how that ended */
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
    void (*usable)(void *arg); /* INIT is answered; once */
    /* No request will come any more; once.  `status`: 0, it was unmounted;
     * -EPROTO, before the kernel and libfuse agreed on a protocol version. */
    void (*ended)(void *arg, int status);
    void *arg;
};

/* The session with the kernel: session.c. */
enum aoefs_state {
    AOEFS_CREATED, /* mount options are checked */
    AOEFS_MOUNTED, /* the kernel's INIT is awaited */
    AOEFS_AGREED,  /* ... is being answered */
    AOEFS_SERVING, /* `usable` was called */
    AOEFS_ENDED,   /* `ended` was called */
};

/* The last flush: drain.c. */
struct aoefs_drain {
    enum aoefs_drain_state {
        AOEFS_DRAIN_IDLE,     /* not asked for */
        AOEFS_DRAIN_REQUESTS, /* the kernel's requests are in flight */
        AOEFS_DRAIN_FLUSHES,  /* our last flushes are */
        AOEFS_DRAIN_DONE,
    } state;
    struct loop_task task;
    void (*done)(void *arg, int status);
};

struct aoefs {
    struct aoefs_options options;
    struct loop *loop;
    struct aoe_loop *al;
    struct aoefs_disk *disks;
    unsigned disk_count;
    unsigned last_handle;  /* number of the latest open disk, for the log */
    struct timespec since; /* time stamp of the directory */
    struct aoefs_pool pool;

    enum aoefs_state state;
    bool paused; /* not reading: the memory limit is reached */
    struct fuse_session *session;
    struct loop_fd watch; /* /dev/fuse */
    /* Whenever a request has ended and its memory is free again. */
    void (*io_ended)(struct aoefs *fs);

    struct aoefs_drain drain;
};

/* fs.c.  Checks the mount options and makes the session.  `fs->disks` may be
 * filled in later, before aoefs_mount.  -EINVAL: libfuse refused an option, and
 * aoefs_complaint says which; -ENOMEM. */
int aoefs_open(struct aoefs *fs, const struct aoefs_options *options);

/* Mounts on `dir` (or takes over /dev/fd/N) and serves from the loop.  All
 * disks are ready.  -EIO: aoefs_complaint says why; or another -errno. */
int aoefs_mount(struct aoefs *fs, const char *dir, struct loop *loop,
                struct aoe_loop *al);

/* Detaches a mount that is still there, at the price of errors to its users.
 * No disk may have requests in flight (aoe_disk_close completes them). */
void aoefs_close(struct aoefs *fs);

/* drain.c.  After `ended`: waits for what is in flight, flushes every disk that
 * has unflushed writes, and calls `done` with options.arg and 0 or the first
 * error.  It is called from the loop, never from here. */
void aoefs_drain(struct aoefs *fs, void (*done)(void *arg, int status));

/* libfuse_log.c.  What libfuse said last. */
const char *aoefs_complaint(void);

/* inode.c.  Bytes. */
uint64_t aoefs_size(const struct aoefs_disk *disk);
/* The disk has grown: the kernel must ask for its size again. */
void aoefs_resized(struct aoefs_disk *disk);

#endif
