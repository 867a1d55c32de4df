/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the system is doing with a file or device, in words.
 */
#ifndef TARGET_IN_USE_H
#define TARGET_IN_USE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a device, or a partition of it, is mounted or swapped to, or part of
 * another device: "mounted on /srv".  `out` is left alone if not. */
bool in_use_device(int fd, char *out, size_t room);

/* Whether a regular file is swapped to, or attached to a loop device. */
bool in_use_file(int fd, char *out, size_t room);

#endif
