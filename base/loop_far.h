/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Descriptors beyond those that poll(2) looks at one by one in every turn: on
 * Linux they are in one epoll set, which is itself one descriptor of the
 * loop's, so that a thousand that have nothing to say cost nothing.  Private
 * to base/loop.c.
 */
#ifndef BASE_LOOP_FAR_H
#define BASE_LOOP_FAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

enum { LOOP_FAR_BATCH = 64 }; /* descriptors ready in one turn */

struct loop_far {
    struct loop_fd watch; /* of the set; its index is 0 before the first */
    /* What the turn has still to call; NULL: removed meanwhile. */
    struct loop_fd *ready[LOOP_FAR_BATCH];
    unsigned ready_count;
};

/* Whether `w` is in the set. */
bool loop_far_holds(const struct loop_fd *w);

/* 0; -errno if it has to be watched otherwise. */
int loop_far_add(struct loop *loop, struct loop_far *far, struct loop_fd *w,
                 short events);
/* Of one that is in the set; cannot fail. */
void loop_far_change(struct loop_far *far, struct loop_fd *w, short events);
void loop_far_remove(struct loop_far *far, struct loop_fd *w);

/* Nothing may be in it any more. */
void loop_far_close(struct loop_far *far);

#endif
