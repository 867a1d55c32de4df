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
 * stands on them (LVM, dm-crypt, RAID). */
void block_numbers_add(struct block_numbers *n, const char *name, bool holders);
bool block_numbers_have(const struct block_numbers *n, const char *text);
bool block_numbers_have_file(const struct block_numbers *n, const char *path);

/* Where a mount namespace, by its mountinfo, has one of them mounted.  False:
 * nowhere. */
bool block_mounted(const struct block_numbers *n, const char *mountinfo,
                   char *where, size_t room);

/* Unmounts in this mount namespace what nobody has open on them.  Returns how
 * many places are left.  Blocks for as long as the file systems write. */
int block_unmount(const struct block_numbers *n);

/* ---- the last minute ----------------------------------------------------- */

/* Linux takes the network away before what it believes to be a local file
 * system, and a mount by hand may be believed to be one; at shutdown its server
 * unmounts it while it still can.  Calls `release`, which says whether there is
 * something left to do, again and again until there is not, if the system is
 * shutting down, and otherwise not at all.  For a child of the server. */
void at_shutdown(bool (*release)(void *arg), void *arg);

#endif
