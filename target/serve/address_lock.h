/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which AoE addresses the targets of this machine serve on which interface.  A
 * query on the wire cannot tell: an interface does not receive its own frames.
 * Each has one byte locked in a file that only root can open, and so lock.  The
 * kernel drops the lock however the process ends.
 */
#ifndef TARGET_SERVE_ADDRESS_LOCK_H
#define TARGET_SERVE_ADDRESS_LOCK_H

#include <stdint.h>
#include <sys/types.h>

#include "wire/aoe.h"

struct address_lock {
    int fd;            /* -1: no locks, and the functions below find none */
    uint64_t netspace; /* which interfaces belong to */
};

/* One per process: POSIX locks belong to the process, and closing the file
 * anywhere in it releases them all.  An ordinary user has none. */
void address_lock_open(struct address_lock *l);
void address_lock_close(struct address_lock *l);

/* Locks it for this process; that it holds it already is no error.  0, or
 * -EBUSY: the process *holder has it (0: one not visible from here). */
int address_lock_take(const struct address_lock *l, const char *ifname,
                      struct aoe_addr addr, pid_t *holder);
void address_lock_release(const struct address_lock *l, const char *ifname,
                          struct aoe_addr addr);

#endif
