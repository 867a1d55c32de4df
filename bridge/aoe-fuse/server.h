/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The server behind `aoe-fuse mount`.
 *
 *     looking --all answered--> serving --unmounted--> flushing --> exit 0
 *        |                         | signal: unmount, when nobody uses it
 *        +--time is up--> exit 1   +--------------------------^
 */
#ifndef BRIDGE_AOE_FUSE_SERVER_H
#define BRIDGE_AOE_FUSE_SERVER_H

#include "base/log.h"
#include "initiator/client/background.h"
#include "bridge/aoe-fuse/guard.h"
#include "bridge/aoe-fuse/options.h"

enum server_phase { SERVER_LOOKING, SERVER_SERVING, SERVER_FLUSHING };

struct server {
    struct mount_options *options;
    const char *path; /* of the directory, absolute */
    enum server_phase phase;
    struct background background;
    struct loop *loop;
    struct aoe *aoe;
    struct aoe_loop al;
    struct loop_timer timer; /* looking: time is up; flushing: likewise */
    struct aoefs fs;
    struct aoefs_disk disks[MOUNT_DISKS_MAX];
    struct log_limit limit[MOUNT_DISKS_MAX];
    unsigned ready; /* disks that answered */
    struct guard guard;
    pid_t unmounter; /* the child that unmounts, or 0 */
};

/* fuse_look.c: opens the disks and waits until all have answered.  Exit
 * status; the user knows why it is not 0. */
int server_look(struct server *s);

/* fuse_end.c.  Signals that end the server, and the child that unmounts. */
int server_catch_signals(struct server *s);
/* A signal, or as good as one: unmounts.  As long as somebody has a file open
 * no signal ends the server: at shutdown they come before file systems on the
 * disk are unmounted, SIGTERM and SIGHUP one upon the other. */
void server_end(void *arg, int signo);
/* The mount is gone: flushes and stops the loop with the exit status. */
void server_unmounted(void *arg);

/* fuse_loops.c, for the child that has detached a busy mount: when the system
 * is shutting down, unmounts what is on loop devices of its files, as soon as
 * nobody uses that, and takes them away.  Returns when that is done. */
void server_release_loops(const struct server *s);

#endif
