/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the operating system knows about an open file or block device, and the
 * calls on it that differ between systems: trimming, and reading and writing
 * with flags.
 */
#ifndef TARGET_STORE_DEVICE_H
#define TARGET_STORE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct device {
    bool block;               /* else a regular file */
    uint64_t size;            /* bytes */
    uint32_t logical_sector;  /* bytes of the smallest transfer */
    uint32_t physical_sector; /* bytes the medium writes at once */
    uint32_t direct_memory;   /* alignment for direct I/O: of memory */
    uint32_t direct_offset;   /* ... of offset and length */
    bool solid;               /* known not to rotate */
    bool in_memory;           /* tmpfs: it never waits for a disk */
    bool can_trim;
    bool trim_zeroes;
    uint64_t identity; /* of the storage; the same after a restart */
    /* Of a block device: further names that tell whether it is the one that was
     * there before; 0: it has none. */
    uint64_t naming;
    bool unnamed; /* nothing but its path is known of it */
};

/* -ENOTBLK: neither a regular file nor a block device. */
int device_probe(struct device *d, int fd, const char *path, bool read_only);

/* The current size, which others may have changed; moves the descriptor's
 * position.  0 or -errno. */
int device_size(int fd, uint64_t *size);

/* Whether a block device was removed while it was open.  Its descriptor stays
 * dead even if it comes back. */
bool device_gone(int fd);
/* The request of ioctl(2) that device_same makes: BLKGETDISKSEQ of
 * <linux/fs.h>, which is newer than many systems' copy of it. */
#define DEVICE_APPEARANCE _IOR(0x12, 128, uint64_t)
/* Whether both descriptors are of the same device or file. */
bool device_same(int a, int b);

/* Discards a range.  0 or -errno. */
int device_trim(int fd, const struct device *d, uint64_t offset,
                uint64_t length);

/* fdatasync, or the system's equivalent.  0 or -errno. */
int device_sync(int fd);

/* Whether device_sync of a block device leaves its data in the cache of the
 * disk itself, on the kernel with this release, "2.6.24" or "6.1.0-37-amd64".
 */
bool device_sync_stops_short(const char *release);

/* Starts writing a range back, if the system has a call for it.  device_sync
 * must follow. */
void device_write_back(int fd, uint64_t offset, uint64_t length);

enum device_how {
    DEVICE_NOWAIT = 1, /* -EAGAIN rather than wait for the disk */
    DEVICE_DURABLE = 2,
};

/* Reads or writes at an offset.  Returns bytes or -errno; -EOPNOTSUPP where
 * the system or the file system cannot do it in the way asked for. */
ssize_t device_read(int fd, const struct iovec *iov, int iovcnt,
                    uint64_t offset, unsigned how);
ssize_t device_write(int fd, const struct iovec *iov, int iovcnt,
                     uint64_t offset, unsigned how);

#endif
