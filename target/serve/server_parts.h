/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/serve/server*.c share; for them only.
 */
#ifndef TARGET_SERVE_SERVER_PARTS_H
#define TARGET_SERVE_SERVER_PARTS_H

#include "target/serve/adaptive_polling.h"
#include "target/serve/server.h"

struct netwatch;

struct server {
    struct loop *loop;
    struct server_options options;

    struct disk **disks;
    unsigned disk_count;
    struct target_port **ports;
    unsigned port_count;
    struct port_host port_host;
    void (*appeared)(void *arg); /* NULL: nobody wants to know */
    void *appeared_arg;

    struct list touched_disks, touched_ports;
    struct list leaving; /* of disk.leaving */
    uint64_t disks_ever;
    bool ports_leaving; /* perhaps; tidy checks */
    struct loop_task settle, tidy;
    struct loop_timer refresh, drain;
    struct netwatch *netwatch; /* NULL: only the timer checks */

    bool may_poll; /* there is another CPU for everything else */
    struct adaptive_polling polling;

    bool started;
    bool stopping;
    bool late; /* replies that cannot be sent are dropped */
    struct link_out out[LINK_BATCH];
};

/* ---- server_disks.c ----------------------------------------------------- */

/* Starts to sync acknowledged data from the cache every export.commit_ns. 0 or
 * -ENOMEM. */
int server_start_commits(struct server *s, struct disk *d);
/* Drops the removed disks that have finished. */
void server_drop_disks(struct server *s);
void server_free_disk(struct server *s, struct disk *d);

/* ---- server_ports.c ----------------------------------------------------- */

/* Opens its link as `o` says, except for the backend; with o.absent, one that
 * is missing is said to be waited for.  0, or -errno after saying what went
 * wrong. */
int server_open_link(struct server *s, struct target_port *p,
                     struct link_options o);
/* Checks all interfaces again. */
void server_refresh_ports(void *server);
/* Requests that arrived at any port and have not been answered. */
unsigned server_active(const struct server *s);
/* Drops the ports that were stopped and have no request any more. */
void server_drop_ports(struct server *s);

#endif
