/* SPDX-License-Identifier: BSD-2-Clause
 *
 * When a file last changed.  Backup programs rely on it: they do not read what
 * looks unchanged, and would keep an old copy of the disk.
 *
 * Other hosts may write to a disk, and we do not hear of it.  So a file that
 * nobody has open says "now".  The time of an open file stands still, or tar
 * would complain that the file changed as it read it; writes advance it.  While
 * nobody here has the file open for writing, opening and closing advance it,
 * too: the next backup finds another time than the last one noted down, even if
 * a reader had the file open all along.
 */
#include <time.h>

#include "bridge/aoe-fuse/internal.h"

static struct timespec now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return t;
}

void aoefs_times_written(struct aoefs_disk *disk)
{
    disk->files[AOEFS_DISK].changed = now();
}

void aoefs_times_opened(struct aoefs_disk *disk, enum aoefs_kind kind)
{
    struct aoefs_file *file = &disk->files[kind];

    file->open++;
    if (kind != AOEFS_DISK || disk->writers == 0)
        file->changed = now();
}

void aoefs_times_closed(struct aoefs_disk *disk, enum aoefs_kind kind)
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
