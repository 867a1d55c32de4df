/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kernel's asynchronous reads and writes (io_uring), where build and kernel
 * have them: one system call starts a batch of transfers.  Those that need not
 * wait for the disk are done when it returns; the others complete in the loop,
 * without a thread that waits.
 */
#ifndef TARGET_STORE_RING_H
#define TARGET_STORE_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/loop.h"

struct ring;

/* A transfer, in the caller's memory until `done`, which gets bytes or -errno.
 */
struct ring_transfer {
    int fd;
    bool write;
    bool durable; /* on stable storage when it is done */
    uint64_t offset;
    void (*done)(struct ring_transfer *t, int result);
    void *arg; /* the caller's */
};

/* `confined`: fails unless the kernel (5.10 or newer) can be told to accept
 * nothing but these transfers.  0 or -errno; -ENOSYS: not built in, or not in
 * this kernel. */
int ring_open(struct ring **out, struct loop *loop, bool confined);
/* Nothing may be in flight. */
void ring_close(struct ring *r);

/* Queues a transfer; `iov` is copied, what it points to is not.  False: the
 * ring is full, and nothing has happened. */
bool ring_add(struct ring *r, struct ring_transfer *t, const struct iovec *iov,
              int count);

/* Starts what was added, and calls `done` for everything that has finished, of
 * any store.  `done` may add transfers, which are started too, but must not
 * call this.  If the kernel no longer starts any, `done` gets -EAGAIN, with
 * nothing transferred, and from then on the ring is full. */
void ring_run(struct ring *r);

#endif
