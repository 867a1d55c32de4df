/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A /dev/nbdN as sysfs shows it, and who serves it.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_DEVICE_H
#define BRIDGE_AOE_NBD_KERNEL_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "initiator/libaoe/aoe.h"

/* The backend identifier of a device, "aoe e1.2 SERIAL".  The udev rule and
 * --resume know a device by it. */
enum { KERNEL_BACKEND_MAX = 64 };
void kernel_backend(char out[KERNEL_BACKEND_MAX], const struct aoe_disk *disk);

struct kernel_device {
    int index; /* of /dev/nbdN */
    uint64_t size;
    bool read_only;
    char backend[KERNEL_BACKEND_MAX];
    char disk[16]; /* "e1.2", out of it */
};

/* The number in "/dev/nbd3", or in what a symbolic link of that name leads to;
 * -1: it is none. */
int kernel_device_index(const char *path);

/* Reads what is known of a device.  False: it is not connected to a disk of
 * ours. */
bool kernel_device_read(struct kernel_device *d, int index);

/* The connected device of `disk` ("e1.2").  False: there is none. */
bool kernel_device_find(struct kernel_device *d, const char *disk);

/* Calls `each` for every connected device of ours. */
void kernel_device_each(void (*each)(void *arg, const struct kernel_device *d),
                        void *arg);

/* The device number of a file of sysfs ("/sys/block/nbd0/dev") as text, "43:0";
 * false: it is not there. */
bool kernel_sysfs_line(const char *path, char *line, size_t size);

/* Makes udev look at the device again. */
void kernel_device_announce(int index);

/* ---- the server of a device ---------------------------------------------- */

/* Becomes it: an open file that must stay open and is the process's own; ends
 * with it, however it ends.  -EAGAIN: there is one. */
int kernel_server_lock(int index);

/* A server that is killed leaves to the next one under which loss epoch of the
 * disk the kernel had nothing to be told (doc/vendor-words.md); 0: not known.
 * `lock`: of kernel_server_lock. */
void kernel_server_note(int lock, uint64_t epoch);
uint64_t kernel_server_noted(int lock);

enum { KERNEL_SERVER_HIDDEN = -2 };

/* Its process id; 0: there is none; -1: there is one, in another container;
 * KERNEL_SERVER_HIDDEN: only root may know. */
pid_t kernel_server(int index);

/* Waits until there is none.  0 or -errno. */
int kernel_server_wait(int index);

#endif
