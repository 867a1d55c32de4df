/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who uses a file or device, according to /proc and /sys.  Where there is no
 * Linux, nothing is known.
 */
#include "target/store/in_use.h"

#ifdef __linux__

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mount_table.h"
#include "base/swap_table.h"
#include "target/store/sysfs.h"

bool in_use_part_of(dev_t dev, dev_t disk)
{
    char path[PATH_MAX], link[192];
    struct stat part, whole;

    if (dev == disk)
        return true;
    /* A partition's directory lies in that of its disk. */
    if (sysfs_find(dev, link, sizeof link) != SYSFS_LISTED ||
        !realpath(link, path) || strlen(path) + 4 > sizeof path)
        return false;
    strcat(path, "/..");
    if (stat(path, &part))
        return false;
    return sysfs_find(disk, link, sizeof link) == SYSFS_LISTED &&
           stat(link, &whole) == 0 && part.st_ino == whole.st_ino &&
           part.st_dev == whole.st_dev;
}

/* What was found so far; a use that writes replaces one that reads. */
struct finding {
    enum in_use use;
    char *out;
    size_t capacity;
};

static void find(struct finding *f, bool writes, const char *what,
                 const char *where)
{
    if (f->use != IN_USE_NOT && (f->use == IN_USE_WRITING || !writes))
        return;
    f->use = writes ? IN_USE_WRITING : IN_USE_READING;
    snprintf(f->out, f->capacity, "%s%.180s", what, where);
}

static dev_t device_of(const struct mount_entry *mount)
{
    unsigned major_of = 0, minor_of = 0;

    sscanf(mount->device, "%u:%u", &major_of, &minor_of);
    return makedev(major_of, minor_of);
}

/* Some file systems have a device number of their own; the source of the mount
 * says which device they are on. */
static bool is_on(const struct mount_entry *mount, dev_t disk, dev_t *part)
{
    struct stat st;

    *part = device_of(mount);
    if (in_use_part_of(*part, disk))
        return true;
    if (mount->source[0] != '/' || stat(mount->source, &st) ||
        !S_ISBLK(st.st_mode))
        return false;
    *part = st.st_rdev;
    return in_use_part_of(st.st_rdev, disk);
}

static void mounted(dev_t disk, struct finding *f)
{
    struct mount_table table;
    struct mount_entry mount;
    dev_t part;

    mount_table_open(&table, "/proc/self/mountinfo");
    while (mount_table_next(&table, &mount)) {
        /* Of the file system: a single mount need not say that it is writable.
         */
        bool writes = strncmp(mount.super_options, "ro", 2) != 0;
        char what[64];

        if (!is_on(&mount, disk, &part))
            continue;
        snprintf(what, sizeof what, "%smounted %son ",
                 part == disk ? "" : "a partition of it is ",
                 writes ? "" : "read-only ");
        find(f, writes, what, mount.dir);
    }
    mount_table_close(&table);
}

/* Compares by device number for block devices, by inode for files. */
static bool swaps_to(void *arg, const char *path)
{
    const struct stat *what = arg;
    struct stat st;

    if (stat(path, &st))
        return false;
    if (S_ISBLK(what->st_mode))
        return S_ISBLK(st.st_mode) && in_use_part_of(st.st_rdev, what->st_rdev);
    return st.st_dev == what->st_dev && st.st_ino == what->st_ino;
}

static void swapped(struct stat *what, struct finding *f)
{
    if (swap_table_find("/proc/swaps", swaps_to, what))
        find(f, true, "used as swap", "");
}

/* Unless the system says that it is read-only. */
static bool writable(const char *device)
{
    char path[320], c = '0';
    FILE *file;

    snprintf(path, sizeof path, "/sys/class/block/%s/ro", device);
    file = fopen(path, "re");
    if (file && fread(&c, 1, 1, file) != 1)
        c = '0';
    if (file)
        fclose(file);
    return c != '1';
}

/* A device that an array, a volume group or the like is built on. */
static void held(dev_t disk, struct finding *f)
{
    char directory[192], path[256];
    struct dirent *e;
    DIR *d;

    if (sysfs_find(disk, directory, sizeof directory) != SYSFS_LISTED)
        return;
    snprintf(path, sizeof path, "%s/holders", directory);
    d = opendir(path);
    while (d && (e = readdir(d))) {
        if (e->d_name[0] != '.')
            find(f, writable(e->d_name), "part of /dev/", e->d_name);
    }
    if (d)
        closedir(d);
}

enum in_use in_use_device(int fd, char *out, size_t capacity)
{
    struct finding f = {.out = out, .capacity = capacity};
    struct stat st;

    if (fstat(fd, &st))
        return IN_USE_NOT;
    mounted(st.st_rdev, &f);
    swapped(&st, &f);
    held(st.st_rdev, &f);
    return f.use;
}

static bool backs(const char *loop, const struct stat *file)
{
    char path[320], name[PATH_MAX];
    struct stat st;
    FILE *f;
    bool same = false;

    snprintf(path, sizeof path, "/sys/block/%s/loop/backing_file", loop);
    f = fopen(path, "re");
    if (f && fgets(name, sizeof name, f)) {
        name[strcspn(name, "\n")] = '\0';
        same = stat(name, &st) == 0 && st.st_dev == file->st_dev &&
               st.st_ino == file->st_ino;
    }
    if (f)
        fclose(f);
    return same;
}

static void looped(const struct stat *file, struct finding *f)
{
    DIR *d = opendir("/sys/block");
    struct dirent *e;

    while (d && (e = readdir(d))) {
        if (strncmp(e->d_name, "loop", 4) != 0 || !backs(e->d_name, file))
            continue;
        find(f, writable(e->d_name),
             writable(e->d_name) ? "attached to /dev/"
                                 : "attached read-only to /dev/",
             e->d_name);
    }
    if (d)
        closedir(d);
}

enum in_use in_use_file(int fd, char *out, size_t capacity)
{
    struct finding f = {.out = out, .capacity = capacity};
    struct stat st;

    if (fstat(fd, &st))
        return IN_USE_NOT;
    swapped(&st, &f);
    looped(&st, &f);
    return f.use;
}

#else

bool in_use_part_of(dev_t dev, dev_t disk)
{
    return dev == disk;
}

enum in_use in_use_device(int fd, char *out, size_t capacity)
{
    (void)fd;
    (void)out;
    (void)capacity;
    return IN_USE_NOT;
}

enum in_use in_use_file(int fd, char *out, size_t capacity)
{
    (void)fd;
    (void)out;
    (void)capacity;
    return IN_USE_NOT;
}

#endif
