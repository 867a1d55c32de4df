/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Opening and closing, and the texts, which live as long as they are open.
 *
 * The answer to OPEN decides how fast a disk is written: Linux
 * takes the file's lock for each write unless the server allows parallel
 * direct writes.  libfuse knows that flag since 3.14.1, but Debian 12 has
 * 3.14.0, and 3.14's headers do not say which of the two they are.  There the
 * answer is built here, as <linux/fuse.h> defines it.
 */
#include "bridge/aoe-fuse/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "initiator/client/disk_text.h"

/* A text of an open .info or .stats. */
struct text {
    char *bytes;
    size_t length;
};

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

/* ---- texts --------------------------------------------------------------- */

static bool make_text(const struct aoefs_disk *disk, enum aoefs_kind kind,
                      struct text *out)
{
    out->bytes = kind == AOEFS_INFO ? disk_info_text(disk->disk, &out->length)
                                    : disk_stats_text(disk->disk, &out->length);
    return out->bytes != NULL;
}

static const struct text *text_of(const struct fuse_file_info *fi)
{
    return (const struct text *)(uintptr_t)fi->fh;
}

off_t aoefs_text_length(const struct fuse_file_info *fi)
{
    return (off_t)text_of(fi)->length;
}

off_t aoefs_text_size(const struct aoefs_disk *disk, enum aoefs_kind kind)
{
    struct text text;

    if (!make_text(disk, kind, &text))
        return 0;
    free(text.bytes);
    return (off_t)text.length;
}

void aoefs_read_text(fuse_req_t req, size_t size, off_t offset,
                     const struct fuse_file_info *fi)
{
    const struct text *text = text_of(fi);
    size_t at = text->length;

    if (offset >= 0 && (uint64_t)offset < text->length)
        at = (size_t)offset;
    if (size > text->length - at)
        size = text->length - at;
    fuse_reply_buf(req, text->bytes + at, size);
}

/* ---- open and close ------------------------------------------------------ */

static bool writes(const struct fuse_file_info *fi)
{
    return (fi->flags & O_ACCMODE) != O_RDONLY;
}

struct aoefs_open *aoefs_open_new(struct aoefs_disk *disk)
{
    struct aoefs_open *open = calloc(1, sizeof *open);

    if (!open)
        return NULL;
    open->writer = aoe_writer_open(disk->disk);
    if (!open->writer) {
        free(open);
        return NULL;
    }
    list_append(&disk->opens, &open->link);
    return open;
}

void aoefs_open_free(struct aoefs_open *open)
{
    if (!open)
        return;
    list_remove(&open->link);
    aoe_writer_close(open->writer);
    free(open);
}

static void open_disk(fuse_req_t req, struct aoefs_disk *disk,
                      struct fuse_file_info *fi)
{
    struct aoefs_open *open;
    bool counted = writes(fi);

    if (counted && aoefs_read_only(disk)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    open = aoefs_open_new(disk);
    if (!open) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)open;
    aoefs_opened(disk, AOEFS_DISK);
    disk->writers += counted;
    /* -ENOENT: the opener was interrupted and no release will come. */
    if (reply_open(req, fi, !disk->fs->options.cache) == -ENOENT) {
        disk->writers -= counted;
        aoefs_closed(disk, AOEFS_DISK);
        aoefs_open_free(open);
    }
}

static void open_text(fuse_req_t req, struct aoefs_disk *disk,
                      enum aoefs_kind kind, struct fuse_file_info *fi)
{
    struct text *text;

    if (writes(fi)) {
        fuse_reply_err(req, EACCES);
        return;
    }
    text = malloc(sizeof *text);
    if (!text || !make_text(disk, kind, text)) {
        free(text);
        fuse_reply_err(req, ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)text;
    fi->direct_io = 1;
    aoefs_opened(disk, kind);
    if (fuse_reply_open(req, fi) == -ENOENT) {
        aoefs_closed(disk, kind);
        free(text->bytes);
        free(text);
    }
}

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
        if (kind != AOEFS_DISK) {
            struct text *text = (struct text *)(uintptr_t)fi->fh;

            free(text->bytes);
            free(text);
        } else {
            aoefs_open_free(aoefs_open_of(fi));
            if (writes(fi) && disk->writers > 0 && --disk->writers == 0)
                aoefs_flush_behind(disk);
        }
        aoefs_closed(disk, kind);
    }
    fuse_reply_err(req, 0);
}
