/* SPDX-License-Identifier: BSD-2-Clause
 *
 * open and release.
 *
 * The reply to OPEN decides how fast a disk is written: Linux takes the file's
 * lock for each write unless the server allows parallel direct writes.  libfuse
 * has had that flag since 3.14.1, but Debian 12 has 3.14.0, and the headers of
 * 3.14 do not say which of the two they are.  There the reply is built here, as
 * <linux/fuse.h> defines it.
 */
#include "bridge/aoe-fuse/internal.h"

#include <errno.h>
#include <fcntl.h>

#if defined(__linux__) && FUSE_VERSION < FUSE_MAKE_VERSION(3, 15)

#include <linux/fuse.h>

#ifndef FOPEN_PARALLEL_DIRECT_WRITES
#define FOPEN_PARALLEL_DIRECT_WRITES (1 << 6)
#endif

static int reply_open(fuse_req_t req, struct fuse_file_info *fi, bool parallel)
{
    struct fuse_open_out out = {.fh = fi->fh};

    if (!parallel)
        return fuse_reply_open(req, fi);
    out.open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
    return fuse_reply_buf(req, (const char *)&out, sizeof out);
}

#else

static int reply_open(fuse_req_t req, struct fuse_file_info *fi, bool parallel)
{
    fi->direct_io |= parallel;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 15)
    fi->parallel_direct_writes = parallel;
#endif
    return fuse_reply_open(req, fi);
}

#endif

static bool may_write(const struct fuse_file_info *fi)
{
    return (fi->flags & O_ACCMODE) != O_RDONLY;
}

/* ---- a disk -------------------------------------------------------------- */

static void begin(struct aoefs_disk *disk, const struct aoefs_handle *handle,
                  bool writer)
{
    aoefs_times_opened(disk, AOEFS_DISK);
    disk->writers += writer;
    log_debug("%s: handle %u opened%s, %u open, %u may write",
              aoe_disk_name(disk->disk), handle->number,
              writer ? " for writing" : "", disk->files[AOEFS_DISK].open,
              disk->writers);
}

static void end(struct aoefs_disk *disk, struct aoefs_handle *handle,
                bool writer)
{
    if (writer && disk->writers > 0)
        disk->writers--;
    aoefs_times_closed(disk, AOEFS_DISK);
    log_debug("%s: handle %u closed, %u open, %u may write",
              aoe_disk_name(disk->disk), handle ? handle->number : 0,
              disk->files[AOEFS_DISK].open, disk->writers);
    aoefs_handle_close(handle);
}

static void open_disk(fuse_req_t req, struct aoefs_disk *disk,
                      struct fuse_file_info *fi)
{
    struct aoefs_handle *handle;
    bool writer = may_write(fi);

    if (writer && aoefs_read_only(disk)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    handle = aoefs_handle_open(disk);
    if (!handle) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)handle;
    begin(disk, handle, writer);
    /* -ENOENT: the opener was interrupted and no release will come. */
    if (reply_open(req, fi, !disk->fs->options.cache) == -ENOENT)
        end(disk, handle, writer);
}

static void release_disk(struct aoefs_disk *disk,
                         const struct fuse_file_info *fi)
{
    bool last = may_write(fi) && disk->writers == 1;

    end(disk, aoefs_handle_of(fi), may_write(fi));
    if (last)
        aoefs_flush_behind(disk);
}

/* ---- a text -------------------------------------------------------------- */

static void open_text(fuse_req_t req, struct aoefs_disk *disk,
                      enum aoefs_kind kind, struct fuse_file_info *fi)
{
    struct aoefs_text *text;

    if (may_write(fi)) {
        fuse_reply_err(req, EACCES);
        return;
    }
    text = aoefs_text_open(disk, kind);
    if (!text) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)text;
    fi->direct_io = 1;
    aoefs_times_opened(disk, kind);
    if (fuse_reply_open(req, fi) == -ENOENT) { /* as above */
        aoefs_times_closed(disk, kind);
        aoefs_text_close(text);
    }
}

static void release_text(struct aoefs_disk *disk, enum aoefs_kind kind,
                         const struct fuse_file_info *fi)
{
    aoefs_text_close(aoefs_text_of(fi));
    aoefs_times_closed(disk, kind);
}

/* ---- the operations ------------------------------------------------------ */

void aoefs_open_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct aoefs_disk *disk;
    enum aoefs_kind kind;

    if (!aoefs_file_of(fuse_req_userdata(req), ino, &disk, &kind))
        fuse_reply_err(req, ino == FUSE_ROOT_ID ? EISDIR : ENOENT);
    else if (kind == AOEFS_DISK)
        open_disk(req, disk, fi);
    else
        open_text(req, disk, kind, fi);
}

void aoefs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct aoefs_disk *disk;
    enum aoefs_kind kind;

    if (aoefs_file_of(fuse_req_userdata(req), ino, &disk, &kind)) {
        if (kind == AOEFS_DISK)
            release_disk(disk, fi);
        else
            release_text(disk, kind, fi);
    }
    fuse_reply_err(req, 0);
}
