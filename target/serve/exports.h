/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a configuration to disks that are served: opens the exports, checks that
 * nobody else has their addresses, and hands them to the server.
 */
#ifndef TARGET_SERVE_EXPORTS_H
#define TARGET_SERVE_EXPORTS_H

#include <stdio.h>

#include "target/config/config.h"
#include "target/serve/duplicate.h"
#include "target/serve/server.h"

struct exports;
struct store_nbd_dial;

struct exports_options {
    struct server *server;
    /* Opens the storage of an export and describes it.  `dial`, if not NULL, is
     * a connection to its NBD server, and becomes the store's.  Says on
     * standard error what is wrong.  0 or -errno. */
    int (*open)(void *arg, const struct export_config *c,
                struct store_nbd_dial *dial, struct export *e,
                struct store **out);
    void *arg;
    const char *state_dir; /* for what clients set; NULL: it is not saved */
    const char *boot_dir;  /* for how the disks stopped; NULL: not recorded */
    struct workers *workers;
    struct duplicate_options duplicates; /* how other disks are looked for */
    /* A refused disk is served once the other one has been silent for this
     * long; 0: only a reload checks again. */
    uint64_t take_over_ns;
    struct loop *loop;
    bool waits; /* for disks that are missing at the start */
    /* At the start, until when to wait for a program on this machine that has
     * an address and may be about to end.  Of clock_ns(); 0: do not wait. */
    uint64_t wait_until;
};

/* 0 or -ENOMEM. */
int exports_open(struct exports **out, const struct exports_options *o);
/* The disks are the server's, which has been closed or will be. */
void exports_close(struct exports *x);

/* Opens all exports and starts the server.  Disks whose address the network
 * already has are refused.  With `waits`, those that cannot be opened are tried
 * again and again; without, they are an error.  Takes over the contents of `c`
 * and leaves it empty.  0, or -errno after saying what went wrong; -EADDRINUSE:
 * all were refused. */
int exports_start(struct exports *x, struct config *c);

/* Applies another configuration, and takes over its contents.  An unchanged
 * export is left alone.  One that changed, or whose storage did, is reopened
 * once its requests in flight are done; it keeps its config string, reservation
 * and, unless `allow` changed, mask list.  A refused one is checked again.  0,
 * or -errno after saying what is wrong; then nothing was changed.  Also 0 if
 * NBD servers have to be connected to first: the rest happens later, and
 * another reload may replace this one until then. */
int exports_reload(struct exports *x, struct config *c);

enum exports_outcome {
    EXPORTS_ALL,  /* what it stopped has ended, what it started is served */
    EXPORTS_SOME, /* some of it could not be served or was refused */
    EXPORTS_UNCHANGED, /* there was an error, and everything is as before */
};

/* Reports the outcome of the last reload to `w`, which stays the caller's, once
 * everything it began has ended. */
struct exports_wait {
    void (*done)(struct exports_wait *w, enum exports_outcome outcome);
    struct list link; /* private */
};
void exports_settled(struct exports *x, struct exports_wait *w);

/* One line each: address, bytes, interfaces, file, what is wrong with it. */
void exports_print(const struct exports *x, FILE *out);
/* In a few words what is wrong, for a line of ps(1): "2 of 3 disks are not
 * served: e1.2 e1.3"; nothing if all is well. */
void exports_trouble(const struct exports *x, FILE *out);

#endif
