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

bool in_use_part_of(dev_t dev, dev_t disk)
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

/* A line of mountinfo: which device, where, and whether its file system is
 * writable, which a single mount of it need not say. */
struct mount {
    dev_t dev;
    char source[PATH_MAX], where[PATH_MAX];
    bool writes;
};

static bool read_mount(char *line, struct mount *m)
{
    unsigned major_of, minor_of;
    char *rest = strstr(line, " - "), options[8];

    if (!rest ||
        sscanf(line, "%*s %*s %u:%u %*s %4095s", &major_of, &minor_of,
               m->where) != 3 ||
        sscanf(rest, " - %*s %4095s %7s", m->source, options) != 2)
        return false;
    m->dev = makedev(major_of, minor_of);
    m->writes = strncmp(options, "ro", 2) != 0;
    unescape(m->source);
    unescape(m->where);
    return true;
}

/* Some file systems have a device number of their own; the source of the mount
 * says which device they are on. */
static bool mount_of(const struct mount *m, dev_t disk, dev_t *part)
{
    struct stat st;

    *part = m->dev;
    if (in_use_part_of(m->dev, disk))
        return true;
    if (m->source[0] != '/' || stat(m->source, &st) || !S_ISBLK(st.st_mode))
        return false;
    *part = st.st_rdev;
    return in_use_part_of(st.st_rdev, disk);
}

static void mounted(dev_t disk, struct finding *f)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    struct mount m;
    char *line = NULL;
    size_t capacity = 0;
    dev_t part;

    while (file && getline(&line, &capacity, file) > 0) {
        char what[64];

        if (!read_mount(line, &m) || !mount_of(&m, disk, &part))
            continue;
        snprintf(what, sizeof what, "%smounted %son ",
                 part == disk ? "" : "a partition of it is ",
                 m.writes ? "" : "read-only ");
        find(f, m.writes, what, m.where);
    }
    free(line);
    if (file)
        fclose(file);
}

/* Compares by device number for block devices, by inode for files. */
static void swapped(const struct stat *what, struct finding *f)
{
    char line[4096], name[PATH_MAX];
    FILE *file = fopen("/proc/swaps", "re");

    while (file && fgets(line, sizeof line, file)) {
        struct stat st;

        if (sscanf(line, "%4095s", name) != 1 || name[0] != '/')
            continue;
        unescape(name);
        if (stat(name, &st))
            continue;
        if (S_ISBLK(what->st_mode)
                ? S_ISBLK(st.st_mode) &&
                      in_use_part_of(st.st_rdev, what->st_rdev)
                : st.st_dev == what->st_dev && st.st_ino == what->st_ino)
            find(f, true, "used as swap", "");
    }
    if (file)
        fclose(file);
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
    char path[64];
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/holders", major(disk),
             minor(disk));
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
