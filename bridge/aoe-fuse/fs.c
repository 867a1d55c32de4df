/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file system: which operations it answers, and its beginning and end.
 */
#include "bridge/aoe-fuse/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* No `access`: the mount has default_permissions, so the kernel decides.  No
 * `flush`: closing one of several handles means nothing to a disk.  The kernel
 * asks only once for an operation that is missing here. */
static const struct fuse_lowlevel_ops aoefs_ops = {
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

int aoefs_open(struct aoefs *fs, const struct aoefs_options *options)
{
    assert(options->mount && options->usable && options->ended);
    memset(fs, 0, sizeof *fs);
    fs->options = *options;
    return aoefs_session_open(fs, &aoefs_ops);
}

int aoefs_mount(struct aoefs *fs, const char *dir, struct loop *loop,
                struct aoe_loop *al)
{
    assert(fs->state == AOEFS_CREATED && fs->disk_count > 0);
    fs->loop = loop;
    fs->al = al;
    clock_gettime(CLOCK_REALTIME, &fs->since);
    aoefs_pool_open(&fs->pool, loop, fs->options.memory);
    if (aoefs_handles_open(fs))
        return -ENOMEM;
    return aoefs_session_mount(fs, dir);
}

void aoefs_close(struct aoefs *fs)
{
    if (fs->loop)
        aoefs_drain_cancel(fs);
    aoefs_session_close(fs);
    aoefs_handles_close(fs);
    if (fs->loop)
        aoefs_pool_close(&fs->pool);
}
