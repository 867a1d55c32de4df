/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The names in the directory.
 */
#include "bridge/aoe-fuse/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const suffix[AOEFS_KINDS] = {"", ".info", ".stats"};

static void name_of(const struct aoefs_disk *disk, enum aoefs_kind kind,
                    char out[AOEFS_NAME_CAPACITY])
{
    snprintf(out, AOEFS_NAME_CAPACITY, "%s%s", aoe_disk_name(disk->disk),
             suffix[kind]);
}

static bool fill_entry(struct aoefs *fs, fuse_ino_t ino,
                       struct fuse_entry_param *e)
{
    memset(e, 0, sizeof *e);
    e->ino = ino;
    e->entry_timeout = AOEFS_CACHE_SECONDS;
    return aoefs_stat(fs, ino, &e->attr, &e->attr_timeout);
}

/* 0: no file has this name. */
static fuse_ino_t ino_of(struct aoefs *fs, const char *name)
{
    char own[AOEFS_NAME_CAPACITY];

    for (unsigned i = 0; i < fs->disk_count; i++)
        for (int k = 0; k < AOEFS_KINDS; k++) {
            name_of(&fs->disks[i], (enum aoefs_kind)k, own);
            if (!strcmp(name, own))
                return aoefs_ino(&fs->disks[i], (enum aoefs_kind)k);
        }
    return 0;
}

void aoefs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct aoefs *fs = fuse_req_userdata(req);
    struct fuse_entry_param e;
    fuse_ino_t ino;

    if (parent != FUSE_ROOT_ID) {
        fuse_reply_err(req, ENOTDIR);
        return;
    }
    ino = ino_of(fs, name);
    if (ino && fill_entry(fs, ino, &e))
        fuse_reply_entry(req, &e);
    else
        fuse_reply_err(req, ENOENT);
}

/* Entry `at` of the directory: ".", "..", then the files by inode number. */
static bool dir_entry(struct aoefs *fs, off_t at,
                      char name[AOEFS_NAME_CAPACITY],
                      struct fuse_entry_param *e)
{
    struct aoefs_disk *disk;
    enum aoefs_kind kind;
    fuse_ino_t ino = FUSE_ROOT_ID;

    if (at < 0 || at >= 2 + (off_t)fs->disk_count * AOEFS_KINDS)
        return false;
    if (at < 2) {
        strcpy(name, at == 0 ? "." : "..");
    } else {
        ino = (fuse_ino_t)(AOEFS_FIRST_INO + at - 2);
        aoefs_file_of(fs, ino, &disk, &kind);
        name_of(disk, kind, name);
    }
    return fill_entry(fs, ino, e);
}

static void list_directory(fuse_req_t req, fuse_ino_t ino, size_t capacity,
                           off_t at, bool plus)
{
    struct aoefs *fs = fuse_req_userdata(req);
    struct fuse_entry_param e;
    char name[AOEFS_NAME_CAPACITY], *out;
    size_t used = 0;

    if (ino != FUSE_ROOT_ID) {
        fuse_reply_err(req, ENOTDIR);
        return;
    }
    if (capacity > AOEFS_IO_MAX)
        capacity = AOEFS_IO_MAX;
    out = malloc(capacity);
    if (!out) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    for (; dir_entry(fs, at, name, &e); at++) {
        size_t left = capacity - used;
        size_t need = plus ? fuse_add_direntry_plus(req, out + used, left, name,
                                                    &e, at + 1)
                           : fuse_add_direntry(req, out + used, left, name,
                                               &e.attr, at + 1);

        if (need > left)
            break;
        used += need;
    }
    fuse_reply_buf(req, out, used);
    free(out);
}

void aoefs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
                   struct fuse_file_info *fi)
{
    (void)fi;
    list_directory(req, ino, size, at, false);
}

void aoefs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
                       struct fuse_file_info *fi)
{
    (void)fi;
    list_directory(req, ino, size, at, true);
}

/* The files are the disks that were named when mounting; no other can be made.
 * libfuse alone would answer ENOSYS to a misspelt name, which explains
 * nothing. */
void aoefs_create(fuse_req_t req, fuse_ino_t parent, const char *name,
                  mode_t mode, struct fuse_file_info *fi)
{
    (void)parent;
    (void)name;
    (void)mode;
    (void)fi;
    fuse_reply_err(req, EPERM);
}

void aoefs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
                 mode_t mode, dev_t rdev)
{
    (void)parent;
    (void)name;
    (void)mode;
    (void)rdev;
    fuse_reply_err(req, EPERM);
}

void aoefs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    (void)parent;
    (void)name;
    fuse_reply_err(req, EPERM);
}

void aoefs_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
                  fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
    (void)parent;
    (void)name;
    (void)new_parent;
    (void)new_name;
    (void)flags;
    fuse_reply_err(req, EPERM);
}
