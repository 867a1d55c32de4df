/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who uses a block device, and taking it away when nobody does.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_USE_H
#define BRIDGE_AOE_NBD_KERNEL_USE_H

#include <stdbool.h>
#include <stddef.h>

/* Says who uses /dev/nbdN: where it is mounted, swap, what stands on it, the
 * process that has it open; as much as fits.  False: nobody that can be
 * seen. */
bool kernel_use(int index, char *who, size_t size);

/* Flushes the device and takes it away, unless it is in use; with `force` in
 * any case.  Says what went wrong.  Blocks, so it is not for the process that
 * serves the device.  Returns an exit status. */
int kernel_take_away(int index, bool force);

#endif
