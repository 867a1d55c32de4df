/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The event loop on poll(2), which every system has.  A process here watches a
 * handful of descriptors, and scanning those costs less than the system calls
 * that keep an epoll set up to date.  Beyond POLL_MAX, they go into one
 * (base/loop_epoll.h).
 */
#include "base/array.h"
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop_epoll.h"

enum { SIGNAL_MAX = 65, POLL_MAX = 32 };

struct loop {
    struct pollfd *polls;     /* polls[i] belongs to watches[i] */
    struct loop_fd **watches; /* NULL: removed in this turn */
    size_t watch_count, watch_capacity;
    bool holes; /* some watches are NULL */
    struct loop_epoll epoll;

    struct loop_timer **heap; /* the earliest first */
    size_t timer_count, timer_capacity;

    struct list tasks; /* of loop_task.link */

    struct loop_fd signal_watch;
    int signal_pipe[2];
    void (*caught[SIGNAL_MAX])(void *arg, int signo);
    void *caught_arg[SIGNAL_MAX];

    uint64_t now;
    struct awake awake;
    uint64_t poll_for; /* ns that the next wait busy-polls before it sleeps */
    bool stopped;
    int status;
};

/* Signal handlers have no argument, so the pipe's write end is a global. */
static volatile sig_atomic_t signal_fd = -1;

static int grow(void **array, size_t *capacity, size_t need, size_t size)
{
    size_t want = *capacity ? *capacity * 2 : 8;
    void *p;

    if (need <= *capacity)
        return 0;
    if (want < need)
        want = need;
    p = array_resize(*array, want, size);
    if (!p)
        return -ENOMEM;
    *array = p;
    *capacity = want;
    return 0;
}

int loop_open(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (!loop)
        return -ENOMEM;
    list_init(&loop->tasks);
    loop->signal_pipe[0] = loop->signal_pipe[1] = -1;
    loop->now = clock_ns();
    awake_init(&loop->awake, loop->now);
    *out = loop;
    return 0;
}

void loop_close(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->signal_pipe[0] >= 0) {
        for (int s = 1; s < SIGNAL_MAX; s++)
            if (loop->caught[s])
                signal(s, SIG_DFL);
        signal_fd = -1;
        close(loop->signal_pipe[0]);
        close(loop->signal_pipe[1]);
    }
    loop_epoll_close(&loop->epoll);
    free(loop->polls);
    free(loop->watches);
    free(loop->heap);
    free(loop);
}

uint64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

uint64_t loop_clock(const struct loop *loop)
{
    return awake_time(&loop->awake, clock_ns());
}

/* ---- descriptors -------------------------------------------------------- */

static int watch_by_poll(struct loop *loop, struct loop_fd *w, short events)
{
    size_t capacity = loop->watch_capacity;
    size_t i = loop->watch_count;
    int err;

    err =
        grow((void **)&loop->watches, &capacity, i + 1, sizeof *loop->watches);
    if (!err)
        err = grow((void **)&loop->polls, &loop->watch_capacity, i + 1,
                   sizeof *loop->polls);
    if (err)
        return err;
    loop->watches[i] = w;
    loop->polls[i] = (struct pollfd){.fd = w->fd, .events = events};
    loop->watch_count++;
    w->index = i + 1;
    return 0;
}

static int open_epoll(struct loop *loop)
{
    int err = loop_epoll_open(&loop->epoll);

    if (err)
        return err;
    err = watch_by_poll(loop, &loop->epoll.watch, POLLIN);
    if (err)
        loop_epoll_close(&loop->epoll);
    return err;
}

static int watch_by_epoll(struct loop *loop, struct loop_fd *w, short events)
{
    int err = loop->epoll.watch.index ? 0 : open_epoll(loop);

    return err ? err : loop_epoll_add(&loop->epoll, w, events);
}

int loop_watch(struct loop *loop, struct loop_fd *w, short events)
{
    assert(w->ready);
    if (loop_epoll_holds(w)) {
        loop_epoll_change(&loop->epoll, w, events);
        return 0;
    }
    if (w->index) {
        loop->polls[w->index - 1].events = events;
        return 0;
    }
    if (loop->watch_count >= POLL_MAX && watch_by_epoll(loop, w, events) == 0)
        return 0;
    return watch_by_poll(loop, w, events);
}

void loop_unwatch(struct loop *loop, struct loop_fd *w)
{
    if (!w->index)
        return;
    if (loop_epoll_holds(w)) {
        loop_epoll_remove(&loop->epoll, w);
        return;
    }
    assert(loop->watches[w->index - 1] == w);
    loop->watches[w->index - 1] = NULL;
    loop->polls[w->index - 1].fd = -1;
    loop->polls[w->index - 1].revents = 0;
    loop->holes = true;
    w->index = 0;
}

/* Removing a watch leaves a hole, so that no entry moves while a turn
 * dispatches; holes are closed here, before the next poll. */
static void close_holes(struct loop *loop)
{
    size_t kept = 0;

    for (size_t i = 0; i < loop->watch_count; i++) {
        if (!loop->watches[i])
            continue;
        loop->watches[kept] = loop->watches[i];
        loop->polls[kept] = loop->polls[i];
        loop->watches[kept]->index = kept + 1;
        kept++;
    }
    loop->watch_count = kept;
    loop->holes = false;
}

static void dispatch(struct loop *loop, int ready)
{
    size_t count = loop->watch_count;

    for (size_t i = 0; i < count && ready > 0; i++) {
        struct loop_fd *w = loop->watches[i];
        short revents = loop->polls[i].revents;

        if (!revents)
            continue;
        ready--;
        if (w)
            w->ready(w->arg, revents);
    }
}

/* ---- timers ------------------------------------------------------------- */

static void heap_put(struct loop *loop, size_t i, struct loop_timer *t)
{
    loop->heap[i] = t;
    t->index = i + 1;
}

static void heap_up(struct loop *loop, size_t i)
{
    struct loop_timer *t = loop->heap[i];

    while (i > 0 && t->at < loop->heap[(i - 1) / 2]->at) {
        heap_put(loop, i, loop->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_put(loop, i, t);
}

static void heap_down(struct loop *loop, size_t i)
{
    struct loop_timer *t = loop->heap[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= loop->timer_count)
            break;
        if (child + 1 < loop->timer_count &&
            loop->heap[child + 1]->at < loop->heap[child]->at)
            child++;
        if (t->at <= loop->heap[child]->at)
            break;
        heap_put(loop, i, loop->heap[child]);
        i = child;
    }
    heap_put(loop, i, t);
}

int loop_timer_set(struct loop *loop, struct loop_timer *t, uint64_t at)
{
    int err;

    if (t->index) {
        t->at = at;
        heap_up(loop, t->index - 1);
        heap_down(loop, t->index - 1);
        return 0;
    }
    err = grow((void **)&loop->heap, &loop->timer_capacity,
               loop->timer_count + 1, sizeof *loop->heap);
    if (err)
        return err;
    t->at = at;
    heap_put(loop, loop->timer_count, t);
    loop->timer_count++;
    heap_up(loop, loop->timer_count - 1);
    return 0;
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *t)
{
    size_t i = t->index - 1;
    struct loop_timer *last;

    if (!t->index)
        return;
    assert(loop->heap[i] == t);
    t->index = 0;
    last = loop->heap[--loop->timer_count];
    if (last == t)
        return;
    heap_put(loop, i, last);
    heap_up(loop, i);
    heap_down(loop, last->index - 1);
}

static void run_timers(struct loop *loop)
{
    while (loop->timer_count > 0 && loop->heap[0]->at <= loop->now) {
        struct loop_timer *t = loop->heap[0];

        loop_timer_cancel(loop, t);
        t->expired(t->arg);
    }
}

/* ---- tasks -------------------------------------------------------------- */

void loop_task_queue(struct loop *loop, struct loop_task *t)
{
    if (!list_linked(&t->link))
        list_append(&loop->tasks, &t->link);
}

void loop_task_cancel(struct loop_task *t)
{
    list_remove(&t->link);
}

static void run_tasks(struct loop *loop)
{
    struct list *node;

    while ((node = list_first(&loop->tasks))) {
        struct loop_task *t = list_entry(node, struct loop_task, link);

        list_remove(node);
        t->run(t->arg);
    }
}

/* ---- signals ------------------------------------------------------------ */

static void on_signal(int signo)
{
    int saved = errno;
    unsigned char byte = (unsigned char)signo;

    if (write(signal_fd, &byte, 1) < 0)
        (void)byte; /* full: enough wake-ups are queued already */
    errno = saved;
}

static void signal_ready(void *arg, short revents)
{
    struct loop *loop = arg;
    unsigned char bytes[32];
    ssize_t n;

    (void)revents;
    while ((n = read(loop->signal_pipe[0], bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++)
            if (bytes[i] < SIGNAL_MAX && loop->caught[bytes[i]])
                loop->caught[bytes[i]](loop->caught_arg[bytes[i]], bytes[i]);
}

static int open_signal_pipe(struct loop *loop)
{
    if (loop->signal_pipe[0] >= 0)
        return 0;
    if (pipe(loop->signal_pipe))
        return -errno;
    for (int i = 0; i < 2; i++)
        fd_nonblock(fd_close_on_exec(loop->signal_pipe[i]));
    signal_fd = loop->signal_pipe[1];
    loop->signal_watch = (struct loop_fd){
        .fd = loop->signal_pipe[0], .ready = signal_ready, .arg = loop};
    return loop_watch(loop, &loop->signal_watch, POLLIN);
}

int loop_signal(struct loop *loop, int signo,
                void (*caught)(void *arg, int signo), void *arg)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    int err;

    if (signo <= 0 || signo >= SIGNAL_MAX)
        return -EINVAL;
    err = open_signal_pipe(loop);
    if (err)
        return err;
    loop->caught[signo] = caught;
    loop->caught_arg[signo] = arg;
    sigemptyset(&sa.sa_mask);
    return sigaction(signo, &sa, NULL) ? -errno : 0;
}

bool loop_sleep(struct loop *loop, uint64_t ns)
{
    struct pollfd p = {.fd = loop->signal_pipe[0], .events = POLLIN};
    int ms = (int)((ns + NS_PER_MS - 1) / NS_PER_MS);

    /* The pipe keeps a signal that came earlier; a handler that only interrupts
     * a sleep may run just before it begins.  poll(2) skips descriptor -1. */
    return poll(&p, 1, ms) == 0;
}

/* ---- running ------------------------------------------------------------ */

void loop_poll_for(struct loop *loop, uint64_t ns)
{
    loop->poll_for = ns;
}

/* When the first timer is due on the monotonic clock. */
static uint64_t first_due(const struct loop *loop)
{
    return loop->timer_count > 0 ? awake_real(&loop->awake, loop->heap[0]->at)
                                 : UINT64_MAX;
}

/* A turn begins, maybe long after its first timer was due. */
static void look_at_clock(struct loop *loop)
{
    uint64_t now = clock_ns();

    awake_run(&loop->awake, now);
    loop->now = awake_time(&loop->awake, now);
}

/* Busy-polls until something is ready, a timer is due or the time is up.
 * Returns what poll(2) did. */
static int busy_poll(struct loop *loop)
{
    uint64_t end = clock_ns() + loop->poll_for;
    int ready;

    loop->poll_for = 0;
    if (first_due(loop) < end)
        end = first_due(loop);
    do
        ready = poll(loop->polls, (nfds_t)loop->watch_count, 0);
    while (ready == 0 && clock_ns() < end);
    return ready;
}

/* The usual wait is less than a second; a small processor divides 64 bits in
 * hundreds of instructions. */
static struct timespec timespec_of(uint64_t ns)
{
    struct timespec ts = {0};

    if (ns >= NS_PER_S) {
        ts.tv_sec = (time_t)(ns / NS_PER_S);
        ns %= NS_PER_S;
    }
    ts.tv_nsec = (long)ns;
    return ts;
}

static int wait_in_poll(struct loop *loop, uint64_t now)
{
    struct timespec ts, *wait = NULL;

    if (loop->timer_count > 0) {
        uint64_t at = first_due(loop);

        ts = timespec_of(at > now ? at - now : 0);
        wait = &ts;
    }
    return fd_wait(loop->polls, (nfds_t)loop->watch_count, wait);
}

static int wait_ready(struct loop *loop)
{
    uint64_t now = clock_ns(), due = first_due(loop);
    int ready;

    awake_sleep(&loop->awake, due > now ? due : now);
    if (loop->poll_for == 0)
        return wait_in_poll(loop, now);
    ready = busy_poll(loop);
    return ready ? ready : wait_in_poll(loop, clock_ns());
}

int loop_run(struct loop *loop)
{
    loop->stopped = false;
    awake_sleep(&loop->awake, clock_ns()); /* it did not run before */
    look_at_clock(loop);
    run_tasks(loop);
    while (!loop->stopped) {
        int ready;

        if (loop->holes)
            close_holes(loop);
        ready = wait_ready(loop);
        if (ready < 0 && errno != EINTR)
            return -errno;
        look_at_clock(loop);
        if (log_behind())
            log_catch_up();
        if (ready > 0)
            dispatch(loop, ready);
        run_timers(loop);
        run_tasks(loop);
    }
    return loop->status;
}

void loop_stop(struct loop *loop, int status)
{
    loop->stopped = true;
    loop->status = status;
}
