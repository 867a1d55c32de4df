/* SPDX-License-Identifier: BSD-2-Clause
 *
 * target/store/ring.h on liburing.  Without it there is no ring and stores use
 * the workers.
 */
#include "target/store/ring.h"

#include <assert.h>
#include <errno.h>

#ifdef HAVE_URING

#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

enum {
    ENTRIES = 256, /* started with one call at most */
    FLIGHT = 512,  /* of the completion queue, which must never overflow */
    PIECES = 1024, /* of the transfers started with one call */
    /* Failures to start anything, with nothing finishing in between, until the
     * ring is given up: memory is short for that long, or it is forbidden. */
    TRIES = 100,
};

#ifndef RWF_DSYNC
#define RWF_DSYNC 2
#endif

struct ring {
    struct loop *loop;
    struct loop_fd watch;
    struct io_uring uring;
    bool broken;                            /* nothing is started any more */
    struct ring_transfer *waiting[ENTRIES]; /* added, but not started */
    unsigned added;                         /* how many those are */
    unsigned flight;                        /* added, and not done */
    /* The kernel reads them when the transfers start, and not later. */
    struct iovec pieces[PIECES];
    int pieces_used;
};

/* Completions need not interrupt us: we look for them after each batch, and
 * poll reports the rest.  Kernels before 6.0 do not know these flags. */
static int setup(struct io_uring *u, unsigned needed)
{
    unsigned wanted = 0;
    int err;

#if defined IORING_SETUP_SINGLE_ISSUER && defined IORING_SETUP_COOP_TASKRUN
    wanted = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN;
#endif
    err = io_uring_queue_init(ENTRIES, u, needed | wanted);
    if (err == -EINVAL && wanted)
        err = io_uring_queue_init(ENTRIES, u, needed);
    return err;
}

#ifdef IORING_SETUP_R_DISABLED

/* Some versions of liburing do not export their functions for this. */
static int register_with(struct io_uring *u, unsigned what, const void *arg,
                         unsigned count)
{
    return syscall(SYS_io_uring_register, u->ring_fd, what, arg, count) < 0
               ? -errno
               : 0;
}

/* Only what `prepare` uses, without flags, and nothing can be registered. */
static int restrict_to_transfers(struct io_uring *u)
{
    static const uint8_t used[] = {IORING_OP_READ, IORING_OP_READV,
                                   IORING_OP_WRITEV};
    struct io_uring_restriction allowed[sizeof used] = {{0}};

    for (size_t i = 0; i < sizeof used; i++) {
        allowed[i].opcode = IORING_RESTRICTION_SQE_OP;
        allowed[i].sqe_op = used[i];
    }
    return register_with(u, IORING_REGISTER_RESTRICTIONS, allowed, sizeof used);
}

/* A system call filter does not see what goes through a ring, which could open
 * sockets and files.  Since 5.10 a ring can be restricted before it is enabled,
 * and not be unrestricted after. */
static int setup_confined(struct io_uring *u)
{
    int err = setup(u, IORING_SETUP_R_DISABLED);

    if (err)
        return err;
    err = restrict_to_transfers(u);
    if (!err)
        err = register_with(u, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (err)
        io_uring_queue_exit(u);
    return err;
}

#else

static int setup_confined(struct io_uring *u)
{
    (void)u;
    return -ENOSYS;
}

#endif

static void ready(void *arg, short revents)
{
    (void)revents;
    ring_run(arg);
}

int ring_open(struct ring **out, struct loop *loop, bool confined)
{
    struct ring *r = calloc(1, sizeof *r);
    int err;

    if (!r)
        return -ENOMEM;
    r->loop = loop;
    err = confined ? setup_confined(&r->uring) : setup(&r->uring, 0);
    if (err) {
        free(r);
        return err;
    }
    r->watch =
        (struct loop_fd){.fd = r->uring.ring_fd, .ready = ready, .arg = r};
    err = loop_watch(loop, &r->watch, POLLIN);
    /* Before 5.5 the kernel reads the pieces later than we keep them. */
    if (!err && !(r->uring.features & IORING_FEAT_SUBMIT_STABLE))
        err = -ENOSYS;
    if (err) {
        ring_close(r);
        return err;
    }
    *out = r;
    return 0;
}

void ring_close(struct ring *r)
{
    if (!r)
        return;
    loop_unwatch(r->loop, &r->watch);
    io_uring_queue_exit(&r->uring);
    free(r);
}

/* A single piece need not be fetched and checked as a list.  The kernel has
 * that call since 5.6, as it has this feature. */
static bool takes_one_piece(const struct ring *r)
{
    return r->uring.features & IORING_FEAT_RW_CUR_POS;
}

static void prepare(const struct ring *r, struct io_uring_sqe *sqe,
                    const struct ring_transfer *t, const struct iovec *iov,
                    int count)
{
    if (count == 1 && !t->write && takes_one_piece(r))
        io_uring_prep_read(sqe, t->fd, iov->iov_base, (unsigned)iov->iov_len,
                           t->offset);
    else if (t->write)
        io_uring_prep_writev(sqe, t->fd, iov, (unsigned)count, t->offset);
    else
        io_uring_prep_readv(sqe, t->fd, iov, (unsigned)count, t->offset);
    if (t->write && t->durable)
        sqe->rw_flags = RWF_DSYNC;
}

bool ring_add(struct ring *r, struct ring_transfer *t, const struct iovec *iov,
              int count)
{
    struct iovec *kept = r->pieces + r->pieces_used;
    struct io_uring_sqe *sqe;

    if (r->broken || r->flight == FLIGHT || count > PIECES - r->pieces_used)
        return false;
    sqe = io_uring_get_sqe(&r->uring);
    if (!sqe)
        return false;
    memcpy(kept, iov, (size_t)count * sizeof *iov);
    r->pieces_used += count;
    prepare(r, sqe, t, kept, count);
    io_uring_sqe_set_data(sqe, t);
    r->waiting[r->added++] = t;
    r->flight++;
    return true;
}

/* Calls `done` for what has finished.  Returns whether anything had. */
static bool finish_some(struct ring *r)
{
    struct io_uring_cqe *cqe;
    bool any = false;

    while (io_uring_peek_cqe(&r->uring, &cqe) == 0) {
        struct ring_transfer *t = io_uring_cqe_get_data(cqe);
        int result = cqe->res;

        io_uring_cqe_seen(&r->uring, cqe);
        assert(r->flight > 0);
        r->flight--;
        any = true;
        t->done(t, result);
    }
    return any;
}

static void started(struct ring *r, unsigned n)
{
    r->added -= n;
    memmove(r->waiting, r->waiting + n, r->added * sizeof r->waiting[0]);
}

/* 0 or -errno.  If memory is short, transfers that finish may help. */
static int start_added(struct ring *r)
{
    while (r->added > 0) {
        int n = io_uring_submit(&r->uring);

        if (n > 0)
            started(r, (unsigned)n);
        else if (n != -EINTR)
            return n ? n : -EAGAIN;
    }
    r->pieces_used = 0;
    return 0;
}

/* What the kernel never took goes back, and nothing is added again: the kernel
 * would take the old entries first.  What it has started still completes. */
static void give_up(struct ring *r, int err)
{
    struct ring_transfer *back[ENTRIES];
    unsigned count = r->added;

    log_error("io_uring: starting requests: %s; using threads from now on",
              strerror(-err));
    memcpy(back, r->waiting, count * sizeof back[0]);
    r->broken = true;
    r->added = 0;
    r->flight -= count;
    for (unsigned i = 0; i < count; i++)
        back[i]->done(back[i], -EAGAIN);
}

void ring_run(struct ring *r)
{
    unsigned failures = 0;

    do {
        int err = start_added(r);

        if (finish_some(r) || !err)
            failures = 0;
        else if (++failures == TRIES)
            give_up(r, err);
    } while (r->added > 0);
}

#else

int ring_open(struct ring **out, struct loop *loop, bool confined)
{
    (void)out;
    (void)loop;
    (void)confined;
    return -ENOSYS;
}

void ring_close(struct ring *r)
{
    (void)r;
}

bool ring_add(struct ring *r, struct ring_transfer *t, const struct iovec *iov,
              int count)
{
    (void)r;
    (void)t;
    (void)iov;
    (void)count;
    return false;
}

void ring_run(struct ring *r)
{
    (void)r;
}

#endif
