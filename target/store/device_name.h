/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Disks by their serial number, "serial:WD-WX31A1234567", for systems without
 * udev's /dev/disk/by-id: whatever letter the disk has today.  A partition has
 * its number behind that, as in by-id: "serial:WD-WX31A1234567-part1".
 */
#ifndef TARGET_STORE_DEVICE_NAME_H
#define TARGET_STORE_DEVICE_NAME_H

#include <stdbool.h>
#include <sys/stat.h>

enum { DEVICE_NAME_MAX = 64 }; /* bytes of a path like /dev/sda1 */

/* Whether `path` is such a name; all other paths are files'. */
bool device_name_is(const char *path);

/* Where the device is now.  `sysfs` and `dev` are directories; NULL: /sys,
 * /dev. 0; -ENODEV: there is none with that serial number; -ENOTUNIQ: several,
 * and none of them can be meant; -EOPNOTSUPP: the system does not tell. */
int device_name_find(const char *name, const char *sysfs, const char *dev,
                     char out[DEVICE_NAME_MAX]);

/* strerror(3) of -errno, in the words of such a name if `path` is one. */
const char *device_name_error(const char *path, int err);

/* open(2) and stat(2), also of such a name.  What is opened is the device that
 * has the serial number then: -1 with ESTALE if it changed its place meanwhile.
 * Reads leave the access time as it is, where the system permits that. */
int device_open(const char *path, int flags);
int device_stat(const char *path, struct stat *st);

#endif
