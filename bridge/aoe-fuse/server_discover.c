/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding the disks of a mount, and logging what happens to them later.
 */
#include "bridge/aoe-fuse/server.h"

#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "initiator/client/disk_log.h"

/* ---- what happens to a disk ---------------------------------------------- */

static void say_missing(const struct mount_server *s,
                        const struct aoe_disk *disk)
{
    disk_log_missing("mount", disk, &s->options->client.interfaces,
                     s->options->client.wait);
}

static void disk_ready(struct mount_server *s, const struct aoe_disk *disk)
{
    log_debug("%s: found, %llu bytes", aoe_disk_name(disk),
              (unsigned long long)aoe_disk_identity(disk)->size);
    if (++s->ready == s->options->disk_count && s->phase == MOUNT_DISCOVERING)
        loop_stop(s->loop, EXIT_DONE);
}

static void disk_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct aoefs_disk *d = arg;
    struct mount_server *s = d->fs->options.arg;

    disk_log_event(&s->limit[d - s->disks], loop_now(s->loop), disk, event,
                   "losetup -c tells a loop device");
    if (event == AOE_DISK_READY)
        disk_ready(s, disk);
    if (event == AOE_DISK_CONFLICT && s->phase == MOUNT_DISCOVERING &&
        !aoe_disk_ready(disk)) { /* waiting does not resolve a conflict */
        say_missing(s, disk);
        loop_stop(s->loop, EXIT_FAILED);
    }
    if (event == AOE_DISK_RESIZED)
        aoefs_resized(d);
}

/* ---- discovery ----------------------------------------------------------- */

static void discovery_expired(void *arg)
{
    struct mount_server *s = arg;

    for (unsigned i = 0; i < s->fs.disk_count; i++)
        if (!aoe_disk_ready(s->disks[i].disk))
            say_missing(s, s->disks[i].disk);
    loop_stop(s->loop, EXIT_FAILED);
}

static int open_disk(struct mount_server *s, struct aoefs_disk *d,
                     const struct mount_address *a)
{
    int err;

    d->fs = &s->fs;
    err = aoe_disk_open(s->aoe, a->shelf, a->slot, &s->options->client.disk,
                        disk_event, d, &d->disk);
    if (err)
        log_error("mount: e%u.%u: %s", a->shelf, a->slot, strerror(-err));
    else
        log_debug("%s: searching", aoe_disk_name(d->disk));
    return err;
}

int mount_server_discover(struct mount_server *s)
{
    const struct mount_options *o = s->options;

    mount_server_enter(s, MOUNT_DISCOVERING);
    s->fs.disks = s->disks;
    for (unsigned i = 0; i < o->disk_count; i++) {
        if (open_disk(s, &s->disks[i], &o->disks[i]))
            return EXIT_FAILED;
        s->fs.disk_count++;
    }
    s->timer = (struct loop_timer){.expired = discovery_expired, .arg = s};
    if (loop_timer_set(s->loop, &s->timer,
                       loop_clock(s->loop) + o->client.wait))
        return EXIT_FAILED;
    aoe_loop_kick(&s->al);
    return loop_run(s->loop) ? EXIT_FAILED : EXIT_DONE;
}
