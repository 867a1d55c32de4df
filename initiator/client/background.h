/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A server that goes to the background once it is ready: until then its errors
 * and its exit status are those of the command that the user typed.
 */
#ifndef INITIATOR_CLIENT_BACKGROUND_H
#define INITIATOR_CLIENT_BACKGROUND_H

#include <sys/types.h>

#include "base/loop.h"

struct background {
    int ready_fd; /* tells the waiting parent; -1: foreground */
    int log_fd;   /* read end of what was standard error; or -1 */
    struct loop *loop;
    struct loop_fd watch; /* log_fd */
    char line[1024];      /* the incomplete line from log_fd */
    size_t used;
};

/* Forks, before the process owns anything.  Returns the server's process id in
 * the parent, for background_wait; 0 in the server; or -errno. */
pid_t background_fork(struct background *bg);

/* Parent: waits until the server is ready or has given up, and returns the
 * command's exit status. */
int background_wait(struct background *bg, pid_t server);

/* Server: leaves the terminal and lets the parent return.  Standard error stays
 * if it is a regular file; otherwise its lines go to syslog, because the reader
 * of a pipe would wait until we exit.  -EPIPE: the parent is gone, so nobody
 * wants the server any more. */
int background_detach(struct background *bg, struct loop *loop);

/* Passes what is still in the pipe on to syslog, and closes it. */
void background_close(struct background *bg);

#endif
