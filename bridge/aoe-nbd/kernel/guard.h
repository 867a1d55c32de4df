/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What keeps a process that serves a block device of its own machine from
 * waiting for itself.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_GUARD_H
#define BRIDGE_AOE_NBD_KERNEL_GUARD_H

#include <stdbool.h>

/* Leaves the mounts of others alone, asks the kernel never to write dirty pages
 * to make room for this process, nor to end it for lack of memory.  What is not
 * permitted is left out.  With `swap` it also keeps all of its memory present
 * and gives it the memory that the kernel holds back: 0, or -errno if that is
 * not permitted. */
int kernel_guard(bool swap);

#endif
