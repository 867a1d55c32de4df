/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which AoE addresses the targets of this machine serve on which interface: a
 * frame on the wire does not ask them, since an interface does not hear what
 * it sends.  One file of root's, a byte of which is locked for each; the kernel
 * unlocks it however a process ends.  Nobody else can open it, and so lock it.
 */
#ifndef TARGET_SERVE_ADDRESS_LOCK_H
#define TARGET_SERVE_ADDRESS_LOCK_H

#include <stdint.h>
#include <sys/types.h>

#include "wire/aoe.h"

struct address_lock {
    int fd;            /* -1: none, and the functions below find nothing */
    uint64_t netspace; /* which interfaces belong to */
};

/* One a process: the locks are the process's, and closing the file anywhere
 * gives them up.  There is none for an ordinary user. */
void address_lock_open(struct address_lock *l);
void address_lock_close(struct address_lock *l);

/* Locks it for this process, again if it has it.  0, or -EBUSY: the process
 * *holder has it (0: one that cannot be seen from here). */
int address_lock_take(const struct address_lock *l, const char *ifname,
                      struct aoe_addr addr, pid_t *holder);
void address_lock_release(const struct address_lock *l, const char *ifname,
                          struct aoe_addr addr);

#endif
