/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who uses a block device: mounts, swap, what stands on it (sysfs calls them
 * holders), and programs that have it open.
 */
#include "bridge/kernel_use.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bridge/kernel_device.h"

/* The device and its partitions, as device numbers: "43:0". */
enum { NUMBERS_MAX = 64 };
struct numbers {
    char text[NUMBERS_MAX][16];
    int count;
};

static void add_numbers(struct numbers *n, const char *pattern)
{
    glob_t found;

    if (glob(pattern, 0, NULL, &found))
        return;
    for (size_t i = 0; i < found.gl_pathc && n->count < NUMBERS_MAX; i++)
        if (kernel_sysfs_line(found.gl_pathv[i], n->text[n->count],
                              sizeof n->text[0]))
            n->count++;
    globfree(&found);
}

static bool has_number(const struct numbers *n, const char *text)
{
    for (int i = 0; i < n->count; i++)
        if (!strcmp(n->text[i], text))
            return true;
    return false;
}

static bool has_file(const struct numbers *n, const char *path)
{
    struct stat st;
    char text[32];

    if (stat(path, &st) || !S_ISBLK(st.st_mode))
        return false;
    snprintf(text, sizeof text, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
    return has_number(n, text);
}

/* Where a mount namespace has it mounted; proc_pid_mountinfo(5). */
static bool mounted(const struct numbers *n, const char *mountinfo, char *who,
                    size_t room)
{
    FILE *file = fopen(mountinfo, "re");
    char line[4096], number[16], where[2048];
    bool found = false;

    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file))
        if (sscanf(line, "%*d %*d %15s %*s %2047s", number, where) == 2 &&
            has_number(n, number)) {
            snprintf(who, room, "mounted on %s", where);
            found = true;
        }
    fclose(file);
    return found;
}

static bool swapping(const struct numbers *n, char *who, size_t room)
{
    FILE *file = fopen("/proc/swaps", "re");
    char line[1024], path[512];
    bool found = false;

    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file))
        if (sscanf(line, "%511s", path) == 1 && has_file(n, path)) {
            snprintf(who, room, "in use as swap");
            found = true;
        }
    fclose(file);
    return found;
}

static bool held(const char *pattern, char *who, size_t room)
{
    glob_t found;

    if (glob(pattern, 0, NULL, &found))
        return false;
    snprintf(who, room, "held by %s", strrchr(found.gl_pathv[0], '/') + 1);
    globfree(&found);
    return true;
}

/* Only files in /dev are looked at: one of a dead network file system would not
 * let us go. */
static bool is_open_file(const struct numbers *n, const char *link)
{
    char path[64];
    ssize_t length = readlink(link, path, sizeof path - 1);

    if (length < 0 || strncmp(path, "/dev/", 5) != 0)
        return false;
    return has_file(n, link);
}

static bool opened(const struct numbers *n, char *who, size_t room)
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
            continue; /* it has ended meanwhile */
        snprintf(who, room, "open in process %ld (%s)", pid, comm);
        is = true;
    }
    globfree(&found);
    return is;
}

bool kernel_use(int index, char *who, size_t room)
{
    struct numbers n = {.count = 0};
    char holders[64], theirs[64];

    snprintf(holders, sizeof holders, "/sys/block/nbd%d/dev", index);
    snprintf(theirs, sizeof theirs, "/sys/block/nbd%d/nbd*/dev", index);
    add_numbers(&n, holders);
    add_numbers(&n, theirs);
    snprintf(holders, sizeof holders, "/sys/block/nbd%d/holders/*", index);
    snprintf(theirs, sizeof theirs, "/sys/block/nbd%d/nbd*/holders/*", index);
    return mounted(&n, "/proc/self/mountinfo", who, room) ||
           mounted(&n, "/proc/1/mountinfo", who, room) ||
           swapping(&n, who, room) || held(holders, who, room) ||
           held(theirs, who, room) || opened(&n, who, room);
}
