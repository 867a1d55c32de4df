/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From what is asked for to disks that are served: opens the exports of a
 * configuration and tells the server about them.
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
    /* Opens what is behind an export and describes it.  `dial`, if it is not
     * NULL, is a connection to the server that has it, and becomes the store's.
     * Says on standard error what is wrong.  0 or -errno. */
    int (*open)(void *arg, const struct export_config *c,
                struct store_nbd_dial *dial, struct export *e,
                struct store **out);
    void *arg;
    const char *state_dir; /* where what clients set is kept; NULL: nowhere */
    const char *boot_dir; /* where it is recorded how they end; NULL: nowhere */
    struct workers *workers;
    /* How it is asked whether a disk is on the network already. */
    struct duplicate_options asking;
    /* A disk that was refused is served once the other has been silent for so
     * long; 0: only a reload looks again. */
    uint64_t take_over_ns;
    struct loop *loop;
    /* At the start, who has an address on this machine may be ending: until
     * then it is waited for.  Of clock_ns(); 0: nobody is. */
    uint64_t wait_until;
};

/* 0 or -ENOMEM. */
int exports_open(struct exports **out, const struct exports_options *o);
/* The disks are the server's, which has been closed or will be. */
void exports_close(struct exports *x);

/* Opens all exports and starts the server.  Disks that the network has already
 * are refused.  Takes over what is in `c` and leaves it empty.  0, or -errno
 * after saying what went wrong; -EADDRINUSE: all were refused. */
int exports_start(struct exports *x, struct config *c);

/* Makes what is served what `c` says; takes over what is in it.  An export that
 * stays as it is serves on.  One that changed, or whose storage did, is opened
 * anew once its work in flight is done, with its config string, reservation
 * and, unless `allow` changed, mask list.  One that was refused is looked for
 * again.  0, or -errno after saying what is wrong; then nothing was changed.
 * Where servers have to be connected to first, it is 0 and the rest comes
 * later; another reload may take its place until then. */
int exports_reload(struct exports *x, struct config *c);

enum exports_outcome {
    EXPORTS_ALL,       /* what it stopped has ended, what it started serves */
    EXPORTS_SOME,      /* some of it could not be served or was refused */
    EXPORTS_UNCHANGED, /* something was wrong, and everything is as before */
};

/* Tells `w`, which is the caller's until then, what has become of the last
 * reload. */
struct exports_wait {
    void (*done)(struct exports_wait *w, enum exports_outcome outcome);
    struct list link; /* private */
};
void exports_settled(struct exports *x, struct exports_wait *w);

/* A line for each: address, bytes, interfaces, file. */
void exports_print(const struct exports *x, FILE *out);

#endif
