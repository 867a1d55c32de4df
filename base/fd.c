/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The fallbacks of base/fd.h.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "base/shared.h"

/* What this kernel lacks.  Threads that find out at the same time find the
 * same. */
struct lacking {
    uint32_t open_flag; /* an enum open_flag */
    uint32_t socket_flag;
    uint32_t epoll_flag;
    uint32_t ppoll;
    uint32_t vectors;
};

enum open_flag { FLAG_UNKNOWN, FLAG_WORKS, FLAG_IGNORED };

static struct lacking lacking;

/* ---- close-on-exec ------------------------------------------------------- */

int fd_close_on_exec(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int fd_nonblock(int fd)
{
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    return fd;
}

/* A kernel that does not know O_CLOEXEC opens the file without a word. */
static enum open_flag look(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    return flags >= 0 && flags & FD_CLOEXEC ? FLAG_WORKS : FLAG_IGNORED;
}

static int opened(int fd)
{
    uint32_t flag = shared_load(&lacking.open_flag);

    if (fd < 0 || flag == FLAG_WORKS)
        return fd;
    if (flag == FLAG_UNKNOWN) {
        flag = look(fd);
        shared_store(&lacking.open_flag, flag);
    }
    return flag == FLAG_IGNORED ? fd_close_on_exec(fd) : fd;
}

int fd_open(const char *path, int flags, mode_t mode)
{
    return opened(open(path, flags | O_CLOEXEC, mode));
}

int fd_open_at(int directory, const char *path, int flags, mode_t mode)
{
    return opened(openat(directory, path, flags | O_CLOEXEC, mode));
}

#ifdef SOCK_CLOEXEC
/* Perhaps because of the flag; if so, it is not tried again. */
static bool refused(int result)
{
    return result < 0 && (errno == EINVAL || errno == EPROTONOSUPPORT);
}
#endif

int fd_socket(int domain, int type, int protocol)
{
    int fd;

#ifdef SOCK_CLOEXEC
    if (!shared_load(&lacking.socket_flag)) {
        fd = socket(domain, type | SOCK_CLOEXEC, protocol);
        if (!refused(fd))
            return fd;
    }
#endif
    fd = socket(domain, type, protocol);
    if (fd >= 0)
        shared_store(&lacking.socket_flag, true);
    return fd_close_on_exec(fd);
}

int fd_socket_pair(int domain, int type, int protocol, int ends[2])
{
    int result;

#ifdef SOCK_CLOEXEC
    if (!shared_load(&lacking.socket_flag)) {
        result = socketpair(domain, type | SOCK_CLOEXEC, protocol, ends);
        if (!refused(result))
            return result;
    }
#endif
    result = socketpair(domain, type, protocol, ends);
    if (result == 0) {
        fd_close_on_exec(ends[0]);
        fd_close_on_exec(ends[1]);
    }
    return result;
}

#ifdef __linux__
int fd_epoll(void)
{
    int fd;

    if (!shared_load(&lacking.epoll_flag)) {
        fd = epoll_create1(EPOLL_CLOEXEC);
        if (fd >= 0 || errno != ENOSYS)
            return fd;
        shared_store(&lacking.epoll_flag, true);
    }
    return fd_close_on_exec(epoll_create(1)); /* any size but zero */
}
#else
int fd_epoll(void)
{
    errno = ENOSYS;
    return -1;
}
#endif

/* ---- waiting ------------------------------------------------------------- */

static int milliseconds(const struct timespec *wait)
{
    enum { PER_S = 1000, NS = 1000000 };

    if (!wait)
        return -1;
    if (wait->tv_sec >= INT_MAX / PER_S)
        return INT_MAX; /* the caller looks at the clock again */
    return (int)wait->tv_sec * PER_S + (int)((wait->tv_nsec + NS - 1) / NS);
}

int fd_wait(struct pollfd *fds, nfds_t count, const struct timespec *wait)
{
#ifndef __APPLE__
    if (!shared_load(&lacking.ppoll)) {
        int ready = ppoll(fds, count, wait, NULL);

        if (ready >= 0 || errno != ENOSYS)
            return ready;
        shared_store(&lacking.ppoll, true);
    }
#endif
    return poll(fds, count, milliseconds(wait));
}

/* ---- vectors ------------------------------------------------------------- */

enum direction { TO_MEMORY, TO_FILE };

static ssize_t at_once(enum direction d, int fd, const struct iovec *iov,
                       int count, off_t offset)
{
    return d == TO_FILE ? pwritev(fd, iov, count, offset)
                        : preadv(fd, iov, count, offset);
}

static ssize_t piece(enum direction d, int fd, const struct iovec *iov,
                     off_t offset)
{
    return d == TO_FILE ? pwrite(fd, iov->iov_base, iov->iov_len, offset)
                        : pread(fd, iov->iov_base, iov->iov_len, offset);
}

static ssize_t one_by_one(enum direction d, int fd, const struct iovec *iov,
                          int count, off_t offset)
{
    ssize_t done = 0;

    for (int i = 0; i < count; i++) {
        ssize_t n = piece(d, fd, &iov[i], offset + done);

        if (n < 0)
            return done > 0 ? done : n;
        done += n;
        if ((size_t)n < iov[i].iov_len)
            break;
    }
    return done;
}

static ssize_t move(enum direction d, int fd, const struct iovec *iov,
                    int count, off_t offset)
{
    if (!shared_load(&lacking.vectors)) {
        ssize_t n = at_once(d, fd, iov, count, offset);

        if (n >= 0 || errno != ENOSYS)
            return n;
        shared_store(&lacking.vectors, true);
    }
    return one_by_one(d, fd, iov, count, offset);
}

ssize_t fd_read_vector(int fd, const struct iovec *iov, int count, off_t offset)
{
    return move(TO_MEMORY, fd, iov, count, offset);
}

ssize_t fd_write_vector(int fd, const struct iovec *iov, int count,
                        off_t offset)
{
    return move(TO_FILE, fd, iov, count, offset);
}
