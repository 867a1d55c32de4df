/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Descriptors beyond those that poll(2) scans one by one in every turn: on
 * Linux they are in an epoll set, which is itself one descriptor of the loop,
 * so that a thousand idle ones cost nothing.  Private to base/loop.c.
 */
#ifndef BASE_LOOP_EPOLL_H
#define BASE_LOOP_EPOLL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

enum { LOOP_EPOLL_BATCH = 64 }; /* descriptors ready in one turn */

struct loop_epoll {
    struct loop_fd watch; /* the set; not open while `ready` is NULL */
    /* Still to be called in this turn; NULL: removed meanwhile. */
    struct loop_fd *ready[LOOP_EPOLL_BATCH];
    unsigned ready_count;
};

/* Makes an empty set.  The loop watches e->watch like any descriptor; its
 * callback calls those of the set that are ready.  0 or -errno. */
int loop_epoll_open(struct loop_epoll *e);
/* Does nothing to a set that was not opened. */
void loop_epoll_close(struct loop_epoll *e);

/* Whether `w` is in the set. */
bool loop_epoll_holds(const struct loop_fd *w);

/* Adds to an open set.  0; or -errno, and `w` must be watched another way:
 * epoll does not take regular files. */
int loop_epoll_add(struct loop_epoll *e, struct loop_fd *w, short events);
/* For one that is in the set; cannot fail. */
void loop_epoll_change(struct loop_epoll *e, struct loop_fd *w, short events);
void loop_epoll_remove(struct loop_epoll *e, struct loop_fd *w);

#endif
