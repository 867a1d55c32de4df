/* SPDX-License-Identifier: BSD-2-Clause
 *
 * /sys/block/nbdN, and the locks that tell who serves a device.
 */
#include "bridge/aoe-nbd/kernel/device.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/options.h"

#define LOCKS "/run/aoe-nbd"

/* ---- names --------------------------------------------------------------- */

void kernel_backend(char out[KERNEL_BACKEND_MAX], const struct aoe_disk *disk)
{
    int n = snprintf(out, KERNEL_BACKEND_MAX, "aoe %s ", aoe_disk_name(disk));
    const char *serial = aoe_disk_identity(disk)->serial;

    /* Anything may be in a serial number from the wire, and this goes to
     * udev. */
    for (; *serial && n < KERNEL_BACKEND_MAX - 1; serial++)
        out[n++] = isalnum((unsigned char)*serial) || strchr("-._", *serial)
                       ? *serial
                       : '_';
    out[n] = '\0';
}

static int index_of(const char *digits)
{
    uint64_t n;

    return isdigit((unsigned char)*digits) &&
                   !option_u64(digits, 0, INT_MAX / 64, &n)
               ? (int)n
               : -1;
}

int kernel_device_index(const char *path)
{
    static const char start[] = "/dev/nbd";
    char *real = realpath(path, NULL);
    int index = -1;

    /* Without the driver there is no such file, but the name is valid. */
    if (!strncmp(real ? real : path, start, sizeof start - 1))
        index = index_of((real ? real : path) + sizeof start - 1);
    free(real);
    return index;
}

/* ---- sysfs --------------------------------------------------------------- */

bool kernel_sysfs_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool got = file && fgets(line, (int)size, file);

    if (file)
        fclose(file);
    if (got)
        line[strcspn(line, "\n")] = '\0';
    return got;
}

static bool attribute(int index, const char *name, char *line, size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/sys/block/nbd%d/%s", index, name);
    return kernel_sysfs_line(path, line, size);
}

bool kernel_device_read(struct kernel_device *d, int index)
{
    char line[32];
    uint64_t sectors;

    *d = (struct kernel_device){.index = index};
    /* There is a pid only while it is connected. */
    if (!attribute(index, "pid", line, sizeof line) ||
        !attribute(index, "backend", d->backend, sizeof d->backend) ||
        sscanf(d->backend, "aoe %15s", d->disk) != 1)
        return false;
    if (attribute(index, "size", line, sizeof line) &&
        !option_u64(line, 0, UINT64_MAX / 512, &sectors))
        d->size = sectors * 512; /* the unit of sysfs, for any block size */
    d->read_only = attribute(index, "ro", line, sizeof line) && line[0] == '1';
    return true;
}

void kernel_device_each(void (*each)(void *arg, const struct kernel_device *d),
                        void *arg)
{
    static const char start[] = "/sys/block/nbd";
    struct kernel_device d;
    glob_t found;

    if (glob("/sys/block/nbd*", 0, NULL, &found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        int index = index_of(found.gl_pathv[i] + sizeof start - 1);

        if (index >= 0 && kernel_device_read(&d, index))
            each(arg, &d);
    }
    globfree(&found);
}

struct wanted {
    const char *disk;
    struct kernel_device *found;
    bool any;
};

static void match(void *arg, const struct kernel_device *d)
{
    struct wanted *w = arg;

    if (strcmp(d->disk, w->disk) != 0)
        return;
    *w->found = *d;
    w->any = true;
}

bool kernel_device_find(struct kernel_device *d, const char *disk)
{
    struct wanted w = {.disk = disk, .found = d};

    kernel_device_each(match, &w);
    return w.any;
}

void kernel_device_announce(int index)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/sys/block/nbd%d/uevent", index);
    file = fopen(path, "we");
    if (!file)
        return;
    fputs("change\n", file);
    fclose(file);
}

/* ---- locks --------------------------------------------------------------- */

static int open_lock(int index, int flags)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, LOCKS "/nbd%d.lock", index);
    fd = fd_open(path, flags | O_NOFOLLOW, 0600);
    return fd < 0 ? -errno : fd;
}

static struct flock lock_of(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

int kernel_server_lock(int index)
{
    struct flock lock = lock_of(F_WRLCK);
    int fd;

    if (mkdir(LOCKS, 0755) && errno != EEXIST)
        return -errno;
    fd = open_lock(index, O_RDWR | O_CREAT);
    if (fd < 0)
        return fd;
    /* Anyone who can read the file can lock it, and keep us from serving. */
    fchmod(fd, 0600);
    if (!fcntl(fd, F_SETLK, &lock))
        return fd;
    close(fd);
    return -EAGAIN;
}

/* Of fixed length, so that each overwrites the last. */
void kernel_server_note(int lock, uint64_t epoch)
{
    char line[32];
    int length = snprintf(line, sizeof line, "epoch %012" PRIx64 "\n", epoch);

    if (pwrite(lock, line, (size_t)length, 0) != length)
        log_error("connect: noting the disk's loss epoch: %s; a server that "
                  "resumes the device may report a loss that did not happen",
                  strerror(errno));
}

uint64_t kernel_server_noted(int lock)
{
    char line[32] = "";
    uint64_t epoch = 0;

    if (pread(lock, line, sizeof line - 1, 0) < 0 ||
        sscanf(line, "epoch %" SCNx64, &epoch) != 1)
        return 0;
    return epoch;
}

pid_t kernel_server(int index)
{
    struct flock lock = lock_of(F_WRLCK);
    int fd = open_lock(index, O_RDONLY);

    if (fd < 0)
        return fd == -ENOENT ? 0 : KERNEL_SERVER_HIDDEN;
    if (fcntl(fd, F_GETLK, &lock))
        lock.l_pid = -1;
    close(fd);
    if (lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid > 0 ? lock.l_pid : -1; /* 0: in another container */
}

int kernel_server_wait(int index)
{
    struct flock lock = lock_of(F_RDLCK);
    int fd = open_lock(index, O_RDONLY), err = 0;

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    while (fcntl(fd, F_SETLKW, &lock)) {
        if (errno == EINTR)
            continue;
        err = -errno;
        break;
    }
    close(fd);
    return err;
}
