/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The subcommands of aoe-nbd whose client is the kernel.  Each gets its own
 * name as argv[0] and returns the exit status.
 */
#ifndef BRIDGE_AOE_NBD_KERNEL_COMMANDS_H
#define BRIDGE_AOE_NBD_KERNEL_COMMANDS_H

int kernel_connect_command(int argc, char **argv);
int kernel_disconnect_command(int argc, char **argv);
int kernel_list_command(int argc, char **argv);

#endif
