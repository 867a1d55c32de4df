/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads /proc and /sys for who uses a file or device.  Elsewhere than on Linux
 * nothing is known.
 */
#include "target/in_use.h"

#ifdef __linux__

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Whether `dev` is `disk` or a partition of it. */
static bool belongs(dev_t dev, dev_t disk)
{
    char path[PATH_MAX], link[64];
    struct stat part, whole;

    if (dev == disk)
        return true;
    /* A partition's directory lies in that of its disk. */
    snprintf(link, sizeof link, "/sys/dev/block/%u:%u", major(dev), minor(dev));
    if (!realpath(link, path) || strlen(path) + 4 > sizeof path)
        return false;
    strcat(path, "/..");
    if (stat(path, &part))
        return false;
    snprintf(link, sizeof link, "/sys/dev/block/%u:%u/.", major(disk),
             minor(disk));
    return stat(link, &whole) == 0 && part.st_ino == whole.st_ino &&
           part.st_dev == whole.st_dev;
}

/* Names in /proc write blanks and the like as backslash and three octal
 * digits. */
static void unescape(char *s)
{
    char *out = s;

    while (*s) {
        if (s[0] == '\\' && s[1] && s[2] && s[3]) {
            *out++ =
                (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 4;
        } else {
            *out++ = *s++;
        }
    }
    *out = '\0';
}

static bool mounted(dev_t disk, char *out, size_t room)
{
    char line[4096], source[PATH_MAX], where[PATH_MAX];
    FILE *f = fopen("/proc/self/mounts", "re");
    bool found = false;

    while (f && !found && fgets(line, sizeof line, f)) {
        struct stat st;

        if (sscanf(line, "%4095s %4095s", source, where) != 2)
            continue;
        unescape(source);
        unescape(where);
        if (source[0] != '/' || stat(source, &st) || !S_ISBLK(st.st_mode) ||
            !belongs(st.st_rdev, disk))
            continue;
        snprintf(out, room, "%smounted on %.180s",
                 st.st_rdev == disk ? "" : "a partition of it is ", where);
        found = true;
    }
    if (f)
        fclose(f);
    return found;
}

/* Compares by device number for block devices, by inode for files. */
static bool swapped(const struct stat *what, char *out, size_t room)
{
    char line[4096], name[PATH_MAX];
    FILE *f = fopen("/proc/swaps", "re");
    bool found = false;

    while (f && !found && fgets(line, sizeof line, f)) {
        struct stat st;

        if (sscanf(line, "%4095s", name) != 1 || name[0] != '/')
            continue;
        unescape(name);
        if (stat(name, &st))
            continue;
        if (S_ISBLK(what->st_mode))
            found = S_ISBLK(st.st_mode) && belongs(st.st_rdev, what->st_rdev);
        else
            found = st.st_dev == what->st_dev && st.st_ino == what->st_ino;
    }
    if (f)
        fclose(f);
    if (found)
        snprintf(out, room, "used as swap");
    return found;
}

/* A device that others, such as an array or a volume group, are built on. */
static bool held(dev_t disk, char *out, size_t room)
{
    char path[64];
    struct dirent *e;
    bool found = false;
    DIR *d;

    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/holders", major(disk),
             minor(disk));
    d = opendir(path);
    while (d && !found && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(out, room, "part of /dev/%.64s", e->d_name);
        found = true;
    }
    if (d)
        closedir(d);
    return found;
}

bool in_use_device(int fd, char *out, size_t room)
{
    struct stat st;

    if (fstat(fd, &st))
        return false;
    return mounted(st.st_rdev, out, room) || swapped(&st, out, room) ||
           held(st.st_rdev, out, room);
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

static bool looped(const struct stat *file, char *out, size_t room)
{
    DIR *d = opendir("/sys/block");
    struct dirent *e;
    bool found = false;

    while (d && !found && (e = readdir(d))) {
        if (strncmp(e->d_name, "loop", 4) != 0 || !backs(e->d_name, file))
            continue;
        snprintf(out, room, "attached to /dev/%.64s", e->d_name);
        found = true;
    }
    if (d)
        closedir(d);
    return found;
}

bool in_use_file(int fd, char *out, size_t room)
{
    struct stat st;

    if (fstat(fd, &st))
        return false;
    return swapped(&st, out, room) || looped(&st, out, room);
}

#else

bool in_use_device(int fd, char *out, size_t room)
{
    (void)fd;
    (void)out;
    (void)room;
    return false;
}

bool in_use_file(int fd, char *out, size_t room)
{
    (void)fd;
    (void)out;
    (void)room;
    return false;
}

#endif
