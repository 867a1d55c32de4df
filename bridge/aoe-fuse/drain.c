/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How the file system ends: after the kernel's last request, every disk is
 * flushed.
 */
#include "bridge/aoe-fuse/internal.h"

#include <assert.h>

static void start_flushes(struct aoefs *fs)
{
    log_debug("drain: no request in flight, flushing");
    for (unsigned i = 0; i < fs->disk_count; i++)
        aoefs_flush_last(&fs->disks[i]);
    aoe_loop_kick(fs->al);
}

static void finish(struct aoefs *fs)
{
    int status = aoefs_flush_last_status(fs);

    log_debug("drain: done, status %d", status);
    fs->drain.done(fs->options.arg, status);
}

/* Runs at the beginning, and after each request that ended: first those of the
 * kernel, then our own flushes. */
static void step(void *arg)
{
    struct aoefs *fs = arg;

    if (aoefs_io_count(fs) > 0)
        return;
    switch (fs->drain.state) {
    case AOEFS_DRAIN_REQUESTS:
        fs->drain.state = AOEFS_DRAIN_FLUSHES;
        start_flushes(fs);
        if (aoefs_io_count(fs) == 0) /* nothing to flush, or refused at once */
            loop_task_queue(fs->loop, &fs->drain.task);
        return;
    case AOEFS_DRAIN_FLUSHES:
        fs->drain.state = AOEFS_DRAIN_DONE;
        finish(fs);
        return;
    case AOEFS_DRAIN_IDLE:
    case AOEFS_DRAIN_DONE:
        assert(!"the task of a drain runs only during one");
    }
}

void aoefs_drain(struct aoefs *fs, void (*done)(void *arg, int status))
{
    assert(fs->drain.state == AOEFS_DRAIN_IDLE && done);
    log_debug("drain: %u requests in flight", aoefs_io_count(fs));
    fs->drain = (struct aoefs_drain){.state = AOEFS_DRAIN_REQUESTS,
                                     .task = {.run = step, .arg = fs},
                                     .done = done};
    loop_task_queue(fs->loop, &fs->drain.task);
}

void aoefs_drain_io_ended(struct aoefs *fs)
{
    if (fs->drain.state == AOEFS_DRAIN_REQUESTS ||
        fs->drain.state == AOEFS_DRAIN_FLUSHES)
        loop_task_queue(fs->loop, &fs->drain.task);
}

void aoefs_drain_cancel(struct aoefs *fs)
{
    loop_task_cancel(&fs->drain.task);
}
