/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Bringing files to the medium, by whatever the system needs for it: on macOS
 * fsync stops at the disk's own cache, and a new file is lost with its name
 * unless its directory is brought there, too.
 */
#ifndef BASE_DURABLE_H
#define BASE_DURABLE_H

/* 0 or -errno, from any thread: what was written to `fd` is on the medium with
 * its length, and with all else that stat shows. */
int durable_data(int fd);
int durable_file(int fd);

/* The names in a directory, open as `fd`.  0 also where the file system keeps
 * them by itself and has nothing to offer for it. */
int durable_directory(int fd);

/* The name of the file `path`: the directory it stands in. */
int durable_name(const char *path);

#endif
