/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Makes files durable, by whatever the system needs for it: on macOS fsync
 * stops at the disk's own cache, and a new file can lose its name, and so be
 * lost, unless its directory is synced, too.
 */
#ifndef BASE_DURABLE_H
#define BASE_DURABLE_H

/* 0: what was written to `fd` is on the medium, by durable_data with the file's
 * length, by durable_file with all else that stat shows; or -errno.  From any
 * thread. */
int durable_data(int fd);
int durable_file(int fd);

/* The names in a directory, open as `fd`.  Also 0 where the file system cannot
 * sync a directory because it needs no sync. */
int durable_directory(int fd);

/* The name of the file `path`: syncs the directory that it is in. */
int durable_name(const char *path);

#endif
