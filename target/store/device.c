/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a file or block device is like.  Everything only Linux tells is between
 * #ifdef __linux__; elsewhere a disk has 512-byte sectors, rotates perhaps, and
 * is not trimmed.
 */
#include "target/store/device.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#endif

#include "base/fd.h"
#include "base/fnv.h"
#include "target/store/device_name.h"
#include "target/store/sysfs.h"

/* Identity of last resort: a name on this machine. */
static uint64_t hash_place(uint64_t h, const char *name)
{
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    h = fnv64(h, host, strlen(host));
    return fnv64(h, name, strlen(name));
}

static uint64_t hash_path(uint64_t h, const char *path)
{
    char name[PATH_MAX];

    return hash_place(h, realpath(path, name) ? name : path);
}

#ifdef __linux__

/* From <linux/fs.h>, which a C library that is not the system's, as musl often
 * is, does not find. */
#ifndef BLKSSZGET
#define BLKSSZGET _IO(0x12, 104)
#endif
#ifndef BLKPBSZGET
#define BLKPBSZGET _IO(0x12, 123)
#endif
#ifndef TMPFS_MAGIC
#define TMPFS_MAGIC 0x01021994
#endif
#ifndef RAMFS_MAGIC
#define RAMFS_MAGIC 0x858458f6
#endif

static void probe_direct(struct device *d, int fd)
{
#ifdef STATX_DIOALIGN
    struct statx sx;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) == 0 &&
        sx.stx_mask & STATX_DIOALIGN && sx.stx_dio_offset_align) {
        d->direct_memory = sx.stx_dio_mem_align ? sx.stx_dio_mem_align : 1;
        d->direct_offset = sx.stx_dio_offset_align;
    }
#else
    (void)d;
    (void)fd;
#endif
}

/* ---- what sysfs tells about a block device ------------------------------ */

/* Reads an attribute of the disk `dev` as it is: its length, or <= 0.
 * `of_disk`: one that a partition has only in the directory of its whole
 * disk. */
static ssize_t read_bytes(dev_t dev, bool of_disk, const char *name, char *out,
                          size_t capacity)
{
    char directory[192], path[256];
    ssize_t n = -1;

    if (sysfs_find(dev, directory, sizeof directory) != SYSFS_LISTED)
        return -1;
    for (int up = 0; n <= 0 && up <= (of_disk ? 1 : 0); up++) {
        int fd;

        snprintf(path, sizeof path, "%s/%s%s", directory, up ? "../" : "",
                 name);
        fd = fd_open(path, O_RDONLY, 0);
        if (fd < 0)
            continue;
        n = read(fd, out, capacity);
        close(fd);
    }
    return n;
}

/* The same of a text, without its line end. */
static bool read_attribute(dev_t dev, bool of_disk, const char *name, char *out,
                           size_t capacity)
{
    ssize_t n = read_bytes(dev, of_disk, name, out, capacity - 1);

    if (n <= 0)
        return false;
    out[n] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return out[0] != '\0';
}

static uint64_t block_identity(dev_t dev, const char *path, bool *unnamed)
{
    /* Each identifies the storage itself, not where it is plugged in. */
    static const char *const names[] = {
        "dm/uuid", "md/uuid", "wwid", "device/wwid", "serial", "device/serial"};
    enum { NAMES = sizeof names / sizeof names[0] };
    char text[256];
    uint64_t h = fnv64(FNV64_START, "block", 5);
    unsigned i = 0;

    *unnamed = false;
    while (i < NAMES && !read_attribute(dev, true, names[i], text, sizeof text))
        i++;
    if (i < NAMES)
        h = fnv64(h, text, strlen(text));
    else if (read_attribute(dev, true, "loop/backing_file", text, sizeof text))
        h = hash_place(h, text); /* not the loop device, which is reused */
    else {
        /* The path as it was given: /dev/disk/by-id/... may lead to another
         * /dev/sdX each time.  By serial:... it was found by what it says. */
        *unnamed = !device_name_is(path);
        return hash_place(h, path);
    }
    if (read_attribute(dev, false, "partition", text, sizeof text))
        h = fnv64(h, text, strlen(text));
    return h;
}

/* Serial numbers that are not part of the identity, which exports' serial
 * numbers were made from before these were read: that of a SCSI disk (VPD page
 * 80h), and that of the USB device around it. */
static uint64_t block_naming(dev_t dev)
{
    static const char *const names[] = {"device/vpd_pg80",
                                        "device/../../../../serial"};
    uint64_t h = 0;
    char bytes[256];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ssize_t n = read_bytes(dev, true, names[i], bytes, sizeof bytes);

        if (n > 0)
            h = fnv64(h ? h : FNV64_START, bytes, (size_t)n);
    }
    return h;
}

static void probe_block(struct device *d, int fd, dev_t dev, const char *path,
                        bool read_only)
{
    char text[64];
    unsigned physical = 0;
    int logical = 0;

    if (ioctl(fd, BLKSSZGET, &logical) == 0 && logical >= 512)
        d->logical_sector = (uint32_t)logical;
    if (ioctl(fd, BLKPBSZGET, &physical) == 0 && physical >= 512)
        d->physical_sector = physical;
    d->direct_memory = d->direct_offset = d->logical_sector;
    probe_direct(d, fd);
    d->solid =
        read_attribute(dev, true, "queue/rotational", text, sizeof text) &&
        strcmp(text, "0") == 0;
    d->can_trim = !read_only &&
                  read_attribute(dev, true, "queue/discard_max_bytes", text,
                                 sizeof text) &&
                  strcmp(text, "0") != 0;
    d->identity = block_identity(dev, path, &d->unnamed);
    d->naming = block_naming(dev);
    d->unnamed = d->unnamed && d->naming == 0;
}

/* ---- what the file system tells about a regular file -------------------- */

/* Before Linux 2.6.38, ext4 and others took any mode together with KEEP_SIZE
 * for that alone: they allocated the range that was to become a hole, left its
 * data and reported success.  A mode that nobody has tells: it is refused, or
 * else the range is, which no file can have, before anything is done. */
static bool knows_modes(int fd)
{
    enum { NOBODY_HAS = 0x40000000 };

    return fallocate(fd, NOBODY_HAS | FALLOC_FL_KEEP_SIZE, INT64_MAX, 2) &&
           errno == EOPNOTSUPP;
}

/* Punching a hole beyond the end of a file changes nothing, but tells whether
 * the file system can. */
static bool can_punch(int fd, uint64_t size)
{
    off_t past = (off_t)((size + 65535) / 65536 * 65536);

    return knows_modes(fd) &&
           fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, past,
                     65536) == 0;
}

/* XFS, FAT and others identify themselves by their device number, which differs
 * when disks are found in another order. */
static bool fsid_is_device(const void *fsid, dev_t dev)
{
    uint32_t id[2];

    memcpy(id, fsid, sizeof id);
    return id[1] == 0 &&
           id[0] == (((uint32_t)minor(dev) & 0xff) | (uint32_t)major(dev) << 8 |
                     ((uint32_t)minor(dev) & ~0xffu) << 12);
}

/* `fsid` is what statfs(2) calls so. */
static uint64_t file_system_identity(const void *fsid, dev_t dev,
                                     const char *path)
{
    static const uint8_t none[8];
    uint64_t h = fnv64(FNV64_START, "file", 4);

    if (memcmp(fsid, none, sizeof none) == 0)
        return hash_path(h, path);
    if (major(dev) && fsid_is_device(fsid, dev)) {
        bool unnamed;
        uint64_t of_disk = block_identity(dev, path, &unnamed);

        return fnv64(h, &of_disk, sizeof of_disk);
    }
    return fnv64(h, fsid, sizeof none);
}

static void probe_file(struct device *d, int fd, const struct stat *st,
                       const char *path, bool read_only)
{
    struct statfs fs = {0};
    uint64_t ino = st->st_ino;

    probe_direct(d, fd);
    d->can_trim = d->trim_zeroes = !read_only && can_punch(fd, d->size);
    if (fstatfs(fd, &fs) == 0)
        d->in_memory = (uint32_t)fs.f_type == TMPFS_MAGIC ||
                       (uint32_t)fs.f_type == RAMFS_MAGIC;
    d->identity = file_system_identity(&fs.f_fsid, st->st_dev, path);
    d->identity = fnv64(d->identity, &ino, sizeof ino);
}

#else /* not Linux */

static void probe_block(struct device *d, int fd, dev_t dev, const char *path,
                        bool read_only)
{
    (void)fd;
    (void)dev;
    (void)read_only;
    d->unnamed = true;
    d->identity = hash_place(fnv64(FNV64_START, "block", 5), path);
}

static void probe_file(struct device *d, int fd, const struct stat *st,
                       const char *path, bool read_only)
{
    uint64_t ino = st->st_ino;

    (void)fd;
    (void)read_only;
    d->identity = hash_path(fnv64(FNV64_START, "file", 4), path);
    d->identity = fnv64(d->identity, &ino, sizeof ino);
}

#endif

int device_probe(struct device *d, int fd, const char *path, bool read_only)
{
    struct stat st;
    int err;

    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return -ENOTBLK;
    *d = (struct device){.block = S_ISBLK(st.st_mode),
                         .logical_sector = 512,
                         .physical_sector = 512,
                         .direct_memory = 512,
                         .direct_offset = 512};
    err = device_size(fd, &d->size);
    if (err)
        return err;
    if (d->block)
        probe_block(d, fd, st.st_rdev, path, read_only);
    else
        probe_file(d, fd, &st, path, read_only);
    return 0;
}
