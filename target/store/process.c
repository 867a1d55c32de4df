/* SPDX-License-Identifier: BSD-2-Clause
 *
 * proc(5): /proc/PID/comm, cmdline, fd and fdinfo.
 */
#include "target/store/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __linux__

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

/* The most arguments of a target that are looked at. */
enum { ARGUMENTS = 32, POSITIONAL = 4, ACCESS = 3 };

/* Returns the bytes that were read, and ends them with a zero. */
static size_t slurp(const char *path, char *out, size_t capacity)
{
    int fd = fd_open(path, O_RDONLY, 0);
    size_t used = 0;
    ssize_t n = 1;

    while (fd >= 0 && n > 0 && used < capacity - 1) {
        n = read(fd, out + used, capacity - 1 - used);
        if (n > 0)
            used += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    out[used] = '\0';
    return used;
}

/* ---- who it is ------------------------------------------------------------
 */

static enum process_kind kind_of(const char *name)
{
    if (strcmp(name, "vblade") == 0)
        return PROCESS_VBLADE;
    if (strcmp(name, "aoe-target") == 0)
        return PROCESS_AOE_TARGET;
    if (strcmp(name, "ggaoed") == 0 || strcmp(name, "qaoed") == 0)
        return PROCESS_SERVER;
    return PROCESS_OTHER;
}

/* Not strictly: vblade cuts off what does not fit. */
static bool number(const char *text, uint64_t *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *end;

    *out = strtoull(text, &end, hex ? 16 : 10);
    return end != text && *end == '\0';
}

/* "-o 100", "-o100" or, behind letters that take nothing, "-do100". */
static void read_flag(struct process *p, const char *word, const char *next)
{
    size_t at = strcspn(word, "ol");
    const char *value = word[at] && word[at + 1] ? word + at + 1 : next;
    uint64_t n;

    if (word[0] != '-' || word[1] == '-' || !word[at] || !value ||
        strspn(word + 1, "dsr") + 1 != at || !number(value, &n))
        return;
    if (word[at] == 'o')
        p->offset = n;
    else
        p->length = n;
}

/* SHELF SLOT NETIF FILE, the last four of vblade and of ours. */
static void read_line(struct process *p, char **argv, unsigned argc)
{
    char **last = argv + argc - POSITIONAL;
    uint64_t shelf, slot;

    if (argc <= POSITIONAL || !number(last[0], &shelf) ||
        !number(last[1], &slot))
        return;
    p->addr = (struct aoe_addr){(uint16_t)shelf, (uint8_t)slot};
    snprintf(p->interfaces, sizeof p->interfaces, "%s", last[2]);
    p->told = true;
    for (char **word = argv + 1; word < last; word++)
        read_flag(p, *word, word + 1 < last ? word[1] : NULL);
}

/* One of ours may have a remark behind its command line (base/title.h), which
 * then is one string. */
static size_t drop_remark(char *text, size_t len)
{
    char *remark = NULL;

    if (strlen(text) + 1 < len)
        return len;
    for (char *at = strstr(text, " ["); at; at = strstr(at + 1, " ["))
        remark = at;
    if (!remark)
        return len;
    *remark = '\0';
    for (char *at = text; *at; at++)
        if (*at == ' ')
            *at = '\0';
    return (size_t)(remark - text) + 1;
}

static void read_arguments(struct process *p, char *text, size_t len)
{
    char *argv[ARGUMENTS];
    unsigned argc = 0;

    for (char *at = text; at < text + len && argc < ARGUMENTS;
         at += strlen(at) + 1) {
        if (strncmp(at, "--config", 8) == 0)
            return;
        argv[argc++] = at;
    }
    if (argc < ARGUMENTS)
        read_line(p, argv, argc);
}

/* The kernel's name for it, or the one that it was started by. */
static void read_name(struct process *p, char *text)
{
    char path[64], comm[sizeof p->name];
    const char *slash = strrchr(text, '/');

    snprintf(path, sizeof path, "/proc/%ld/comm", (long)p->pid);
    slurp(path, comm, sizeof comm);
    comm[strcspn(comm, "\n")] = '\0';
    snprintf(p->name, sizeof p->name, "%.31s", slash ? slash + 1 : text);
    if (!p->name[0] || kind_of(comm) != PROCESS_OTHER)
        memcpy(p->name, comm, sizeof p->name);
}

bool process_read(struct process *p, pid_t pid)
{
    char path[64], text[4096];
    size_t len;

    *p = (struct process){.pid = pid};
    snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
    if (access(path, F_OK))
        return false;
    len = slurp(path, text, sizeof text);
    read_name(p, text);
    p->kind = kind_of(p->name);
    if (p->kind == PROCESS_AOE_TARGET)
        len = drop_remark(text, len);
    if (p->kind == PROCESS_VBLADE || p->kind == PROCESS_AOE_TARGET)
        read_arguments(p, text, len);
    return true;
}

/* ---- what it has open -----------------------------------------------------
 */

static bool each_of(pid_t pid,
                    bool (*each)(void *arg, pid_t pid, const char *path),
                    void *arg)
{
    char path[300];
    struct dirent *e;
    bool enough = false;
    DIR *d;

    snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    d = opendir(path);
    while (d && !enough && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%ld/fd/%s", (long)pid, e->d_name);
        enough = each(arg, pid, path);
    }
    if (d)
        closedir(d);
    return enough;
}

bool process_each_file(bool (*each)(void *arg, pid_t pid, const char *path),
                       void *arg)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    bool enough = false;

    while (d && !enough && (e = readdir(d))) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

        if (pid > 0 && pid != getpid())
            enough = each_of(pid, each, arg);
    }
    if (d)
        closedir(d);
    return enough;
}

bool process_file_stat(const char *path, struct stat *st)
{
    struct stat found;

#if defined AT_STATX_DONT_SYNC && defined STATX_INO
    struct statx sx;

    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO,
              &sx) == 0) {
        *st = (struct stat){
            .st_mode = sx.stx_mode,
            .st_ino = sx.stx_ino,
            .st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
            .st_rdev = makedev(sx.stx_rdev_major, sx.stx_rdev_minor),
        };
        return true;
    }
    if (errno != ENOSYS && errno != EPERM)
        return false;
#endif
    if (stat(path, &found))
        return false;
    *st = found;
    return true;
}

/* "/proc/7/fd/3" tells its flags and locks in "/proc/7/fdinfo/3". */
static void read_info(const char *path, char *out, size_t capacity)
{
    const char *name = strrchr(path, '/');
    char info[300];

    snprintf(info, sizeof info, "%.*sinfo%s", (int)(name - path), path, name);
    slurp(info, out, capacity);
}

/* The link of a file that is open for writing looks writable.  That is all that
 * kernels before 2.6.22 tell. */
static bool link_writes(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && st.st_mode & S_IWUSR;
}

bool process_file_writes(const char *path)
{
    char info[1024];
    const char *flags;

    read_info(path, info, sizeof info);
    flags = strstr(info, "flags:");
    return flags ? (strtoul(flags + 6, NULL, 8) & ACCESS) != O_RDONLY
                 : link_writes(path);
}

bool process_file_locked(const char *path)
{
    char info[1024];

    read_info(path, info, sizeof info);
    return strstr(info, "\nlock:");
}

#else

bool process_read(struct process *p, pid_t pid)
{
    *p = (struct process){.pid = pid};
    return false;
}

bool process_each_file(bool (*each)(void *arg, pid_t pid, const char *path),
                       void *arg)
{
    (void)each;
    (void)arg;
    return false;
}

bool process_file_stat(const char *path, struct stat *st)
{
    return stat(path, st) == 0;
}

bool process_file_writes(const char *path)
{
    (void)path;
    return false;
}

bool process_file_locked(const char *path)
{
    (void)path;
    return false;
}

#endif
