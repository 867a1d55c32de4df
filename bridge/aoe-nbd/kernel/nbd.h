/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What Linux's nbd driver is told by netlink (linux/nbd-netlink.h).  Every
 * call may block until requests of the device have ended, so that whoever
 * serves the device makes only those that come before its first request.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_NBD_H
#define BRIDGE_AOE_NBD_KERNEL_NBD_H

#include <stdint.h>

/* 0; -ENODEV: the driver is not there; or -errno. */
int kernel_nbd_present(void);

struct kernel_nbd {
    int index;           /* of /dev/nbdN; -1: any that is free */
    int fd;              /* a stream socket, to be served from now on */
    uint64_t size;       /* bytes */
    uint16_t flags;      /* NBD's transmission flags */
    unsigned hold;       /* seconds that requests wait when the server died */
    const char *backend; /* who may serve the device after that */
};

/* Makes a device; its index is in k->index then.  -EBUSY: it is one already,
 * -EPERM, -ENODEV (no driver), or another -errno. */
int kernel_nbd_connect(struct kernel_nbd *k);

/* Gives a device whose server died a new socket; k->size and k->flags do not
 * matter.  -EINVAL: it is not connected, or to another backend.  When the
 * driver has not noticed yet that the old socket is dead, it succeeds and the
 * new socket is hung up. */
int kernel_nbd_resume(const struct kernel_nbd *k);

/* Tells it k->size and nothing else. */
int kernel_nbd_resize(const struct kernel_nbd *k);

/* Has the driver disconnect it when its last user closes it, from now on. */
int kernel_nbd_until_closed(const struct kernel_nbd *k);

int kernel_nbd_disconnect(int index);

/* The reason of one of these errors, for people. */
const char *kernel_nbd_error(int err);

#endif
