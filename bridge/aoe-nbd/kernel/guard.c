/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The server of /dev/nbdN has to make progress while the kernel writes dirty
 * pages to /dev/nbdN in order to reclaim memory, and it must not keep a file
 * system busy, on this disk or on any other.
 */
#include "bridge/aoe-nbd/kernel/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mount_table.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57 /* linux/prctl.h, since Linux 5.6 */
#endif

/* File systems that have no disk and that the server needs later. */
static bool harmless(const char *point, const char *type)
{
    static const char *const types[] = {"proc", "sysfs", "devtmpfs", "tmpfs"};

    if (!strcmp(point, "/"))
        return true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (!strcmp(type, types[i]))
            return true;
    return false;
}

/* Unmounts, in this namespace, everything that somebody may want to unmount in
 * another: a copy of a mount keeps the file system and its disk busy. */
static void drop_mounts(void)
{
    struct mount_table table;
    struct mount_entry mount;
    bool again = true;

    mount_table_open(&table, "/proc/self/mountinfo");
    while (again) {
        again = false;
        mount_table_rewind(&table); /* each unmount changes it */
        while (!again && mount_table_next(&table, &mount))
            if (!harmless(mount.dir, mount.type))
                again = !umount2(mount.dir, MNT_DETACH);
    }
    mount_table_close(&table);
}

static void leave_mounts(void)
{
    if (unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        log_debug("leaving the mount namespace: %s", strerror(errno));
        return;
    }
    drop_mounts();
}

static void survive(void)
{
    static const char never[] = "-1000";
    int fd = fd_open("/proc/self/oom_score_adj", O_WRONLY, 0);

    if (fd < 0)
        return;
    if (write(fd, never, sizeof never - 1) < 0)
        log_debug("oom_score_adj: %s", strerror(errno));
    close(fd);
}

/* ---- swap ---------------------------------------------------------------- */

/* When all memory is waiting to be written to the device, allocations block,
 * except for processes that may dip into the kernel's reserve: those with
 * real-time scheduling.  They get a quarter of the reserve, on Linux 6.3 and
 * later half of it, which has to hold the frames in the server's socket
 * buffers. */
static const char reserve[] = "/proc/sys/vm/min_free_kbytes";
enum { RESERVE_KIB = 8192 };

/* How much the kernel enlarges the reserve for a moment when memory is
 * fragmented.  Everything that is free may then lie below, out of our reach,
 * too. */
static const char enlarging[] = "/proc/sys/vm/watermark_boost_factor";

static void set_number(const char *path, unsigned is, unsigned wanted)
{
    FILE *file = fopen(path, "we");
    bool done = file && fprintf(file, "%u\n", wanted) > 0;

    if (file && fclose(file))
        done = false;
    if (done)
        log_info("--swap: %s was %u, is %u now", path, is, wanted);
    else
        log_error("--swap: writing %u to %s: %s; without it the machine can "
                  "hang",
                  wanted, path, strerror(errno));
}

/* False: the kernel has no such setting. */
static bool number_in(const char *path, unsigned *number)
{
    FILE *file = fopen(path, "re");
    bool is = file && fscanf(file, "%u", number) == 1;

    if (file)
        fclose(file);
    return is;
}

static void set_reserve(void)
{
    unsigned is;

    if (number_in(reserve, &is) && is < RESERVE_KIB)
        set_number(reserve, is, RESERVE_KIB);
    if (number_in(enlarging, &is) && is != 0)
        set_number(enlarging, is, 0);
}

static int guard_swap(void)
{
    const struct sched_param first = {.sched_priority = 1};

    if (mlockall(MCL_CURRENT | MCL_FUTURE))
        return -errno;
    /* Not for the children, which are not in a hurry. */
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first))
        return -errno;
    set_reserve();
    return 0;
}

int kernel_guard(bool swap)
{
    if (chdir("/"))
        return -errno; /* we would keep the old one in use */
    leave_mounts();
    survive();
    if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
        log_debug("PR_SET_IO_FLUSHER: %s", strerror(errno));
    return swap ? guard_swap() : 0;
}
