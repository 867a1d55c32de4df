/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Netlink calls to Linux's nbd driver (linux/nbd-netlink.h).  Each may block
 * until requests of the device have completed, so the process that serves the
 * device may make only those that come before its first request.
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
    unsigned hold;       /* seconds that requests wait after the server died */
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

/* Tells the driver k->size and nothing else. */
int kernel_nbd_resize(const struct kernel_nbd *k);

/* From now on the driver disconnects it when its last user closes it. */
int kernel_nbd_until_closed(const struct kernel_nbd *k);

int kernel_nbd_disconnect(int index);

/* One of these errors as text for the user. */
const char *kernel_nbd_error(int err);

#endif
