/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The event loop of a process: descriptors, timers, signals, and tasks that run
 * at the end of a turn, once everything that was ready has been handled: they
 * send what the turn has batched.
 *
 * One thread owns a loop and calls everything here.  All objects are the
 * caller's, zero-initialised before first use, and must not move while they are
 * registered.  A callback may register and remove anything, itself included.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/awake.h"
#include "base/clock.h"
#include "base/list.h"

struct loop;

/* A watched descriptor.  `revents` are poll(2)'s. */
struct loop_fd {
    int fd;
    void (*ready)(void *arg, short revents);
    void *arg;
    /* Private: index in the poll set + 1, 0: not watched; base/loop_epoll.h. */
    size_t index;
    short events;
};

/* A deadline.  Fires once, then may be set again. */
struct loop_timer {
    void (*expired)(void *arg);
    void *arg;
    uint64_t at;  /* private: due time, ns */
    size_t index; /* private: index in the heap + 1; 0: not set */
};

/* Runs once at the end of the turn in which it was queued, after all ready
 * descriptors and due timers: the place to send what a turn has collected. */
struct loop_task {
    void (*run)(void *arg);
    void *arg;
    struct list link; /* private */
};

/* Returns 0 or -errno. */
int loop_open(struct loop **out);
void loop_close(struct loop *loop);

/* The loop's time in ns: the monotonic clock, less the time in which the
 * process did not run (base/awake.h), so that no deadline passes while we could
 * not have received anything.  loop_now: when this turn began; loop_clock: at
 * this moment. */
uint64_t loop_now(const struct loop *loop);
uint64_t loop_clock(const struct loop *loop);

/* Starts to watch w->fd for poll(2) events, or changes the events of a watch.
 * events may be 0: only errors and hang-ups.  Returns 0 or -ENOMEM. */
int loop_watch(struct loop *loop, struct loop_fd *w, short events);
void loop_unwatch(struct loop *loop, struct loop_fd *w);

/* Sets or moves a timer to `at`, of the loop's time.  Returns 0 or -ENOMEM. */
int loop_timer_set(struct loop *loop, struct loop_timer *t, uint64_t at);
void loop_timer_cancel(struct loop *loop, struct loop_timer *t);

/* Queues a task for the end of this turn; queueing it twice runs it once. */
void loop_task_queue(struct loop *loop, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

/* Calls `caught` from the loop, not from the signal handler, each time `signo`
 * was received.  One handler per signal in the whole process.  0 or -errno. */
int loop_signal(struct loop *loop, int signo,
                void (*caught)(void *arg, int signo), void *arg);

/* Sleeps between turns, or before the first one, for `ns` or until a signal of
 * loop_signal arrives; one that came before this call counts.  Its handler
 * still runs in the next turn.  False: there is such a signal. */
bool loop_sleep(struct loop *loop, uint64_t ns);

/* The next wait busy-polls for up to `ns` before it sleeps: for events that
 * come sooner than a sleeping CPU wakes. */
void loop_poll_for(struct loop *loop, uint64_t ns);

/* Runs until loop_stop and returns its status; or -errno when poll fails. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int status);

#endif
