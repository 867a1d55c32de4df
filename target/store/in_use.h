/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the system uses a file or device for, in words.
 */
#ifndef TARGET_STORE_IN_USE_H
#define TARGET_STORE_IN_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum in_use {
    IN_USE_NOT,
    IN_USE_READING, /* nothing is written to it */
    IN_USE_WRITING,
};

/* Whether a device, or a partition of it, is mounted, used as swap, or part of
 * another device: "mounted on /srv".  Of several uses one is told, one that
 * writes if there is any.  `out` is unchanged if there is none. */
enum in_use in_use_device(int fd, char *out, size_t capacity);

/* Whether `dev` is the disk or a partition of it. */
bool in_use_part_of(dev_t dev, dev_t disk);

/* Whether a regular file is used as swap, or attached to a loop device. */
enum in_use in_use_file(int fd, char *out, size_t capacity);

#endif
