/* SPDX-License-Identifier: BSD-2-Clause
 *
 * When a file was changed last, which backup programs go by: what looks
 * unchanged they do not read, and keep the old disk.
 *
 * Other hosts write to a disk as well, and nobody tells us.  So a file that
 * nobody has open says "now".  One that is open stands still, or tar would
 * complain that it changed while it was read; writes move it.  While nobody
 * here has it open for writing, opening and closing move it, too: the next
 * backup finds another time than the last one noted down, though a reader had
 * the file open all the while.
 */
#include <time.h>

#include "bridge/aoe-fuse/fs.h"

static struct timespec now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return t;
}

void aoefs_changed(struct aoefs_disk *disk)
{
    disk->files[AOEFS_DISK].changed = now();
}

void aoefs_opened(struct aoefs_disk *disk, enum aoefs_kind kind)
{
    struct aoefs_file *file = &disk->files[kind];

    file->open++;
    if (kind != AOEFS_DISK || disk->writers == 0)
        file->changed = now();
}

void aoefs_closed(struct aoefs_disk *disk, enum aoefs_kind kind)
{
    struct aoefs_file *file = &disk->files[kind];

    file->open--;
    if (kind == AOEFS_DISK && disk->writers == 0)
        file->changed = now();
}

struct timespec aoefs_time(const struct aoefs_disk *disk, enum aoefs_kind kind)
{
    const struct aoefs_file *file = &disk->files[kind];

    return file->open > 0 ? file->changed : now();
}
