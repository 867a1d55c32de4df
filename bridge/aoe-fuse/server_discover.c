/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding the disks of a mount, and logging what happens to them later.
 */
#include "bridge/aoe-fuse/server.h"

#include "base/options.h"
#include "initiator/client/disk_log.h"

static void disk_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct aoefs_disk *d = arg;
    struct mount_server *s = d->fs->options.arg;

    disk_log_event(&s->limit[d - s->disks], loop_now(s->loop), disk, event,
                   "losetup -c tells a loop device");
    if (event == AOE_DISK_READY)
        log_debug("%s: found, %llu bytes", aoe_disk_name(disk),
                  (unsigned long long)aoe_disk_identity(disk)->size);
    disk_search_event(&s->search, disk, event);
    if (event == AOE_DISK_RESIZED)
        aoefs_resized(d);
}

static void found(void *arg)
{
    struct mount_server *s = arg;

    loop_stop(s->loop, EXIT_DONE);
}

static void not_found(void *arg)
{
    struct mount_server *s = arg;

    loop_stop(s->loop, EXIT_FAILED);
}

static int open_disks(struct mount_server *s)
{
    const struct mount_options *o = s->options;

    s->fs.disks = s->disks;
    for (unsigned i = 0; i < o->disks.count; i++) {
        struct aoefs_disk *d = &s->disks[i];

        d->fs = &s->fs;
        if (disk_search_open(&s->search, s->aoe, o->disks.of[i].shelf,
                             o->disks.of[i].slot, disk_event, d, &d->disk))
            return EXIT_FAILED;
        log_debug("%s: searching", aoe_disk_name(d->disk));
        s->fs.disk_count++;
    }
    return EXIT_DONE;
}

int mount_server_discover(struct mount_server *s)
{
    int status;

    mount_server_enter(s, MOUNT_DISCOVERING);
    s->search = (struct disk_search){.trying = "mount",
                                     .options = &s->options->client,
                                     .found = found,
                                     .failed = not_found,
                                     .arg = s};
    if (open_disks(s) || disk_search_start(&s->search, s->loop))
        return EXIT_FAILED;
    aoe_loop_kick(&s->al);
    status = loop_run(s->loop) ? EXIT_FAILED : EXIT_DONE;
    disk_search_stop(&s->search);
    return status;
}
