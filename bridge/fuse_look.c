/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Looking for the disks of a mount, and what is said of them later.
 */
#include "bridge/fuse_server.h"

#include <stdio.h>
#include <string.h>

#include "base/options.h"

/* ---- what happens to a disk ---------------------------------------------- */

static void note_ready(struct server *s)
{
    if (++s->ready == s->options->disk_count && s->phase == SERVER_LOOKING)
        loop_stop(s->loop, EXIT_DONE);
}

static void say(const struct aoefs_disk *d, enum aoe_event event)
{
    const char *name = aoe_disk_name(d->disk);

    switch (event) {
    case AOE_DISK_READY:
        log_debug("%s: found, %llu bytes", name,
                  (unsigned long long)aoefs_size(d));
        break;
    case AOE_DISK_LOST:
        log_error("%s: no answer any more: its users get errors until it is "
                  "back",
                  name);
        break;
    case AOE_DISK_BACK:
        log_info("%s: answers again", name);
        break;
    case AOE_DISK_RESIZED:
        log_info("%s: has %llu bytes now; losetup -c tells a loop device", name,
                 (unsigned long long)aoefs_size(d));
        break;
    case AOE_DISK_CHANGED:
        log_error("%s: another disk answers in its place, refused: %s", name,
                  aoe_disk_trouble(d->disk));
        break;
    case AOE_DISK_CONFLICT:
        log_error("%s: two disks have this address: %s", name,
                  aoe_disk_trouble(d->disk));
        break;
    }
}

static void disk_event(void *arg, struct aoe_disk *disk, enum aoe_event event)
{
    struct aoefs_disk *d = arg;
    struct server *s = d->fs->options.arg;
    unsigned held;

    if (log_allowed(&s->limit[d - s->disks], loop_now(s->loop), 10, &held)) {
        if (held)
            log_info("%s: %u messages left out", aoe_disk_name(disk), held);
        say(d, event);
    }
    if (event == AOE_DISK_READY)
        note_ready(s);
    if (event == AOE_DISK_RESIZED)
        aoefs_resized(d);
}

/* ---- looking ------------------------------------------------------------- */

static void say_missing(struct server *s)
{
    const struct interfaces *ifs = &s->options->interfaces;
    char where[512] = "";
    size_t used = 0;

    for (unsigned i = 0; i < ifs->count && used < sizeof where; i++)
        used += (size_t)snprintf(where + used, sizeof where - used, "%s%s",
                                 i ? ", " : "", ifs->names[i]);
    for (unsigned i = 0; i < s->fs.disk_count; i++) {
        const struct aoe_disk *disk = s->disks[i].disk;
        const char *trouble = aoe_disk_trouble(disk);

        if (aoe_disk_ready(disk))
            continue;
        if (*trouble)
            log_error("mount: %s: %s", aoe_disk_name(disk), trouble);
        else
            log_error("mount: %s: no answer on %s within %g s; aoe discover "
                      "shows what is there, --wait waits longer",
                      aoe_disk_name(disk), where,
                      (double)s->options->wait / NS_PER_S);
    }
}

static void looked_long_enough(void *arg)
{
    struct server *s = arg;

    say_missing(s);
    loop_stop(s->loop, EXIT_FAILED);
}

int server_look(struct server *s)
{
    const struct mount_options *o = s->options;
    struct aoe_disk_options disk_options = {.timeout = o->timeout,
                                            .read_only = o->fs.read_only};

    s->fs.disks = s->disks;
    for (unsigned i = 0; i < o->disk_count; i++) {
        struct aoefs_disk *d = &s->disks[i];
        int err;

        d->fs = &s->fs;
        err = aoe_disk_open(s->aoe, o->disks[i].shelf, o->disks[i].slot,
                            &disk_options, disk_event, d, &d->disk);
        if (err) {
            log_error("mount: e%u.%u: %s", o->disks[i].shelf, o->disks[i].slot,
                      strerror(-err));
            return EXIT_FAILED;
        }
        s->fs.disk_count++;
    }
    s->timer = (struct loop_timer){.expired = looked_long_enough, .arg = s};
    if (loop_timer_set(s->loop, &s->timer, clock_ns() + o->wait))
        return EXIT_FAILED;
    aoe_loop_kick(&s->al);
    s->phase = SERVER_LOOKING;
    return loop_run(s->loop) ? EXIT_FAILED : EXIT_DONE;
}
