/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keeps a process that serves a block device of its own machine from
 * deadlocking with itself.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_GUARD_H
#define BRIDGE_AOE_NBD_KERNEL_GUARD_H

#include <stdbool.h>

/* Keeps no mount of others busy; asks the kernel never to write dirty pages in
 * order to reclaim memory for this process, nor to kill it when out of memory.
 * What is not permitted is skipped.  With `swap` it also locks all of its
 * memory and lets it use the kernel's reserve: 0, or -errno if that is not
 * permitted. */
int kernel_guard(bool swap);

#endif
