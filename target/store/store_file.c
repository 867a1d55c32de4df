/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The store on a regular file or block device: opening it, and what it tells of
 * itself.  How it runs operations is in target/store/file_submit.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/utsname.h>
#endif
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "target/store/device_name.h"
#include "target/store/file_store.h"

enum { THREADS = 16 }; /* workers that one store may occupy */

static void file_close(struct store *s)
{
    struct file_store *fs = file_of(s);

    if (fs->direct_fd >= 0)
        close(fs->direct_fd);
    close(fs->fd);
    free(fs);
}

static const struct store_ops file_ops = {
    .name = "file", .submit = file_submit, .close = file_close};

/* Opens the same file once more, for direct I/O.  The first descriptor remains
 * for what is not aligned. */
static int open_direct(struct file_store *fs, const char *path)
{
#ifdef O_DIRECT
    int mode = (fs->store.read_only ? O_RDONLY : O_RDWR);
    struct stat a, b;
    int fd = device_open(path, mode | O_DIRECT);

    if (fd < 0 && errno == EINVAL)
        return -EOPNOTSUPP;
    if (fd < 0)
        return -errno;
    if (fstat(fs->fd, &a) || fstat(fd, &b) || a.st_dev != b.st_dev ||
        a.st_ino != b.st_ino) {
        close(fd);
        return -ESTALE;
    }
    fs->direct_fd = fd;
    fs->store.memory_align = fs->device.direct_memory;
    return 0;
#else
    (void)fs;
    (void)path;
    return -EOPNOTSUPP;
#endif
}

/* Which part of the file is served. */
static int set_window(struct file_store *fs, const struct store_file_options *o)
{
    uint64_t size = fs->device.size, left;

    if (o->offset > size || size - o->offset < SECTOR) {
        log_error("%s: has %llu bytes, of which none is left to export%s",
                  o->path, (unsigned long long)size,
                  o->offset ? " after the offset"
                            : "; a disk has at least 512");
        return -EINVAL;
    }
    left = size - o->offset;
    if (o->length > left) {
        log_error("%s: offset and length reach %llu bytes beyond its end",
                  o->path, (unsigned long long)(o->length - left));
        return -EINVAL;
    }
    fs->base = o->offset;
    fs->store.size = (o->length ? o->length : left) / SECTOR * SECTOR;
    if (fs->store.size == 0) {
        log_error("%s: less than 512 bytes to export", o->path);
        return -EINVAL;
    }
    return 0;
}

static void describe(struct file_store *fs)
{
    const struct device *d = &fs->device;

    fs->store.physical_sector = d->physical_sector;
    fs->store.can_trim = d->can_trim;
    fs->store.trim_zeroes = d->trim_zeroes;
    fs->store.solid = d->solid;
    fs->store.identity = d->identity;
    fs->store.naming = d->naming;
    fs->store.memory_align = 1;
}

/* Where a read cannot be told not to wait (RWF_NOWAIT gives -EOPNOTSUPP), the
 * kernel would give each to one of its threads, which costs more than ours.
 * Files in memory never wait. */
static void use_ring(struct file_store *fs, const struct store_file_options *o)
{
    uint8_t sector[SECTOR];
    struct iovec iov = {.iov_base = sector, .iov_len = sizeof sector};

    if (o->no_ring || fs->device.in_memory)
        return;
    fs->ring = workers_ring(fs->queue.workers);
    fs->ring_reads = fs->ring && device_read(fs->fd, &iov, 1, fs->base,
                                             DEVICE_NOWAIT) != -EOPNOTSUPP;
}

static void warn_of_disk_cache(const struct file_store *fs, const char *path)
{
#ifdef __linux__
    struct utsname system;

    if (fs->device.block && !fs->store.read_only && uname(&system) == 0 &&
        device_sync_stops_short(system.release))
        log_error("%s: Linux %.20s does not empty the cache in the disk when "
                  "it syncs; a power cut may lose what was flushed, unless "
                  "hdparm -W 0 %s switches that cache off",
                  path, system.release, path);
#else
    (void)fs;
    (void)path;
#endif
}

static void say_opened(const struct file_store *fs, const char *path)
{
    bool direct = fs->direct_fd >= 0;
    char how[80] = "through the page cache";

    if (direct)
        snprintf(how, sizeof how,
                 "direct I/O (memory aligned to %u bytes, offsets to %u)",
                 fs->device.direct_memory, fs->device.direct_offset);
    log_debug(
        "%s: opened: %llu bytes from %llu on, %s, %s, sectors of %u bytes, "
        "%s",
        path, (unsigned long long)fs->store.size, (unsigned long long)fs->base,
        how,
        fs->ring && (direct || fs->ring_reads) ? "io_uring" : "worker threads",
        fs->store.physical_sector, fs->store.can_trim ? "trim" : "no trim");
}

int store_file_open(struct store **out, int fd,
                    const struct store_file_options *o, struct workers *workers)
{
    struct file_store *fs = calloc(1, sizeof *fs);
    int err =
        fs ? device_probe(&fs->device, fd, o->path, o->read_only) : -ENOMEM;

    if (err) {
        log_error("%s: %s", o->path,
                  err == -ENOTBLK ? "not a regular file or block device"
                                  : strerror(-err));
        close(fd);
        free(fs);
        return err;
    }
    fs->fd = fs->store.fd = fd;
    fs->direct_fd = -1;
    fs->store.ops = &file_ops;
    fs->store.read_only = o->read_only;
    describe(fs);
    err = set_window(fs, o);
    if (!err && o->direct) {
        err = open_direct(fs, o->path);
        if (err)
            log_error("%s: opening for direct I/O: %s%s", o->path,
                      strerror(-err),
                      err == -EOPNOTSUPP ? "; the page cache is used" : "");
        if (err == -EOPNOTSUPP)
            err = 0;
    }
    if (err) {
        file_close(&fs->store);
        return err;
    }
    work_queue_init(&fs->queue, workers, THREADS);
    list_init(&fs->direct_waiting);
    list_init(&fs->direct_running);
    use_ring(fs, o);
    warn_of_disk_cache(fs, o->path);
    if (log_verbosity >= 1)
        say_opened(fs, o->path);
    *out = &fs->store;
    return 0;
}
