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
 * --resume recognise a device by it. */
enum { KERNEL_BACKEND_MAX = 64 };
void kernel_backend(char out[KERNEL_BACKEND_MAX], const struct aoe_disk *disk);

struct kernel_device {
    int index; /* of /dev/nbdN */
    uint64_t size;
    bool read_only;
    char backend[KERNEL_BACKEND_MAX];
    char disk[16]; /* "e1.2", from the backend */
};

/* The number in "/dev/nbd3", or in what a symbolic link leads to; -1: there is
 * none. */
int kernel_device_index(const char *path);

/* Reads what is known of a device.  False: it is not connected to a disk of
 * ours. */
bool kernel_device_read(struct kernel_device *d, int index);

/* The connected device of `disk` ("e1.2").  False: there is none. */
bool kernel_device_find(struct kernel_device *d, const char *disk);

/* Calls `each` for every connected device of ours. */
void kernel_device_each(void (*each)(void *arg, const struct kernel_device *d),
                        void *arg);

/* The first line of a sysfs file: "43:0" of "/sys/block/nbd0/dev".  False: it
 * cannot be read. */
bool kernel_sysfs_line(const char *path, char *line, size_t size);

/* Makes udev process the device again. */
void kernel_device_announce(int index);

/* ---- the server of a device ---------------------------------------------- */

/* Becomes the server.  Returns a descriptor that must stay open: it holds a
 * lock of this process alone, which ends with it, however it ends.  -EAGAIN:
 * there is a server; or another -errno. */
int kernel_server_lock(int index);

/* Notes, for the next server if this one is killed, the disk's loss epoch at
 * which the kernel had been told of every loss (doc/vendor-words.md); 0: not
 * known.  `lock` is from kernel_server_lock. */
void kernel_server_note(int lock, uint64_t epoch);
uint64_t kernel_server_noted(int lock);

enum { KERNEL_SERVER_HIDDEN = -2 };

/* The server's process id; 0: there is no server; -1: there is one, in another
 * container; KERNEL_SERVER_HIDDEN: only root can tell. */
pid_t kernel_server(int index);

/* Waits until there is no server.  0 or -errno. */
int kernel_server_wait(int index);

#endif
