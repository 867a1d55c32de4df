/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who uses a block device, and disconnecting it when nobody does.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_USE_H
#define BRIDGE_AOE_NBD_KERNEL_USE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes to `who` who uses /dev/nbdN: where it is mounted, swap, what is built
 * on it, or the process that has it open; truncated to fit.  False: no user is
 * visible. */
bool kernel_use(int index, char *who, size_t size);

/* Flushes and disconnects the device unless it is in use, with `force` in any
 * case.  Reports what went wrong.  Blocks, so it is not for the process that
 * serves the device.  Returns an exit status. */
int kernel_take_away(int index, bool force);

#endif
