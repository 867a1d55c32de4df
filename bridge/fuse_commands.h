/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The subcommands of aoe-fuse.  They get their name as argv[0] and return the
 * exit status.
 */
#ifndef BRIDGE_FUSE_COMMANDS_H
#define BRIDGE_FUSE_COMMANDS_H

int fuse_mount_command(int argc, char **argv);
int fuse_umount_command(int argc, char **argv);

/* What getopt_long gave as ':' or '?', in words; EXIT_USAGE. */
int fuse_bad_option(const char *command, int letter, char **argv);

/* Their --help, on standard output. */
void fuse_mount_help(void);
void fuse_umount_help(void);

#endif
