/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who uses a block device: mounts, swap, what is built on it (sysfs calls them
 * holders), and programs that have it open.
 */
#include "bridge/aoe-nbd/kernel/use.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/swap_table.h"
#include "initiator/client/block_use.h"
#include "bridge/aoe-nbd/kernel/device.h"

static bool mounted(const struct block_numbers *n, const char *mountinfo,
                    char *who, size_t size)
{
    static const char on[] = "mounted on ";

    if (!block_mounted(n, mountinfo, who + sizeof on - 1, size - sizeof on + 1))
        return false;
    memcpy(who, on, sizeof on - 1);
    return true;
}

static bool is_ours(void *arg, const char *path)
{
    return block_numbers_have_file(arg, path);
}

static bool swapping(struct block_numbers *n, char *who, size_t size)
{
    bool found = swap_table_find("/proc/swaps", is_ours, n);

    if (found)
        snprintf(who, size, "in use as swap");
    return found;
}

static bool held(const char *pattern, char *who, size_t size)
{
    glob_t found;

    if (glob(pattern, 0, NULL, &found))
        return false;
    snprintf(who, size, "held by %s", strrchr(found.gl_pathv[0], '/') + 1);
    globfree(&found);
    return true;
}

/* Only files in /dev are examined: stat would hang on a dead network file
 * system. */
static bool is_open_file(const struct block_numbers *n, const char *link)
{
    char path[64];
    ssize_t length = readlink(link, path, sizeof path - 1);

    if (length < 0 || strncmp(path, "/dev/", 5) != 0)
        return false;
    return block_numbers_have_file(n, link);
}

static bool opened(const struct block_numbers *n, char *who, size_t size)
{
    char comm[32], path[64];
    bool is = false;
    glob_t found;
    long pid;

    if (glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &found))
        return false;
    for (size_t i = 0; i < found.gl_pathc && !is; i++) {
        if (sscanf(found.gl_pathv[i], "/proc/%ld/", &pid) != 1 ||
            pid == (long)getpid() || !is_open_file(n, found.gl_pathv[i]))
            continue;
        snprintf(path, sizeof path, "/proc/%ld/comm", pid);
        if (!kernel_sysfs_line(path, comm, sizeof comm))
            continue; /* the process has ended */
        snprintf(who, size, "open in process %ld (%s)", pid, comm);
        is = true;
    }
    globfree(&found);
    return is;
}

bool kernel_use(int index, char *who, size_t size)
{
    struct block_numbers n = {.count = 0};
    char name[16], holders[64], theirs[64];

    snprintf(name, sizeof name, "nbd%d", index);
    block_numbers_add(&n, name, false);
    snprintf(holders, sizeof holders, "/sys/block/nbd%d/holders/*", index);
    snprintf(theirs, sizeof theirs, "/sys/block/nbd%d/nbd*/holders/*", index);
    return mounted(&n, "/proc/self/mountinfo", who, size) ||
           mounted(&n, "/proc/1/mountinfo", who, size) ||
           swapping(&n, who, size) || held(holders, who, size) ||
           held(theirs, who, size) || opened(&n, who, size);
}
