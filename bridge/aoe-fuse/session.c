/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The session with the kernel: /dev/fuse as a descriptor of base/loop.
 */
#include "bridge/aoe-fuse/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

enum {
    /* Requests read in one turn of the loop.  They leave together, and the
     * network must not wait for more than these. */
    BATCH_MAX = 32,
    /* Requests of the page cache and of asynchronous I/O that the kernel keeps
     * in flight. */
    BACKGROUND = 64,
};

static void enter(struct aoefs *fs, enum aoefs_state next)
{
    static const struct {
        const char *name;
        unsigned from; /* states, as bits */
    } states[] = {
        [AOEFS_CREATED] = {"created", 0},
        [AOEFS_MOUNTED] = {"mounted", 1 << AOEFS_CREATED},
        [AOEFS_AGREED] = {"agreed", 1 << AOEFS_MOUNTED},
        [AOEFS_SERVING] = {"serving", 1 << AOEFS_AGREED},
        [AOEFS_ENDED] = {"ended", 1 << AOEFS_MOUNTED | 1 << AOEFS_AGREED |
                                      1 << AOEFS_SERVING},
    };

    assert(states[next].from & 1U << fs->state);
    log_debug("session: %s, was %s", states[next].name, states[fs->state].name);
    fs->state = next;
}

/* ---- receiving requests -------------------------------------------------- */

static void end(struct aoefs *fs)
{
    bool served = fs->state == AOEFS_SERVING;

    loop_unwatch(fs->loop, &fs->watch);
    enter(fs, AOEFS_ENDED);
    fs->options.ended(fs->options.arg, served ? 0 : -EPROTO);
}

/* False: there is nothing more to read now. */
static bool receive_one(struct aoefs *fs)
{
    struct fuse_buf *receive = &fs->pool.receive;
    struct fuse_buf current;
    int n = fuse_session_receive_buf(fs->session, receive);

    if (n == -EAGAIN || n == -EINTR || n == -ENOMEM)
        return false;
    if (n <= 0) {
        end(fs);
        return false;
    }
    /* A copy, because a write may keep the buffer and leave another here. */
    current = *receive;
    fuse_session_process_buf(fs->session, &current);
    if (fuse_session_exited(fs->session)) {
        end(fs); /* INIT failed; libfuse said why */
        return false;
    }
    if (fs->state == AOEFS_AGREED) {
        enter(fs, AOEFS_SERVING);
        fs->options.usable(fs->options.arg);
    }
    return true;
}

static void pause_reading(struct aoefs *fs)
{
    log_trace("session: paused, %u requests fill the memory",
              aoefs_io_count(fs));
    fs->paused = true;
    loop_watch(fs->loop, &fs->watch, 0);
}

static void session_ready(void *arg, short revents)
{
    struct aoefs *fs = arg;
    /* The end is noticed by reading, which then needs no memory. */
    bool over = revents & (POLLERR | POLLHUP | POLLNVAL);

    for (int i = 0; i < BATCH_MAX; i++) {
        if (!over && !aoefs_pool_room(&fs->pool)) {
            pause_reading(fs);
            break;
        }
        if (!receive_one(fs))
            break;
    }
    aoe_loop_kick(fs->al);
}

static void io_ended(struct aoefs *fs)
{
    if (fs->paused && fs->state != AOEFS_ENDED && aoefs_pool_room(&fs->pool)) {
        fs->paused = false;
        loop_watch(fs->loop, &fs->watch, POLLIN);
    }
    aoefs_drain_io_ended(fs);
}

/* ---- mounting ------------------------------------------------------------ */

void aoefs_init(void *userdata, struct fuse_conn_info *conn)
{
    struct aoefs *fs = userdata;

    conn->max_write = AOEFS_IO_MAX;
    conn->max_read = AOEFS_IO_MAX;
    conn->max_background = BACKGROUND;
    conn->congestion_threshold = BACKGROUND * 3 / 4;
    /* SPLICE: data is cut into frames with headers, so a pipe only costs.
     * ATOMIC_O_TRUNC: without it the kernel asks us to truncate, and is
     * refused; with it, it would take the disk for empty.  AUTO_INVAL_DATA:
     * each write moves the time stamp, and the kernel would then drop what it
     * has cached of the disk. */
    conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                              FUSE_CAP_SPLICE_MOVE | FUSE_CAP_ATOMIC_O_TRUNC |
                              FUSE_CAP_AUTO_INVAL_DATA);
    if (fs->state == AOEFS_MOUNTED)
        enter(fs, AOEFS_AGREED);
}

/* The user's options and ours.  False: no memory. */
static bool session_args(struct fuse_args *args, const struct fuse_args *mount)
{
    char max_read[32];

    for (int i = 0; i < mount->argc; i++)
        if (fuse_opt_add_arg(args, mount->argv[i]))
            return false;
    /* libfuse wants it here and in aoefs_init, with the same value. */
    snprintf(max_read, sizeof max_read, "max_read=%d", AOEFS_IO_MAX);
    return !fuse_opt_add_arg(args, "-o") && !fuse_opt_add_arg(args, max_read);
}

int aoefs_session_open(struct aoefs *fs, const struct fuse_lowlevel_ops *ops)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    int err = -ENOMEM;

    fs->io_ended = io_ended;
    if (session_args(&args, fs->options.mount)) {
        aoefs_complaint_keep();
        fs->session = fuse_session_new(&args, ops, sizeof *ops, fs);
        aoefs_complaint_kept();
        err = fs->session ? 0 : -EINVAL;
    }
    fuse_opt_free_args(&args);
    return err;
}

int aoefs_session_mount(struct aoefs *fs, const char *dir)
{
    int fd, failed;

    aoefs_complaint_keep();
    failed = fuse_session_mount(fs->session, dir);
    aoefs_complaint_kept();
    if (failed)
        return -EIO;
    fd = fuse_session_fd(fs->session);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
        return -errno;
    enter(fs, AOEFS_MOUNTED);
    fs->watch = (struct loop_fd){.fd = fd, .ready = session_ready, .arg = fs};
    return loop_watch(fs->loop, &fs->watch, POLLIN);
}

void aoefs_session_close(struct aoefs *fs)
{
    if (fs->loop)
        loop_unwatch(fs->loop, &fs->watch);
    if (!fs->session)
        return;
    fuse_session_unmount(fs->session);
    fuse_session_destroy(fs->session);
}
