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

/* fuse_helper.c: whether this is a call on behalf of mount(8), and what to do
 * then, with the whole command line and mount(8)'s exit status. */
bool fuse_helper_called(int argc, char **argv);
int fuse_helper_command(int argc, char **argv);

/* What getopt_long gave as ':' or '?', in words; EXIT_USAGE. */
int fuse_bad_option(const char *command, int letter, char **argv);

/* Their --help, on standard output. */
void fuse_mount_help(void);
void fuse_umount_help(void);

#endif
