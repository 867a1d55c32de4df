/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The server behind `aoe-fuse mount`.
 *
 *     DISCOVERING --all disks answered--> SERVING --unmounted--> FLUSHING
 *         |                               | signal: unmount, once  |
 *         | time is up, signal            | nobody uses it         | done, or
 *         v                               v                        v time is up
 *       exit 1                          (unmounted)              exit 0 or 1
 */
#ifndef BRIDGE_AOE_FUSE_SERVER_H
#define BRIDGE_AOE_FUSE_SERVER_H

#include "base/log.h"
#include "initiator/client/background.h"
#include "bridge/aoe-fuse/auto_unmount.h"
#include "bridge/aoe-fuse/options.h"
#include "initiator/client/disk_search.h"

enum mount_phase { MOUNT_DISCOVERING, MOUNT_SERVING, MOUNT_FLUSHING };

struct mount_server {
    struct mount_options *options;
    const char *path; /* of the directory, absolute */
    enum mount_phase phase;
    struct background background;
    struct loop *loop;
    struct aoe *aoe;
    struct aoe_loop al;
    struct disk_search search;
    struct loop_timer timer; /* flushing: time is up */
    struct aoefs fs;
    struct aoefs_disk disks[DISK_NAMES_MAX];
    struct log_limit limit[DISK_NAMES_MAX];
    struct auto_unmount auto_unmount;
    pid_t unmounter; /* the child that unmounts, or 0 */
};

/* server.c: the whole life of a server, in the background unless the options
 * say otherwise.  Exit status; the user knows why it is not 0. */
int mount_server_run(struct mount_options *options, const char *path);

/* server_phase.c: the next phase begins.  There is no way back. */
void mount_server_enter(struct mount_server *s, enum mount_phase next);

/* server_discover.c: opens the disks and waits until all have answered.  Exit
 * status; the user knows why it is not 0. */
int mount_server_discover(struct mount_server *s);

/* server_end.c: signals that end the server, and the child that unmounts.  0 or
 * -errno. */
int mount_server_catch_signals(struct mount_server *s);
/* On a signal, or where one could have come (0): unmounts.  As long as somebody
 * has a file open no signal ends the server: at shutdown SIGTERM and SIGHUP
 * arrive before file systems on the disks are unmounted. */
void mount_server_end(void *arg, int signo);
/* The mount is gone: flushes, and stops the loop with the exit status. `status`
 * is 0 or -EPROTO, see aoefs_options.ended. */
void mount_server_unmounted(void *arg, int status);

/* loop_devices.c, for the child that has detached a busy mount.  While the
 * system shuts down: unmounts what is on loop devices of the mount's files, as
 * soon as nobody uses that, and detaches the devices.  Returns when none is
 * left, at once when the system is not shutting down. */
void mount_server_release_loops(const struct mount_server *s);

#endif
