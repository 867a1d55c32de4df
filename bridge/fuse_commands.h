/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The subcommands of aoe-fuse.  argv[0] is how their messages begin; they
 * return the exit status.
 */
#ifndef BRIDGE_FUSE_COMMANDS_H
#define BRIDGE_FUSE_COMMANDS_H

int fuse_mount_command(int argc, char **argv);
int fuse_umount_command(int argc, char **argv);

/* Their --help, on standard output. */
void fuse_mount_help(void);
void fuse_umount_help(void);

#endif
