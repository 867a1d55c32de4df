/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One thread owns libaoe; nbdkit's threads give it jobs and wait: libaoe
 * belongs to one thread at a time, while nbdkit calls a plugin from as many
 * threads as it has requests.
 */
#ifndef BRIDGE_NBDKIT_THREAD_H
#define BRIDGE_NBDKIT_THREAD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "base/loop.h"
#include "initiator/client/block_export.h"

struct nbdkit_thread {
    struct loop *loop; /* the thread owns it while it runs */
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* of the next two */
    struct list jobs;     /* that wait for the thread */
    bool stopping;
    int wake[2]; /* a pipe that wakes it for jobs, or to stop */
    struct loop_fd watch;
};

enum nbdkit_job_kind {
    NBDKIT_JOB_REQUEST, /* a request of io's writer */
    NBDKIT_JOB_SIZE,    /* only the size of the export */
    NBDKIT_JOB_JOIN,    /* opens a writer: io.writer afterwards, or NULL */
    NBDKIT_JOB_LEAVE,   /* closes io.writer */
};

/* A job for it; must stay valid until nbdkit_thread_do returns. */
struct nbdkit_job {
    enum nbdkit_job_kind kind;
    struct aoe_request io; /* op AOE_READ, AOE_WRITE, ...: for `export` */
    const struct nbd_export *export;
    uint64_t size; /* of the export, whatever was asked */
    struct list link;
    sem_t done;
    int status;
};

/* Starts a thread that runs `loop`.  0 or -errno. */
int nbdkit_thread_start(struct nbdkit_thread *t, struct loop *loop);
void nbdkit_thread_stop(struct nbdkit_thread *t);

/* Passes the job to the thread and waits for its end, in any thread but that
 * one.  Returns the status of the request. */
int nbdkit_thread_do(struct nbdkit_thread *t, struct nbdkit_job *job);

#endif
