/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A sysfs of a test's own: a directory below /tmp, which the test fills.
 */
#ifndef TESTS_LIB_SYSFS_H
#define TESTS_LIB_SYSFS_H

#include <stddef.h>

extern char sysfs_root[]; /* once it is open */

/* 0, or -1 as cmocka wants it. */
int sysfs_open(void);
int sysfs_close(void);

/* Makes the directory, with those above it. */
void sysfs_directory(const char *name);
/* Makes a file with these bytes, or a link to `target`. */
void sysfs_file(const char *name, const char *bytes, size_t length);
void sysfs_link(const char *name, const char *target);

#endif
