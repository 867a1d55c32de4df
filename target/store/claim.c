/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who else uses a file or device.
 *
 * Devices: the kernel refuses O_EXCL while one is mounted, used as swap or part
 * of an array, and refuses all of these while we hold it.  Files: a lock on the
 * whole file, shared among readers.  An export of a part shares the lock on the
 * whole and locks its part.  Programs that take no locks, vblade above all, are
 * found by what they have open.
 */
#include "target/store/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "target/store/device_name.h"
#include "target/store/in_use.h"
#include "target/store/open_by.h"

/* What prevents the claim. */
struct obstacle {
    char text[256]; /* "": nothing does */
    char hint[160]; /* what else could be meant; or "" */
    bool passing;   /* it is a program, which may be ending */
};

static bool is_part(const struct claim *c)
{
    return c->offset > 0 || c->length > 0;
}

static int open_file(const struct claim *c, int more)
{
    int fd = device_open(c->path, (c->read_only ? O_RDONLY : O_RDWR) |
                                      O_NONBLOCK | more);

    return fd < 0 ? -errno : fd;
}

/* ---- locks --------------------------------------------------------------- */

#ifdef F_OFD_SETLK
enum { LOCK_PART = F_OFD_SETLK, ASK_PART = F_OFD_GETLK };
#else
enum { LOCK_PART = F_SETLK, ASK_PART = F_GETLK };
#endif

/* fcntl(2), by POSIX's locks where the better ones are missing. */
static int lock_range(int fd, bool take, struct flock *l)
{
    int result = fcntl(fd, take ? LOCK_PART : ASK_PART, l);

    if (result == 0 || errno != EINVAL)
        return result;
    return fcntl(fd, take ? F_SETLK : F_GETLK, l);
}

/* Locks a part; for the whole, only asks whether a part is locked.  These locks
 * belong to the open file description.  Before Linux 3.15, and on systems that
 * have only POSIX's, they are the process's: they end as soon as it closes any
 * descriptor of the file, as a reload may.  Then another target that is started
 * later is no longer kept from the part. */
static int lock_part(const struct claim *c, int fd)
{
    struct flock l = {
        .l_type = (short)(c->read_only ? F_RDLCK : F_WRLCK),
        .l_whence = SEEK_SET,
        .l_start = (off_t)c->offset,
        .l_len = (off_t)c->length,
    };

    if (lock_range(fd, is_part(c), &l))
        return errno == EAGAIN || errno == EACCES ? -EBUSY : 0;
    return !is_part(c) && l.l_type != F_UNLCK ? -EBUSY : 0;
}

static int lock_file(const struct claim *c, int fd)
{
    int how = c->read_only || is_part(c) ? LOCK_SH : LOCK_EX;

    return flock(fd, how | LOCK_NB) && errno == EWOULDBLOCK ? -EBUSY : 0;
}

static void locked(const struct claim *c, int fd, struct obstacle *o)
{
    const struct open_by_question q = {fd, c->read_only, c->offset, c->length};
    const char *what = c->read_only ? "another target may write to it"
                                    : "another target exports it";
    struct open_by_holder holder;

    if (o->text[0])
        return;
    o->passing = true;
    open_by_locker(&q, what, &holder);
    memcpy(o->text, holder.text, sizeof o->text);
    memcpy(o->hint, holder.hint, sizeof o->hint);
}

/* ---- devices ------------------------------------------------------------- */

/* Only a writer of the whole device keeps O_EXCL.  Others just try it, and try
 * again if somebody else is trying at this moment. */
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

/* Readers may share a disk that nobody writes to, if it is known who uses it.
 */
static void system_has(const struct claim *c, int fd, struct obstacle *o)
{
    const struct open_by_question q = {fd, c->read_only, c->offset, c->length};
    enum in_use how = in_use_device(fd, o->text, sizeof o->text);

    if (how == IN_USE_READING && c->read_only)
        o->text[0] = '\0';
    if (how != IN_USE_NOT)
        return;
    o->passing = true;
    if (!open_by_anybody(&q, o->text, sizeof o->text))
        snprintf(o->text, sizeof o->text, "in use by the system");
}

/* Everything is tried whatever is found: --force-file goes on regardless. */
static void take_device(const struct claim *c, int *fd, struct obstacle *o)
{
    int exclusive = try_exclusive(c);

    if (exclusive >= 0 && !c->read_only && !is_part(c)) {
        close(*fd);
        *fd = exclusive;
    } else if (exclusive >= 0) {
        close(exclusive);
    } else if (exclusive == -EBUSY) {
        system_has(c, *fd, o);
    }
    if (lock_part(c, *fd))
        locked(c, *fd, o);
}

/* ---- files --------------------------------------------------------------- */

static void take_file(const struct claim *c, int fd, struct obstacle *o)
{
    enum in_use how = in_use_file(fd, o->text, sizeof o->text);

    if (how == IN_USE_READING && c->read_only)
        o->text[0] = '\0';
    if (lock_file(c, fd) || lock_part(c, fd))
        locked(c, fd, o);
}

/* ---- claiming ------------------------------------------------------------ */

static int cannot_open(const struct claim *c, int err)
{
    log_error("%s: opening for %s: %s%s", c->path,
              c->read_only ? "reading" : "reading and writing",
              device_name_error(c->path, err),
              err == -EROFS || (err == -EACCES && !c->read_only)
                  ? "; -r exports it read-only"
                  : "");
    return err;
}

/* Returns the descriptor, even with an obstacle, or -errno. */
static int take(const struct claim *c, struct obstacle *o)
{
    int fd = open_file(c, 0);
    struct open_by_question q = {fd, c->read_only, c->offset, c->length};
    struct stat st;

    if (fd < 0)
        return cannot_open(c, fd);
    if (fstat(fd, &st)) {
        int err = -errno;

        log_error("%s: %s", c->path, strerror(-err));
        close(fd);
        return err;
    }
    if (S_ISBLK(st.st_mode))
        take_device(c, &fd, o);
    else if (S_ISREG(st.st_mode))
        take_file(c, fd, o);
    else
        return fd; /* the store refuses what it cannot serve */
    q.fd = fd;
    if (!o->text[0] && open_by_another(&q, o->text, sizeof o->text))
        o->passing = true;
    return fd;
}

/* Whether it is worth another try. */
static bool wait_for(const struct claim *c, const struct obstacle *o,
                     bool *waiting)
{
    if (!o->passing || clock_ns() >= c->wait_until)
        return false;
    if (!*waiting)
        log_info("%s: %s; waiting for it to end", c->path, o->text);
    *waiting = true;
    /* A signal ends the wait: somebody wants us to stop. */
    return loop_sleep(c->loop, 50 * NS_PER_MS);
}

int claim_open(const struct claim *c)
{
    bool waiting = false;

    for (;;) {
        struct obstacle o = {.passing = false};
        int fd = take(c, &o);

        if (fd >= 0 && !o.text[0])
            log_debug("%s: claimed, %s", c->path,
                      c->read_only ? "to be read" : "to be read and written");
        if (fd < 0 || !o.text[0])
            return fd;
        if (c->force) {
            log_error("%s: %s; exported nevertheless (--force-file)", c->path,
                      o.text);
            return fd;
        }
        close(fd);
        if (wait_for(c, &o, &waiting))
            continue;
        /* Some obstacles say what to stop. */
        log_error("%s: %s%s or use --force-file%s", c->path, o.text,
                  strchr(o.text, ';') ? "," : "; stop that first,", o.hint);
        return -EBUSY;
    }
}
