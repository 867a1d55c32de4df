/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The server: disks and ports in one loop.  A frame comes in, goes through the
 * responder and the store, and its reply goes out; the replies of one turn of
 * the loop are sent together.
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
    bool waits;          /* for interfaces that are missing at the start */
    const char *backend; /* of links; NULL: the best available */
    /* link_open, or a test's replacement. */
    int (*link_open)(struct link **out, const char *ifname,
                     const struct link_options *o);
};

/* Calls `appeared` whenever an interface that is held has come up; before the
 * server starts. */
void server_on_appeared(struct server *s, void (*appeared)(void *arg),
                        void *arg);

/* 0 or -errno. */
int server_open(struct server **out, struct loop *loop,
                const struct server_options *o);

/* Closes everything that was added, too: stores, links.  No request may be in
 * flight (server_idle). */
void server_close(struct server *s);

/* Adds a disk, which takes over the store.  `e` is copied.  0 or -ENOMEM, then
 * the store is still the caller's. */
int server_add_disk(struct server *s, const struct export *e,
                    struct store *store, struct disk **out);

/* Serves a disk on an interface.  On a running server the disk is announced
 * there, and a new interface needs server_open_port first.  0, -EEXIST: a disk
 * with its address is there, or -errno. */
int server_serve(struct server *s, struct disk *d, const char *ifname);

/* Opens the links and starts to serve.  0, or -errno after saying on standard
 * error what went wrong. */
int server_start(struct server *s);

/* What an interface is opened for. */
struct port_needs {
    unsigned requests; /* that its disks accept together */
    bool direct;       /* any of them uses direct I/O */
    bool absent;       /* it may be missing, and is then waited for */
};

/* Makes sure that a running server has this interface open.  0, or -errno after
 * saying what went wrong. */
int server_open_port(struct server *s, const char *ifname,
                     const struct port_needs *needs);
/* An interface that was not asked whether it has another disk with an address,
 * because it was down: it gets no response until it is released. */
void server_hold(struct server *s, const char *ifname);
void server_release(struct server *s, const char *ifname);
/* Whether it is open and up. */
bool server_up(const struct server *s, const char *ifname);
/* No longer serves a disk on one of its interfaces. */
void server_withdraw(struct server *s, struct disk *d, const char *ifname);

/* Takes a disk out of service.  It finishes its requests, syncs, and is freed
 * with its storage; then `gone` is called with the losses that its clients
 * still have to be told of, which it may take over. */
void server_remove_disk(struct server *s, struct disk *d,
                        void (*gone)(void *arg, struct epochs *epochs),
                        void *arg);
/* Closes interfaces that no longer have a disk. */
void server_close_unused(struct server *s);

/* Finishes all requests, syncs, and stops the loop: with EXIT_DONE, or
 * EXIT_FAILED if data may be lost.  Called again, it stops the loop at once. */
void server_stop(struct server *s);
bool server_stopping(const struct server *s);
/* No disk has a request or a sync in flight: the server can be closed. */
bool server_idle(const struct server *s);

/* What is served now; valid until the next turn of the loop. */
struct disk *const *server_disks(const struct server *s, unsigned *count);
struct target_port *const *server_ports(const struct server *s,
                                        unsigned *count);

/* The disk has work to submit at the end of the turn. */
void server_touch_disk(struct server *s, struct disk *d);
/* Submits and sends everything now. */
void server_settle(struct server *s);

#endif
