/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who else uses a file or device.
 *
 * Devices: the kernel refuses O_EXCL while one is mounted, swapped to, or part
 * of an array, and while we hold it, refuses to do that with it.  Files: a lock
 * on the whole, shared by those who only read.  Who exports a part shares the
 * whole and locks the part.
 */
#include "target/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "target/in_use.h"

/* False: it is in use, and that is not to be overridden. */
static bool allowed(const struct claim *c, const char *use)
{
    if (c->force) {
        log_error("%s: %s; exported nevertheless (--force-file)", c->path, use);
        return true;
    }
    log_error("%s: %s; stop that first, or use --force-file", c->path, use);
    return false;
}

static int open_file(const struct claim *c, int more)
{
    int fd = open(c->path, (c->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC |
                               O_NONBLOCK | more);

    return fd < 0 ? -errno : fd;
}

/* ---- locks --------------------------------------------------------------- */

static bool is_part(const struct claim *c)
{
    return c->offset > 0 || c->length > 0;
}

/* A part is locked; of the whole it is only asked whether a part is.  Locks of
 * open file descriptions: unlike POSIX's they end with their own descriptor
 * only.  A system without them does without. */
static int lock_part(const struct claim *c, int fd)
{
#ifdef F_OFD_SETLK
    int how = is_part(c) ? F_OFD_SETLK : F_OFD_GETLK;
    struct flock l = {
        .l_type = (short)(c->read_only ? F_RDLCK : F_WRLCK),
        .l_whence = SEEK_SET,
        .l_start = (off_t)c->offset,
        .l_len = (off_t)c->length,
    };

    if (fcntl(fd, how, &l))
        return errno == EAGAIN || errno == EACCES ? -EBUSY : 0;
    return how == F_OFD_GETLK && l.l_type != F_UNLCK ? -EBUSY : 0;
#else
    (void)c;
    (void)fd;
    return 0;
#endif
}

static bool part_allowed(const struct claim *c)
{
    return allowed(c, c->read_only ? "another target may write to it"
                                   : "another target exports it");
}

/* ---- devices ------------------------------------------------------------- */

/* Only who writes to the whole keeps the system's claim.  Others just try it,
 * again if somebody else is just doing that. */
static int try_exclusive(const struct claim *c)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    int fd = open_file(c, O_EXCL);

    for (int i = 0; i < 10 && fd == -EBUSY; i++) {
        nanosleep(&pause, NULL);
        fd = open_file(c, O_EXCL);
    }
    return fd;
}

static int claim_device(const struct claim *c, int fd)
{
    char use[256] = "in use by the system";
    int exclusive = try_exclusive(c);

    if (exclusive >= 0 && !c->read_only && !is_part(c)) {
        close(fd);
        fd = exclusive;
    } else if (exclusive >= 0) {
        close(exclusive);
    } else if (exclusive == -EBUSY) {
        in_use_device(fd, use, sizeof use);
        if (!allowed(c, use)) {
            close(fd);
            return -EBUSY;
        }
    }
    if (lock_part(c, fd) && !part_allowed(c)) {
        close(fd);
        return -EBUSY;
    }
    return fd;
}

/* ---- files --------------------------------------------------------------- */

static int lock_file(const struct claim *c, int fd)
{
    int how = c->read_only || is_part(c) ? LOCK_SH : LOCK_EX;

    if (flock(fd, how | LOCK_NB) && errno == EWOULDBLOCK)
        return -EBUSY;
    return lock_part(c, fd);
}

static int claim_file(const struct claim *c, int fd)
{
    char use[256];

    if ((in_use_file(fd, use, sizeof use) && !allowed(c, use)) ||
        (lock_file(c, fd) && !part_allowed(c))) {
        close(fd);
        return -EBUSY;
    }
    return fd;
}

int claim_open(const struct claim *c)
{
    struct stat st;
    int fd = open_file(c, 0);

    if (fd < 0) {
        log_error("%s: opening for %s: %s%s", c->path,
                  c->read_only ? "reading" : "reading and writing",
                  strerror(-fd),
                  fd == -EROFS || (fd == -EACCES && !c->read_only)
                      ? "; -r exports it read-only"
                      : "");
        return fd;
    }
    if (fstat(fd, &st)) {
        int err = -errno;

        log_error("%s: %s", c->path, strerror(-err));
        close(fd);
        return err;
    }
    if (S_ISBLK(st.st_mode))
        return claim_device(c, fd);
    if (S_ISREG(st.st_mode))
        return claim_file(c, fd);
    return fd; /* the store says what it thinks of it */
}
