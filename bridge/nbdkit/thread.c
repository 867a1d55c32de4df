/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The thread that owns libaoe.
 */
#include "bridge/nbdkit/thread.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static void end(struct nbdkit_job *job, int status)
{
    job->status = status;
    sem_post(&job->done); /* from here on it belongs to its owner again */
}

static void io_done(struct aoe_request *io, int status)
{
    end(io->arg, status);
}

static void submit(struct nbdkit_job *job)
{
    int err;

    job->io.done = io_done;
    job->io.arg = job;
    err = job->export->submit(job->export->disk, &job->io);
    if (err)
        end(job, err);
}

static void begin(struct nbdkit_job *job)
{
    const struct nbd_export *export = job->export;

    job->size = export->size;
    switch (job->kind) {
    case NBDKIT_JOB_REQUEST:
        submit(job); /* it completes later */
        return;
    case NBDKIT_JOB_SIZE:
        break;
    case NBDKIT_JOB_JOIN:
        job->io.writer = export->join(export->disk);
        break;
    case NBDKIT_JOB_LEAVE:
        export->leave(job->io.writer);
        break;
    }
    end(job, 0);
}

static void woken(void *arg, short revents)
{
    struct nbdkit_thread *t = arg;
    struct list jobs;
    char bytes[64];
    bool stopping;

    (void)revents;
    while (read(t->wake[0], bytes, sizeof bytes) > 0)
        ;
    list_init(&jobs);
    pthread_mutex_lock(&t->lock);
    list_splice(&jobs, &t->jobs);
    stopping = t->stopping;
    pthread_mutex_unlock(&t->lock);
    list_each(node, &jobs) {
        struct nbdkit_job *job = list_entry(node, struct nbdkit_job, link);

        list_remove(node);
        begin(job);
    }
    if (stopping)
        loop_stop(t->loop, 0);
}

static void *turn(void *arg)
{
    struct nbdkit_thread *t = arg;

    loop_run(t->loop);
    return NULL;
}

/* The pipe need not hold more than one byte; a full one wakes as well. */
static void wake(struct nbdkit_thread *t)
{
    while (write(t->wake[1], "", 1) < 0 && errno == EINTR)
        ;
}

static int make_pipe(int fds[2])
{
    if (pipe(fds))
        return -errno;
    for (int i = 0; i < 2; i++) {
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    }
    return 0;
}

/* Signals are for nbdkit's own threads. */
static int create(struct nbdkit_thread *t)
{
    sigset_t all, before;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    err = -pthread_create(&t->thread, NULL, turn, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

int nbdkit_thread_start(struct nbdkit_thread *t, struct loop *loop)
{
    int err;

    *t =
        (struct nbdkit_thread){.loop = loop, .lock = PTHREAD_MUTEX_INITIALIZER};
    list_init(&t->jobs);
    err = make_pipe(t->wake);
    if (err)
        return err;
    t->watch = (struct loop_fd){.fd = t->wake[0], .ready = woken, .arg = t};
    err = loop_watch(loop, &t->watch, POLLIN);
    if (!err)
        err = create(t);
    if (err) {
        loop_unwatch(loop, &t->watch);
        close(t->wake[0]);
        close(t->wake[1]);
        return err;
    }
    t->running = true;
    return 0;
}

void nbdkit_thread_stop(struct nbdkit_thread *t)
{
    if (!t->running)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_mutex_unlock(&t->lock);
    wake(t);
    pthread_join(t->thread, NULL);
    t->running = false;
    loop_unwatch(t->loop, &t->watch);
    close(t->wake[0]);
    close(t->wake[1]);
}

int nbdkit_thread_do(struct nbdkit_thread *t, struct nbdkit_job *job)
{
    bool first;

    assert(t->running && !pthread_equal(pthread_self(), t->thread));
    if (sem_init(&job->done, 0, 0))
        return -errno;
    pthread_mutex_lock(&t->lock);
    first = list_empty(&t->jobs);
    list_append(&t->jobs, &job->link);
    pthread_mutex_unlock(&t->lock);
    if (first)
        wake(t);
    while (sem_wait(&job->done) && errno == EINTR)
        ;
    sem_destroy(&job->done);
    return job->status;
}
