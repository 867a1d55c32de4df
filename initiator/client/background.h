/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A server that goes to the background once it is of use: until then its
 * errors and its exit status are those of the command that the user typed.
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
    char line[1024];      /* begun on log_fd, not yet ended */
    size_t used;
};

/* Splits the process before it owns anything.  In the parent returns the
 * server's process id, to be waited for; in the server 0; or -errno. */
pid_t background_fork(struct background *bg);

/* Parent: waits until the server is of use or has given up, and returns the
 * command's exit status. */
int background_wait(struct background *bg, pid_t server);

/* Server: leaves the terminal and lets the parent return.  Standard error
 * stays when it is a regular file; otherwise its lines go to syslog, because
 * whoever reads from a pipe to us would wait for our end.  -EPIPE: the parent
 * is gone, and with it whoever wanted the server. */
int background_detach(struct background *bg, struct loop *loop);

/* Sends on what is still on its way to syslog. */
void background_close(struct background *bg);

#endif
