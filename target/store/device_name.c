/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Serial numbers of disks: what sysfs tells of them and, where it does not,
 * which is on old kernels, IDENTIFY DEVICE by HDIO_GET_IDENTITY
 * (<linux/hdreg.h>; ATA8-ACS 7.16, words 10 to 19).
 */
#include "target/store/device_name.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/ioctl.h>
#endif

#include "base/errors.h"
#include "base/fd.h"
#include "base/text.h"

static const char prefix[] = "serial:";

enum {
    PATH_SIZE = 512,
    SERIAL_SIZE = 128,
    PARTITION_MAX = 255,
    VPD_HEADER = 4, /* SPC-4 7.8.1: qualifier, page code, length */
};

bool device_name_is(const char *path)
{
    return strncmp(path, prefix, sizeof prefix - 1) == 0;
}

#ifdef __linux__

/* ---- the serial number of a disk ----------------------------------------- */

static bool take_serial(char out[SERIAL_SIZE], char *text)
{
    snprintf(out, SERIAL_SIZE, "%s", text_trim(text));
    return out[0] != '\0';
}

/* An attribute, of which the first `skip` bytes are not text. */
static bool read_attribute(const char *sysfs, const char *disk,
                           const char *name, size_t skip, char out[SERIAL_SIZE])
{
    char path[PATH_SIZE], bytes[SERIAL_SIZE + VPD_HEADER];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "%s/block/%s/%s", sysfs, disk, name);
    fd = fd_open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    n = read(fd, bytes, SERIAL_SIZE - 1 + skip);
    close(fd);
    if (n <= (ssize_t)skip)
        return false;
    bytes[n] = '\0';
    return take_serial(out, bytes + skip);
}

/* Old kernels have no attribute with it.  In their answer, unlike the disk's,
 * text is in its usual order. */
static bool ask_disk(const char *dev, const char *disk, char out[SERIAL_SIZE])
{
    enum { GET_IDENTITY = 0x030d, AT_SERIAL = 20, LENGTH = 20 };
    char page[512] = {0};
    char path[PATH_SIZE];
    bool told;
    int fd;

    snprintf(path, sizeof path, "%s/%.31s", dev, disk);
    fd = fd_open(path, O_RDONLY | O_NONBLOCK, 0);
    told = fd >= 0 && ioctl(fd, GET_IDENTITY, page) == 0;
    if (fd >= 0)
        close(fd);
    if (!told)
        return false;
    page[AT_SERIAL + LENGTH] = '\0';
    return take_serial(out, page + AT_SERIAL);
}

/* Whether the disk says `serial`, in any of the ways in which it says it: a
 * disk in a USB case has one, and the case another. */
static bool has_serial(const char *sysfs, const char *dev, const char *disk,
                       const char *serial)
{
    static const struct {
        const char *name;
        size_t skip;
    } places[] = {
        {"serial", 0},
        {"device/serial", 0},
        {"device/vpd_pg80", VPD_HEADER},
        {"device/../../../../serial", 0},
    };
    char found[SERIAL_SIZE];
    bool any = false;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!read_attribute(sysfs, disk, places[i].name, places[i].skip, found))
            continue;
        any = true;
        if (strcmp(found, serial) == 0)
            return true;
    }
    return !any && strncmp(disk, "loop", 4) != 0 &&
           strncmp(disk, "ram", 3) != 0 && ask_disk(dev, disk, found) &&
           strcmp(found, serial) == 0;
}

/* ---- by name ---------------------------------------------------------------
 */

/* "WD-1-part2" is WD-1 and 2; 0: the whole disk. */
static unsigned split(const char *name, char serial[SERIAL_SIZE])
{
    char *part = NULL, *end;
    unsigned long number;

    snprintf(serial, SERIAL_SIZE, "%s", name + sizeof prefix - 1);
    for (char *at = strstr(serial, "-part"); at; at = strstr(at + 1, "-part"))
        part = at;
    if (!part || !isdigit((unsigned char)part[5]))
        return 0;
    number = strtoul(part + 5, &end, 10);
    if (*end || number == 0 || number > PARTITION_MAX)
        return 0;
    *part = '\0';
    return (unsigned)number;
}

/* The partitions of sda are sda1 and so on; those of nvme0n1, nvme0n1p1. */
static void put_path(char out[DEVICE_NAME_MAX], const char *dev,
                     const char *disk, unsigned part)
{
    bool digit = isdigit((unsigned char)disk[strlen(disk) - 1]);

    if (part)
        snprintf(out, DEVICE_NAME_MAX, "%s/%.31s%s%u", dev, disk,
                 digit ? "p" : "", part);
    else
        snprintf(out, DEVICE_NAME_MAX, "%s/%.31s", dev, disk);
}

int device_name_find(const char *name, const char *sysfs, const char *dev,
                     char out[DEVICE_NAME_MAX])
{
    char serial[SERIAL_SIZE], path[PATH_SIZE];
    unsigned part = split(name, serial), found = 0;
    struct dirent *e;
    DIR *d;

    sysfs = sysfs ? sysfs : "/sys";
    dev = dev ? dev : "/dev";
    snprintf(path, sizeof path, "%s/block", sysfs);
    d = opendir(path);
    if (!d)
        return -EOPNOTSUPP;
    while ((e = readdir(d)))
        if (e->d_name[0] != '.' && has_serial(sysfs, dev, e->d_name, serial)) {
            put_path(out, dev, e->d_name, part);
            found++;
        }
    closedir(d);
    if (found > 1)
        return -ENOTUNIQ;
    return found ? 0 : -ENODEV;
}

#else

int device_name_find(const char *name, const char *sysfs, const char *dev,
                     char out[DEVICE_NAME_MAX])
{
    (void)name;
    (void)sysfs;
    (void)dev;
    (void)out;
    return -EOPNOTSUPP;
}

#endif

/* ---- using it --------------------------------------------------------------
 */

static int find(const char *name, char out[DEVICE_NAME_MAX])
{
    int err = device_name_find(name, NULL, NULL, out);

    if (err)
        errno = -err;
    return err ? -1 : 0;
}

const char *device_name_error(const char *path, int err)
{
    if (device_name_is(path) && err == -ENODEV)
        return "no disk here has this serial number";
    if (device_name_is(path) && err == -ENOTUNIQ)
        return "several disks have this serial number; name the device";
    return strerror(-err);
}

/* A read need not mark the file as read: that is work, and writes to a disk
 * which only reads are asked of.  Only the owner may leave it. */
static int open_unmarked(const char *path, int flags)
{
#ifdef O_NOATIME
    int fd = fd_open(path, flags | O_NOATIME, 0);

    if (fd >= 0 || errno != EPERM)
        return fd;
#endif
    return fd_open(path, flags, 0);
}

int device_open(const char *path, int flags)
{
    char before[DEVICE_NAME_MAX], after[DEVICE_NAME_MAX];
    struct stat opened, now;
    int fd;

    if (!device_name_is(path))
        return open_unmarked(path, flags);
    if (find(path, before))
        return -1;
    fd = open_unmarked(before, flags);
    if (fd < 0)
        return -1;
    /* Letters are given again as soon as they are free. */
    if (find(path, after) == 0 && strcmp(before, after) == 0 &&
        fstat(fd, &opened) == 0 && stat(after, &now) == 0 &&
        S_ISBLK(opened.st_mode) && opened.st_rdev == now.st_rdev)
        return fd;
    close(fd);
    errno = ESTALE;
    return -1;
}

int device_stat(const char *path, struct stat *st)
{
    char found[DEVICE_NAME_MAX];

    if (!device_name_is(path))
        return stat(path, st);
    return find(path, found) ? -1 : stat(found, st);
}
