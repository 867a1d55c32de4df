/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file systems on a block device, wherever they are mounted.
 */
#ifndef INITIATOR_CLIENT_BLOCK_USE_H
#define INITIATOR_CLIENT_BLOCK_USE_H

#include <stdbool.h>
#include <stddef.h>

/* Block devices by their numbers, "43:0". */
enum { BLOCK_NUMBERS_MAX = 64 };
struct block_numbers {
    char text[BLOCK_NUMBERS_MAX][16];
    int count;
};

/* Adds the device `name` ("nbd0") and its partitions; with `holders` also what
 * is built on them (LVM, dm-crypt, RAID). */
void block_numbers_add(struct block_numbers *n, const char *name, bool holders);
bool block_numbers_have(const struct block_numbers *n, const char *text);
bool block_numbers_have_file(const struct block_numbers *n, const char *path);

/* Where one of them is mounted in the namespace of `mountinfo`.
 * False: nowhere. */
bool block_mounted(const struct block_numbers *n, const char *mountinfo,
                   char *where, size_t capacity);

/* Unmounts, in this mount namespace, their file systems that are not busy.
 * Returns how many mounts are left.  Blocks while the file systems write
 * back. */
int block_unmount(const struct block_numbers *n);

/* ---- the last minute ----------------------------------------------------- */

/* At shutdown, Linux stops the network before it unmounts what it takes for a
 * local file system, and it may take a manual mount for one: the disk's server
 * has to unmount it while it still can.  If the system is shutting down, calls
 * `release` again and again until it returns that nothing is left to do;
 * otherwise not at all.  For a child of the server. */
void at_shutdown(bool (*release)(void *arg), void *arg);

#endif
