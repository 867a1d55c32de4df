/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The server: disks and ports in one loop.  Frame in, responder, store, reply
 * out; what a turn collects leaves together.
 */
#ifndef TARGET_SERVE_SERVER_H
#define TARGET_SERVE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "target/serve/disk.h"
#include "target/serve/port.h"
#include "wire/link.h"

struct server;

struct server_options {
    bool changing;       /* disks come and go while it runs */
    const char *backend; /* of links; NULL: the best there is */
    /* link_open, or what a test has in its place. */
    int (*link_open)(struct link **out, const char *ifname,
                     const struct link_options *o);
};

/* 0 or -errno. */
int server_open(struct server **out, struct loop *loop,
                const struct server_options *o);

/* Everything that was added, too: stores, links.  Nothing may be running. */
void server_close(struct server *s);

/* Adds a disk, which takes over the store.  `e` is copied.  0 or -ENOMEM, then
 * the store is still the caller's. */
int server_add_disk(struct server *s, const struct export *e,
                    struct store *store, struct disk **out);

/* Serves a disk on an interface; on a running server the disk is announced
 * there, and server_open_port came first for a new interface.  0, -EEXIST: a
 * disk with its address is there, or -errno. */
int server_serve(struct server *s, struct disk *d, const char *ifname);

/* Opens the links and begins to serve.  0, or -errno after saying on standard
 * error what went wrong. */
int server_start(struct server *s);

/* Makes sure that a running server has this interface open, with receive
 * buffers for disks that take so many requests, and that direct I/O can use if
 * any is `direct`.  0, or -errno after saying what went wrong. */
int server_open_port(struct server *s, const char *ifname, unsigned requests,
                     bool direct);
/* Takes a disk out of service.  It finishes and answers what it has taken,
 * writes it to disk, and is freed, storage and all; then `gone` is called with
 * what its clients have to be told, which it may inherit. */
void server_remove_disk(struct server *s, struct disk *d,
                        void (*gone)(void *arg, struct epochs *epochs),
                        void *arg);
/* Closes interfaces that have no disk any longer. */
void server_close_unused(struct server *s);

/* Finishes what was accepted, writes it to disk, and stops the loop: with
 * EXIT_DONE, or EXIT_FAILED if data may be lost.  Asked a second time, it stops
 * the loop at once. */
void server_stop(struct server *s);
bool server_stopping(const struct server *s);
/* Whether no disk is at work, so that the server can be closed. */
bool server_idle(const struct server *s);

/* All that is served now; valid until the loop's next turn. */
struct disk *const *server_disks(const struct server *s, unsigned *count);
struct target_port *const *server_ports(const struct server *s,
                                        unsigned *count);

/* There is work that leaves at the end of the turn. */
void server_touch_disk(struct server *s, struct disk *d);
/* Lets all of it leave now. */
void server_settle(struct server *s);

#endif
