/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pool of threads behind target/store/workers.h.  One lock guards
 * everything the threads share; a byte in a pipe wakes the loop for finished
 * work.
 *
 * No thread runs before there is work for one: as long as a process has a
 * single thread, the kernel looks its descriptors up without locking anything,
 * which saves a hundred instructions a frame on a small processor.
 */
#include "target/store/workers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/store/ring.h"

/* Enough for a worker's deepest call; the default would reserve 8 MB of address
 * space for each thread. */
enum { WORKER_STACK = 128 * 1024 };

struct workers {
    struct loop *loop;
    struct loop_fd watch;
    int pipe[2]; /* a byte: finished work waits */

    struct ring *ring;
    bool ring_tried;          /* if there is none now, there will be none */
    bool ring_confined;       /* it may run nothing but transfers */
    struct log_limit refused; /* threads that could not be started */

    pthread_mutex_t lock; /* guards all below, and every queue */
    pthread_cond_t wanted;
    struct list runnable; /* of work_queue.link: pending work, below limit */
    struct list finished; /* of work.link */
    unsigned queued;      /* works pending in all queues */
    unsigned started, idle, limit;
    bool closing;
    pthread_t threads[];
};

static bool queue_runnable(const struct work_queue *q)
{
    return !list_empty(&q->pending) && q->running < q->limit;
}

static void offer_queue(struct workers *ws, struct work_queue *q)
{
    if (queue_runnable(q) && !list_linked(&q->link))
        list_append(&ws->runnable, &q->link);
}

/* The next work in turn among the queues; called with the lock held. */
static struct work *take_work(struct workers *ws)
{
    struct work_queue *q =
        list_entry(list_first(&ws->runnable), struct work_queue, link);
    struct work *w = list_entry(list_first(&q->pending), struct work, link);

    list_remove(&w->link);
    list_remove(&q->link);
    ws->queued--;
    q->running++;
    offer_queue(ws, q);
    return w;
}

static void finish_work(struct workers *ws, struct work *w)
{
    bool wake = list_empty(&ws->finished);

    assert(w->queue->running > 0);
    w->queue->running--;
    offer_queue(ws, w->queue);
    list_append(&ws->finished, &w->link);
    /* The pipe holds one byte at most, so this cannot find it full. */
    if (wake)
        while (write(ws->pipe[1], "", 1) < 0 && errno == EINTR)
            ;
}

/* Called with the lock held, which it gives up meanwhile. */
static void run_work(struct workers *ws)
{
    struct work *w = take_work(ws);

    pthread_mutex_unlock(&ws->lock);
    w->run(w);
    pthread_mutex_lock(&ws->lock);
    finish_work(ws, w);
}

static void *worker(void *arg)
{
    struct workers *ws = arg;

    pthread_mutex_lock(&ws->lock);
    for (;;) {
        while (list_empty(&ws->runnable) && !ws->closing) {
            ws->idle++;
            pthread_cond_wait(&ws->wanted, &ws->lock);
            ws->idle--;
        }
        if (list_empty(&ws->runnable))
            break;
        run_work(ws);
    }
    pthread_mutex_unlock(&ws->lock);
    return NULL;
}

/* Signals belong to the loop's thread; a worker takes none. */
static int start_thread(struct workers *ws)
{
    pthread_attr_t attr;
    sigset_t all, before;
    size_t stack = WORKER_STACK;
    unsigned held;
    int err;

#ifdef PTHREAD_STACK_MIN
    if (stack < (size_t)PTHREAD_STACK_MIN)
        stack = (size_t)PTHREAD_STACK_MIN;
#endif
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, stack);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&ws->threads[ws->started], &attr, worker, ws);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (!err)
        ws->started++;
    else if (log_minutely(&ws->refused, clock_ns(), &held))
        log_error("starting a thread for slow disks: %s; %u run", strerror(err),
                  ws->started);
    return -err;
}

/* Called in the loop's thread without the lock. */
static void finished_ready(void *arg, short revents)
{
    struct workers *ws = arg;
    struct list done;
    char byte;

    (void)revents;
    list_init(&done);
    pthread_mutex_lock(&ws->lock);
    if (read(ws->pipe[0], &byte, 1) < 0) {
        pthread_mutex_unlock(&ws->lock);
        return;
    }
    list_splice(&done, &ws->finished);
    pthread_mutex_unlock(&ws->lock);
    for (struct list *node; (node = list_first(&done));) {
        struct work *w = list_entry(node, struct work, link);

        list_remove(node);
        w->done(w);
    }
}

static int open_pipe(struct workers *ws)
{
    if (pipe(ws->pipe))
        return -errno;
    for (int i = 0; i < 2; i++) {
        fcntl(ws->pipe[i], F_SETFL, O_NONBLOCK);
        fcntl(ws->pipe[i], F_SETFD, FD_CLOEXEC);
    }
    return 0;
}

int workers_open(struct workers **out, struct loop *loop, unsigned threads)
{
    struct workers *ws =
        calloc(1, sizeof *ws + threads * sizeof ws->threads[0]);
    int err;

    if (!ws)
        return -ENOMEM;
    ws->loop = loop;
    ws->limit = threads;
    list_init(&ws->runnable);
    list_init(&ws->finished);
    err = open_pipe(ws);
    if (err) {
        free(ws);
        return err;
    }
    pthread_mutex_init(&ws->lock, NULL);
    pthread_cond_init(&ws->wanted, NULL);
    ws->watch =
        (struct loop_fd){.fd = ws->pipe[0], .ready = finished_ready, .arg = ws};
    err = loop_watch(loop, &ws->watch, POLLIN);
    if (err) {
        workers_close(ws);
        return err;
    }
    *out = ws;
    return 0;
}

void workers_close(struct workers *ws)
{
    if (!ws)
        return;
    pthread_mutex_lock(&ws->lock);
    ws->closing = true;
    pthread_cond_broadcast(&ws->wanted);
    pthread_mutex_unlock(&ws->lock);
    for (unsigned i = 0; i < ws->started; i++)
        pthread_join(ws->threads[i], NULL);
    ring_close(ws->ring);
    loop_unwatch(ws->loop, &ws->watch);
    close(ws->pipe[0]);
    close(ws->pipe[1]);
    pthread_cond_destroy(&ws->wanted);
    pthread_mutex_destroy(&ws->lock);
    free(ws);
}

void workers_confine(struct workers *ws)
{
    ws->ring_confined = true;
}

struct ring *workers_ring(struct workers *ws)
{
    int err =
        ws->ring_tried ? 0 : ring_open(&ws->ring, ws->loop, ws->ring_confined);

    if (err) {
        ws->ring = NULL;
        log_debug("io_uring: %s; worker threads are used", strerror(-err));
    }
    ws->ring_tried = true;
    return ws->ring;
}

void work_queue_init(struct work_queue *q, struct workers *ws, unsigned limit)
{
    *q = (struct work_queue){.workers = ws, .limit = limit};
    list_init(&q->pending);
}

void work_submit(struct work_queue *q, struct work *w)
{
    struct workers *ws = q->workers;
    bool more;

    assert(w->run && w->done);
    w->queue = q;
    pthread_mutex_lock(&ws->lock);
    list_append(&q->pending, &w->link);
    ws->queued++;
    offer_queue(ws, q);
    /* A thread that was signalled counts as idle until it has woken up. */
    more =
        ws->queued > ws->idle && ws->started < ws->limit && queue_runnable(q);
    pthread_cond_signal(&ws->wanted);
    pthread_mutex_unlock(&ws->lock);
    /* If none can be started, the running threads get to it.  If none runs, the
     * loop waits for the disk; that is better than an operation that never
     * ends. */
    if (more && start_thread(ws) && ws->started == 0) {
        pthread_mutex_lock(&ws->lock);
        run_work(ws);
        pthread_mutex_unlock(&ws->lock);
    }
}
