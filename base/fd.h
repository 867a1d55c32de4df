/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Descriptors on every Linux from 2.6.17 on: what a kernel lacks is tried once,
 * then done in another way.  Programs with other kernels, and other systems,
 * get the usual call.
 *
 * All of these return what the call that they are named after does: -1 with
 * errno on an error.  From any thread.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

/* ---- descriptors that a program which we execute does not get ------------ */

/* Before Linux 2.6.23 (open), 2.6.27 (sockets and epoll) and on systems that
 * have no such flag, close-on-exec is set after the call: another thread that
 * executes a program in between passes the descriptor on. */
int fd_open(const char *path, int flags, mode_t mode);
int fd_open_at(int directory, const char *path, int flags, mode_t mode);
int fd_socket(int domain, int type, int protocol);
int fd_socket_pair(int domain, int type, int protocol, int ends[2]);
int fd_epoll(void);

/* For one that came another way, such as from accept(2).  Returns `fd`. */
int fd_close_on_exec(int fd);
/* Calls on it fail with EAGAIN instead of waiting.  Returns `fd`. */
int fd_nonblock(int fd);

/* ---- waiting ------------------------------------------------------------- */

/* ppoll(2) without a signal mask.  `wait`: NULL for ever.  Where only poll(2)
 * is to be had (ARM before 2.6.32), it is rounded up to milliseconds. */
int fd_wait(struct pollfd *fds, nfds_t count, const struct timespec *wait);

/* ---- many pieces of memory, one place in a file -------------------------- */

/* preadv(2) and pwritev(2).  Before 2.6.30 they are one call for each piece:
 * who reads the file meanwhile may then see some of the pieces and not others.
 * If a piece fails after others, the bytes before it count, and the next call
 * meets the error. */
ssize_t fd_read_vector(int fd, const struct iovec *iov, int count,
                       off_t offset);
ssize_t fd_write_vector(int fd, const struct iovec *iov, int count,
                        off_t offset);

#endif
