/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the system is doing with a file or device, in words.
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

/* Whether a device, or a partition of it, is mounted or swapped to, or part of
 * another device: "mounted on /srv".  Of several uses it tells one, of those
 * that write if there is one.  `out` is left alone if not. */
enum in_use in_use_device(int fd, char *out, size_t capacity);

/* Whether `dev` is the disk or a partition of it. */
bool in_use_part_of(dev_t dev, dev_t disk);

/* Whether a regular file is swapped to, or attached to a loop device. */
enum in_use in_use_file(int fd, char *out, size_t capacity);

#endif
