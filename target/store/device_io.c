/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls on files and block devices.  Where the system lacks one, it returns
 * -EOPNOTSUPP and the caller does without.
 */
#include "target/store/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/fd.h"
#include "target/store/sysfs.h"

#ifdef __linux__
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* See target/store/device.c. */
#ifndef BLKDISCARD
#define BLKDISCARD _IO(0x12, 119)
#endif
#ifndef RWF_DSYNC
#define RWF_DSYNC 2
#endif
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif
#endif

/* Nobody else uses the descriptor's position.  Each write asks, and on 32 bits
 * fstat(2) is statx with a path that is empty: seven times the work. */
int device_size(int fd, uint64_t *size)
{
    off_t end = lseek(fd, 0, SEEK_END);

    if (end < 0)
        return -errno;
    *size = (uint64_t)end;
    return 0;
}

int device_sync(int fd)
{
    return durable_data(fd);
}

/* Linux empties it since 2.6.33; before, only file systems did. */
bool device_sync_stops_short(const char *release)
{
    unsigned a = 0, b = 0, c = 0;

    if (sscanf(release, "%u.%u.%u", &a, &b, &c) < 2)
        return false;
    return a < 2 || (a == 2 && (b < 6 || (b == 6 && c < 33)));
}

void device_write_back(int fd, uint64_t offset, uint64_t length)
{
#ifdef SYNC_FILE_RANGE_WRITE
    sync_file_range(fd, (off_t)offset, (off_t)length, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd;
    (void)offset;
    (void)length;
#endif
}

/* ---- devices that come and go -------------------------------------------- */

#ifdef __linux__

/* A device that the kernel no longer has is not in sysfs. */
static bool unlisted(const struct stat *st)
{
    char path[192];

    return sysfs_find(st->st_rdev, path, sizeof path) == SYSFS_UNLISTED;
}

/* From 5.15 on, Linux numbers each appearance of a disk anew. */
static bool same_appearance(int a, int b)
{
    uint64_t one, two;

    return ioctl(a, DEVICE_APPEARANCE, &one) ||
           ioctl(b, DEVICE_APPEARANCE, &two) || one == two;
}

#else

static bool unlisted(const struct stat *st)
{
    (void)st;
    return false;
}

static bool same_appearance(int a, int b)
{
    (void)a;
    (void)b;
    return true;
}

#endif

bool device_gone(int fd)
{
    struct stat st;
    uint64_t size = 0;

    if (fstat(fd, &st) || !S_ISBLK(st.st_mode))
        return false;
    return device_size(fd, &size) || size == 0 || unlisted(&st);
}

bool device_same(int a, int b)
{
    struct stat one, two;

    if (fstat(a, &one) || fstat(b, &two))
        return false;
    if (!S_ISBLK(one.st_mode) || !S_ISBLK(two.st_mode))
        return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
    return one.st_rdev == two.st_rdev && !device_gone(a) &&
           same_appearance(a, b);
}

/* ---- trimming ------------------------------------------------------------ */

#ifdef __linux__

static int trim_block(int fd, const struct device *d, uint64_t offset,
                      uint64_t length)
{
    uint64_t sector = d->logical_sector;
    uint64_t start = (offset + sector - 1) / sector * sector;
    uint64_t end = (offset + length) / sector * sector;
    uint64_t range[2] = {start, end - start};

    /* Less than one sector of the device: nothing to discard. */
    if (end <= start)
        return 0;
    return ioctl(fd, BLKDISCARD, range) ? -errno : 0;
}

int device_trim(int fd, const struct device *d, uint64_t offset,
                uint64_t length)
{
    if (d->block)
        return trim_block(fd, d, offset, length);
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                     (off_t)offset, (off_t)length)
               ? -errno
               : 0;
}

#else

int device_trim(int fd, const struct device *d, uint64_t offset,
                uint64_t length)
{
    (void)fd;
    (void)d;
    (void)offset;
    (void)length;
    return -EOPNOTSUPP;
}

#endif

/* ---- reading and writing ------------------------------------------------- */

#ifdef __linux__

enum vector_number { VECTOR_READ = SYS_preadv2, VECTOR_WRITE = SYS_pwritev2 };

/* Called directly, because musl 1.2.3 has no preadv2.  The kernel takes the
 * offset as two longs, of which a 64-bit system uses only the first. */
static ssize_t vector_call(enum vector_number number, int fd,
                           const struct iovec *iov, int iovcnt, uint64_t offset,
                           unsigned how)
{
    int flags = (how & DEVICE_NOWAIT ? RWF_NOWAIT : 0) |
                (how & DEVICE_DURABLE ? RWF_DSYNC : 0);
    long n = syscall((long)number, fd, iov, iovcnt, (unsigned long)offset,
                     (unsigned long)(offset >> 32), flags);

    if (n >= 0)
        return n;
    return errno == ENOSYS ? -EOPNOTSUPP : -errno;
}

#else

enum vector_number { VECTOR_READ, VECTOR_WRITE };

static ssize_t vector_call(enum vector_number number, int fd,
                           const struct iovec *iov, int iovcnt, uint64_t offset,
                           unsigned how)
{
    (void)number;
    (void)fd;
    (void)iov;
    (void)iovcnt;
    (void)offset;
    (void)how;
    return -EOPNOTSUPP;
}

#endif

ssize_t device_read(int fd, const struct iovec *iov, int iovcnt,
                    uint64_t offset, unsigned how)
{
    ssize_t n;

    if (how)
        return vector_call(VECTOR_READ, fd, iov, iovcnt, offset, how);
    /* The call for one piece is shorter, and the usual one on random data. */
    n = iovcnt == 1 ? pread(fd, iov->iov_base, iov->iov_len, (off_t)offset)
                    : fd_read_vector(fd, iov, iovcnt, (off_t)offset);
    return n < 0 ? -errno : n;
}

ssize_t device_write(int fd, const struct iovec *iov, int iovcnt,
                     uint64_t offset, unsigned how)
{
    ssize_t n;

    if (how)
        return vector_call(VECTOR_WRITE, fd, iov, iovcnt, offset, how);
    n = iovcnt == 1 ? pwrite(fd, iov->iov_base, iov->iov_len, (off_t)offset)
                    : fd_write_vector(fd, iov, iovcnt, (off_t)offset);
    return n < 0 ? -errno : n;
}
