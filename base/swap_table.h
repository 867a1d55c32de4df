/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The swap files and devices of Linux, /proc/swaps (proc(5)).  Other systems
 * have no such file, and nothing is found.
 */
#ifndef BASE_SWAP_TABLE_H
#define BASE_SWAP_TABLE_H

#include <stdbool.h>

/* Calls `is` with the unescaped path of each entry of `table`, such as
 * /proc/swaps, until it returns true; returns whether it did. */
bool swap_table_find(const char *table, bool (*is)(void *arg, const char *path),
                     void *arg);

#endif
