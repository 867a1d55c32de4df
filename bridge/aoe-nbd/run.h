/* SPDX-License-Identifier: BSD-2-Clause
 *
 * --run: a command with a server of its own, behind a socket that nobody else
 * can reach.
 */
#ifndef BRIDGE_AOE_NBD_RUN_H
#define BRIDGE_AOE_NBD_RUN_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct nbd_run {
    char directory[128]; /* private; empty: there is none */
    char socket[160];    /* a path in it */
    pid_t pid;           /* of the command; 0: not running */
};

/* Makes the directory and chooses the path.  0 or -errno. */
int nbd_run_prepare(struct nbd_run *run);

/* Runs `command` in a shell, which finds the server by $uri (an NBD URI) and
 * $unixsocket (the path); `descriptors` limits how many it may open.  0 or
 * -errno.
 */
int nbd_run_start(struct nbd_run *run, const char *command, const char *uri,
                  const struct rlimit *descriptors);

/* Whether the command has ended; if so *status is its exit status, as a shell
 * reports it. */
bool nbd_run_ended(struct nbd_run *run, int *status);

/* Removes the directory; the socket must be gone already. */
void nbd_run_clean(struct nbd_run *run);

#endif
