/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Descriptors beyond those that poll(2) looks at one by one in every turn: on
 * Linux they are in one epoll set, which is itself one descriptor of the
 * loop's, so that a thousand that have nothing to say cost nothing.  Private
 * to base/loop.c.
 */
#ifndef BASE_LOOP_EPOLL_H
#define BASE_LOOP_EPOLL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

enum { LOOP_EPOLL_BATCH = 64 }; /* descriptors ready in one turn */

struct loop_epoll {
    struct loop_fd watch; /* of the set; without `ready` it is not open */
    /* What the turn has still to call; NULL: removed meanwhile. */
    struct loop_fd *ready[LOOP_EPOLL_BATCH];
    unsigned ready_count;
};

/* Makes an empty set.  The loop watches e->watch like any descriptor, and calls
 * whoever in the set is ready by it.  0 or -errno. */
int loop_epoll_open(struct loop_epoll *e);
/* Does nothing to one that was not opened. */
void loop_epoll_close(struct loop_epoll *e);

/* Whether `w` is in the set. */
bool loop_epoll_holds(const struct loop_fd *w);

/* Of a set that is open.  0; -errno if it has to be watched otherwise: epoll
 * takes no regular files. */
int loop_epoll_add(struct loop_epoll *e, struct loop_fd *w, short events);
/* Of one that is in the set; cannot fail. */
void loop_epoll_change(struct loop_epoll *e, struct loop_fd *w, short events);
void loop_epoll_remove(struct loop_epoll *e, struct loop_fd *w);

#endif
