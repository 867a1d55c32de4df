/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads for calls that may block, so that the loop never does.  Work is
 * queued from the loop's thread, run by a worker, and completed in the loop's
 * thread again.
 *
 * Each store has a queue of its own with a limit of threads it may occupy: a
 * disk that hangs keeps its own work waiting and nobody else's.
 */
#ifndef TARGET_STORE_WORKERS_H
#define TARGET_STORE_WORKERS_H

#include <stdbool.h>

#include "base/list.h"
#include "base/loop.h"

struct ring;
struct workers;
struct work_queue;

struct work {
    void (*run)(struct work *w);  /* in a worker */
    void (*done)(struct work *w); /* then in the loop's thread */
    struct work_queue *queue;     /* private */
    struct list link;             /* private */
};

struct work_queue {
    struct workers *workers;
    unsigned limit;      /* most threads at once */
    unsigned running;    /* private, as the rest: under the pool's lock */
    struct list pending; /* of work.link */
    struct list link;    /* among the queues that have runnable work */
};

/* At most `threads` are started, each when it is first needed.  0 or -errno. */
int workers_open(struct workers **out, struct loop *loop, unsigned threads);
/* Waits for running work, then ends the threads. */
void workers_close(struct workers *ws);

/* The kernel's own asynchronous calls on the same loop, which need no thread;
 * NULL where it has none.  It lives as long as the workers. */
struct ring *workers_ring(struct workers *ws);

/* Before the first of these: a filter of system calls will be in force, which a
 * ring must not get around. */
void workers_confine(struct workers *ws);

void work_queue_init(struct work_queue *q, struct workers *ws, unsigned limit);
void work_submit(struct work_queue *q, struct work *w);

#endif
