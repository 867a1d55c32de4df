/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where sysfs has a block device.
 */
#ifndef TARGET_STORE_SYSFS_H
#define TARGET_STORE_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum sysfs_disk {
    SYSFS_LISTED,
    SYSFS_UNLISTED, /* others are, this one is not: the kernel lost it */
    SYSFS_UNKNOWN,  /* there is no sysfs here, or not a whole one */
};

/* Finds the directory of the disk or partition `dev`, such as
 * "/sys/dev/block/8:1"; behind it come attributes and "/..", the disk of a
 * partition.  `path` is valid only if it is listed. */
enum sysfs_disk sysfs_find(dev_t dev, char *path, size_t capacity);

#endif
