/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From Linux 2.6.27 on, /sys/dev/block has each device by its number.  Before,
 * all of /sys/block is searched for the one whose attribute `dev` has it.
 */
#include "target/store/sysfs.h"

#ifdef __linux__

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

/* Whether the device with this directory has that number. */
static bool has_number(const char *directory, const char *number)
{
    char attribute[256], text[32];
    ssize_t n;
    int fd;

    snprintf(attribute, sizeof attribute, "%s/dev", directory);
    fd = fd_open(attribute, O_RDONLY, 0);
    n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return strcmp(text, number) == 0;
}

/* Looks at what lies in `directory`, then, `deeper`, at what lies in that:
 * partitions lie in their disks. */
static enum sysfs_disk search(const char *directory, bool deeper,
                              const char *number, char *path, size_t capacity)
{
    enum sysfs_disk found = SYSFS_UNLISTED;
    DIR *d = opendir(directory);
    struct dirent *e;

    if (!d)
        return SYSFS_UNKNOWN;
    while (found != SYSFS_LISTED && (e = readdir(d))) {
        char below[192];
        int length =
            snprintf(below, sizeof below, "%s/%s", directory, e->d_name);

        if (e->d_name[0] == '.' || (size_t)length >= sizeof below)
            continue;
        if (has_number(below, number)) {
            snprintf(path, capacity, "%s", below);
            found = SYSFS_LISTED;
        } else if (deeper && search(below, false, number, path, capacity) ==
                                 SYSFS_LISTED) {
            found = SYSFS_LISTED;
        }
    }
    closedir(d);
    return found;
}

enum sysfs_disk sysfs_find(dev_t dev, char *path, size_t capacity)
{
    char number[32];

    snprintf(number, sizeof number, "%u:%u", major(dev), minor(dev));
    if (access("/sys/dev/block", F_OK))
        return search("/sys/block", true, number, path, capacity);
    snprintf(path, capacity, "/sys/dev/block/%s", number);
    if (access(path, F_OK) == 0)
        return SYSFS_LISTED;
    return errno == ENOENT ? SYSFS_UNLISTED : SYSFS_UNKNOWN;
}

#else

enum sysfs_disk sysfs_find(dev_t dev, char *path, size_t capacity)
{
    (void)dev;
    (void)path;
    (void)capacity;
    return SYSFS_UNKNOWN;
}

#endif
