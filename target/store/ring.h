/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kernel's own asynchronous reads and writes (io_uring), where the build
 * and the kernel have them: a batch of transfers starts with one system call,
 * those that need not wait for the disk are done when it returns, and the
 * others complete in the loop without a thread waiting for them.
 */
#ifndef TARGET_STORE_RING_H
#define TARGET_STORE_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/loop.h"

struct ring;

/* A transfer; the caller's until `done`, which gets bytes or -errno. */
struct ring_transfer {
    int fd;
    bool write;
    bool durable; /* on stable storage when it is done */
    uint64_t offset;
    void (*done)(struct ring_transfer *t, int result);
    void *arg; /* the caller's */
};

/* `confined`: only if the kernel, from 5.10 on, can be held to run nothing but
 * these transfers in it.  0 or -errno; -ENOSYS: not built in, or not in this
 * kernel. */
int ring_open(struct ring **out, struct loop *loop, bool confined);
/* Nothing may be in flight. */
void ring_close(struct ring *r);

/* Takes up a transfer; `iov` is copied, what it points to is not.  False: the
 * ring is full, nothing happened. */
bool ring_add(struct ring *r, struct ring_transfer *t, const struct iovec *iov,
              int count);

/* Starts what was added and calls `done` for all that has finished, of whatever
 * store.  `done` may add, and what it adds is started too, but it must not
 * call this.  Where the kernel starts nothing any more, `done` gets -EAGAIN
 * without anything having been done, and the ring is full from then on. */
void ring_run(struct ring *r);

#endif
