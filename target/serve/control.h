/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The control socket: a Unix stream socket that only its owner may use.  A
 * client sends one line.  The reply is a line "ok", followed by the output, or
 * "error WHY" in one or more lines; then the connection is closed.
 */
#ifndef TARGET_SERVE_CONTROL_H
#define TARGET_SERVE_CONTROL_H

#include "target/serve/exports.h"

#define CONTROL_PATH "/run/aoe-target.sock" /* where `ctl` looks */

struct control;

struct control_options {
    const char *path;
    struct loop *loop;
    struct server *server;
    struct exports *exports;
    /* Reads the configuration again.  0, or -errno after saying on standard
     * error what is wrong. */
    int (*reload)(void *arg);
    void *arg;
};

/* 0, or -errno after saying what is wrong. */
int control_open(struct control **out, const struct control_options *o);
/* To be called before anything that it refers to is closed. */
void control_close(struct control *c);

/* `aoe-target ctl ...`: argv[0] is "ctl".  Returns the exit status. */
int ctl_main(int argc, char **argv);

#endif
