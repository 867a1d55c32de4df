/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads for calls that may block, so that the loop never does.  Work is
 * submitted in the loop's thread, run by a worker, and completed in the loop's
 * thread.
 *
 * Each store has its own queue, with a limit on the threads that it may occupy:
 * a disk that hangs delays only its own work.
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

/* At most `threads`, each started when it is needed; if there is no memory for
 * the first, work is run in the loop's thread.  0 or -errno. */
int workers_open(struct workers **out, struct loop *loop, unsigned threads);
/* Waits for running work, and ends the threads. */
void workers_close(struct workers *ws);

/* The kernel's asynchronous I/O on the same loop, which needs no threads; NULL
 * where it has none.  It lives as long as the workers. */
struct ring *workers_ring(struct workers *ws);

/* To be called before the first workers_ring: system calls will be filtered,
 * and a ring must not get around the filter. */
void workers_confine(struct workers *ws);

void work_queue_init(struct work_queue *q, struct workers *ws, unsigned limit);
/* `done` is called in a later turn of the loop. */
void work_submit(struct work_queue *q, struct work *w);

#endif
