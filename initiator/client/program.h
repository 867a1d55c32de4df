/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A program that is a table of subcommands.
 */
#ifndef INITIATOR_CLIENT_PROGRAM_H
#define INITIATOR_CLIENT_PROGRAM_H

struct program_command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is `name`; exit status */
    const char *about;                 /* its line in --help */
};

struct program {
    const char *name;                       /* "aoe-nbd" */
    const char *about;                      /* the line below "Usage:" */
    const char *examples;                   /* lines of --help; NULL: none */
    const struct program_command *commands; /* the last has no name */
};

/* Runs the subcommand that argv[1] names, or answers --help and --version.  The
 * exit status. */
int program_run(const struct program *p, int argc, char **argv);

#endif
