/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of every program and subcommand that uses disks: the rows of
 * the shared table that it takes, and rows of its own.  Wrong usage is exit
 * status 2 and one line that says what was wrong and what is allowed.
 */
#ifndef INITIATOR_CLIENT_COMMAND_LINE_H
#define INITIATOR_CLIENT_COMMAND_LINE_H

#include "initiator/client/client_options.h"
#include "initiator/client/disk_names.h"

/* What a command tells about itself. */
struct command_line {
    const char *program, *command; /* "aoe-nbd", "serve" */
    const char *usage;             /* the lines of --help before its options */
    const char *notes;             /* and those after them; NULL: none */
    unsigned shared; /* OPTION_*: which rows of the shared table */
    /* Its own options, the last row without a name; NULL: none. */
    const struct option_row *own;
};

/* Parses the options and takes them out of argv.  They may be mixed with
 * operands, which are left in argv[0] to argv[*argc - 1]; everything after "--"
 * is an operand.  On entry argv[0] is the command's name; it is dropped.
 * Shared options go to `o`, which client_options_init has filled (NULL: only -v
 * and -h are taken), others to `own`.  Returns -1 to go on, else the exit
 * status: after --help, or after reporting what was wrong. */
int command_line_parse(const struct command_line *line,
                       struct client_options *o, void *own, int *argc,
                       char **argv);

/* Wrong usage of an option or an argument: "serve: --window 0: not a number
 * from 1 to 4096; see aoe-nbd serve --help".  `value` and `why` may be NULL.
 * EXIT_USAGE. */
int command_line_wrong(const struct command_line *line, const char *what,
                       const char *value, const char *why);

/* Parses the name of a disk.  -1, or EXIT_USAGE after reporting that it is
 * none. */
int command_line_disk(const struct command_line *line, const char *name,
                      uint16_t *shelf, uint8_t *slot);
/* The same for one of several disks, which is added to `disks`; EXIT_USAGE,
 * too, if it is there already, or there is no place for it. */
int command_line_add_disk(const struct command_line *line, const char *name,
                          struct disk_names *disks);

#endif
