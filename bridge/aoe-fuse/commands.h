/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The subcommands of aoe-fuse.  They get their name as argv[0] and return the
 * exit status.
 */
#ifndef BRIDGE_AOE_FUSE_COMMANDS_H
#define BRIDGE_AOE_FUSE_COMMANDS_H

#include <stdbool.h>

int fuse_mount_command(int argc, char **argv);
int fuse_umount_command(int argc, char **argv);

/* mount_helper.c: whether mount(8) calls us, and what to do then.  They get the
 * whole command line; the exit status is one of mount(8)'s. */
bool fuse_helper_called(int argc, char **argv);
int fuse_helper_command(int argc, char **argv);

#endif
