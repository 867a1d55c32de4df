/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of aoe-target: every flag and argument of vblade, with the
 * same meaning, and some long options.
 */
#ifndef TARGET_OPTIONS_H
#define TARGET_OPTIONS_H

#include <stdbool.h>

#include "target/config/config.h"
#include "target/privilege.h"

struct target_options {
    struct export_config one; /* when no configuration file is named */
    const char *config;       /* the configuration file; NULL: none */
    bool check;               /* only check it */
    uint64_t take_over_ns;    /* see exports.h */
    uint64_t wait_ns;         /* for a process that is ending, at the start */
    const char *state_dir;    /* for what clients set; NULL: not saved */
    const char *control;      /* path of the control socket; NULL: none */
    const char *status;       /* file that says what is served; NULL: none */
    bool syslog;              /* log there */
    const char *backend;      /* of links; NULL: the best available */
    bool drop;                /* become `user` once everything is open */
    struct privilege user;
    bool seccomp; /* and allow only the system calls that serving needs */
};

/* Reads the command line.  Returns -1 to continue; otherwise the exit status,
 * with all messages printed. */
int options_parse(struct target_options *o, int argc, char **argv);
void options_free(struct target_options *o);

#endif
