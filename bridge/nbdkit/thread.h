/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One thread that owns libaoe, and the many of nbdkit that ask it for
 * something and wait: libaoe belongs to one thread at a time, while nbdkit
 * calls its plugins from as many as it has requests.
 */
#ifndef BRIDGE_NBDKIT_THREAD_H
#define BRIDGE_NBDKIT_THREAD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "base/loop.h"
#include "initiator/client/block_export.h"

struct nbdkit_thread {
    struct loop *loop; /* the thread's while it runs */
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* of the next two */
    struct list jobs;     /* that wait for the thread */
    bool stopping;
    int wake[2]; /* a pipe: there are jobs, or it is to stop */
    struct loop_fd watch;
};

enum nbdkit_job_kind {
    NBDKIT_JOB_REQUEST, /* a request of io's writer */
    NBDKIT_JOB_SIZE,    /* only the size of the export */
    NBDKIT_JOB_JOIN,    /* a writer, which is in io afterwards, or NULL */
    NBDKIT_JOB_LEAVE,   /* io's writer goes */
};

/* What is asked of it; the caller's, until nbdkit_thread_do returns. */
struct nbdkit_job {
    enum nbdkit_job_kind kind;
    struct aoe_request io; /* op AOE_READ, AOE_WRITE, ...: for `export` */
    const struct nbd_export *export;
    uint64_t size; /* of the export, whatever was asked */
    struct list link;
    sem_t done;
    int status;
};

/* Begins to turn `loop` in a thread of its own.  0 or -errno. */
int nbdkit_thread_start(struct nbdkit_thread *t, struct loop *loop);
void nbdkit_thread_stop(struct nbdkit_thread *t);

/* Has it done and waits, in any thread but that one: the status of the
 * request. */
int nbdkit_thread_do(struct nbdkit_thread *t, struct nbdkit_job *job);

#endif
