/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Open disks.  Each is a writer of its own to libaoe, which tells each of them
 * once of writes that were lost.
 */
#include "bridge/aoe-fuse/internal.h"

#include <errno.h>
#include <stdlib.h>

struct aoefs_handle *aoefs_handle_open(struct aoefs_disk *disk)
{
    struct aoefs_handle *handle = calloc(1, sizeof *handle);

    if (!handle)
        return NULL;
    handle->writer = aoe_writer_open(disk->disk);
    if (!handle->writer) {
        free(handle);
        return NULL;
    }
    handle->number = ++disk->fs->last_handle;
    list_append(&disk->handles, &handle->link);
    return handle;
}

void aoefs_handle_close(struct aoefs_handle *handle)
{
    if (!handle)
        return;
    list_remove(&handle->link);
    aoe_writer_close(handle->writer);
    free(handle);
}

int aoefs_handles_open(struct aoefs *fs)
{
    for (unsigned i = 0; i < fs->disk_count; i++) {
        struct aoefs_disk *disk = &fs->disks[i];

        list_init(&disk->handles);
        disk->directory = aoe_writer_open(disk->disk);
        if (!disk->directory)
            return -ENOMEM;
    }
    return 0;
}

void aoefs_handles_close(struct aoefs *fs)
{
    for (unsigned i = 0; i < fs->disk_count; i++) {
        struct aoefs_disk *disk = &fs->disks[i];

        if (!list_linked(&disk->handles))
            continue; /* mounting did not get that far */
        list_each(it, &disk->handles)
            aoefs_handle_close(list_entry(it, struct aoefs_handle, link));
        aoe_writer_close(disk->directory);
        disk->directory = NULL;
    }
}
