/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line of aoe-target: every flag and argument of vblade, with the
 * same meaning, and some long options.
 */
#ifndef TARGET_OPTIONS_H
#define TARGET_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "target/export.h"
#include "target/privilege.h"

enum { OPTIONS_INTERFACES_MAX = 32 };

struct options {
    struct aoe_addr addr;
    char *interfaces[OPTIONS_INTERFACES_MAX]; /* owned */
    unsigned interface_count;
    const char *path;

    uint16_t buffer_count;
    bool direct, sync, read_only, force;
    uint64_t offset, length; /* sectors; length 0: to the end */
    struct mac_list mask;
    uint64_t commit_ns;  /* 0: never */
    const char *backend; /* of links; NULL: the best there is */
    const char *fault;   /* NULL: none */
    bool drop;           /* become `user` once everything is open */
    struct privilege user;
    bool seccomp; /* and allow only the system calls that serving needs */
};

/* Reads the command line.  Returns -1 to go on; otherwise the exit status,
 * everything having been said. */
int options_parse(struct options *o, int argc, char **argv);
void options_free(struct options *o);

#endif
