/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The names in the directory.
 */
#include "bridge/aoe-fuse/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const suffix[AOEFS_KINDS] = {"", ".info", ".stats"};

static void name_of(const struct aoefs_disk *disk, enum aoefs_kind kind,
                    char out[AOEFS_NAME_ROOM])
{
    snprintf(out, AOEFS_NAME_ROOM, "%s%s", aoe_disk_name(disk->disk),
             suffix[kind]);
}

static bool fill_entry(struct aoefs *fs, fuse_ino_t ino,
                       struct fuse_entry_param *e)
{
    memset(e, 0, sizeof *e);
    e->ino = ino;
    e->entry_timeout = AOEFS_REMEMBER;
    return aoefs_stat(fs, ino, &e->attr, &e->attr_timeout);
}

void aoefs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct aoefs *fs = fuse_req_userdata(req);
    struct fuse_entry_param e;
    char own[AOEFS_NAME_ROOM];

    if (parent != FUSE_ROOT_ID) {
        fuse_reply_err(req, ENOTDIR);
        return;
    }
    for (unsigned i = 0; i < fs->disk_count; i++)
        for (int k = 0; k < AOEFS_KINDS; k++) {
            name_of(&fs->disks[i], (enum aoefs_kind)k, own);
            if (strcmp(name, own))
                continue;
            fill_entry(fs, aoefs_ino(&fs->disks[i], (enum aoefs_kind)k), &e);
            fuse_reply_entry(req, &e);
            return;
        }
    fuse_reply_err(req, ENOENT);
}

/* Entry `at` of the directory: ".", "..", then the files by inode number. */
static bool dir_entry(struct aoefs *fs, off_t at, char name[AOEFS_NAME_ROOM],
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

static void list_directory(fuse_req_t req, fuse_ino_t ino, size_t room,
                           off_t at, bool plus)
{
    struct aoefs *fs = fuse_req_userdata(req);
    struct fuse_entry_param e;
    char name[AOEFS_NAME_ROOM], *out;
    size_t used = 0;

    if (ino != FUSE_ROOT_ID) {
        fuse_reply_err(req, ENOTDIR);
        return;
    }
    if (room > AOEFS_IO_MAX)
        room = AOEFS_IO_MAX;
    out = malloc(room);
    if (!out) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    for (; dir_entry(fs, at, name, &e); at++) {
        size_t need = plus ? fuse_add_direntry_plus(
                                 req, out + used, room - used, name, &e, at + 1)
                           : fuse_add_direntry(req, out + used, room - used,
                                               name, &e.attr, at + 1);

        if (need > room - used)
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

/* The files are the disks that were asked for; without an answer here the
 * user would read "Function not implemented" after a misspelt name. */
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
