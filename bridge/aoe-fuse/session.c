/* SPDX-License-Identifier: BSD-2-Clause
 *
 * /dev/fuse as a descriptor of base/loop, and how a mount ends.
 */
#include "bridge/aoe-fuse/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum {
    /* Most requests of one wake-up: they leave together, but the network must
     * not wait for more than these. */
    BATCH = 32,
    /* Requests of the page cache and of asynchronous I/O that the kernel keeps
     * in flight. */
    BACKGROUND = 64,
};

/* libfuse's latest line, without its newline.  While a call of ours can still
 * report the failure it belongs to, it is kept instead of printed. */
static char complaint[512];
static bool keep_complaint;

const char *aoefs_complaint(void)
{
    return *complaint ? complaint
                      : "not mounted; only root and fusermount3 may";
}

static void print_complaint(enum fuse_log_level level)
{
    if (level >= FUSE_LOG_INFO)
        log_debug("libfuse: %s", complaint);
    else
        log_error("libfuse: %s", complaint);
}

/* It writes its lines in pieces; they are collected until the newline. */
static void log_libfuse(enum fuse_log_level level, const char *fmt,
                        va_list args)
{
    static char line[sizeof complaint];
    static size_t used;
    int more = vsnprintf(line + used, sizeof line - used, fmt, args);

    if (more > 0)
        used += (size_t)more;
    if (used >= sizeof line)
        used = sizeof line - 1;
    else if (used == 0 || line[used - 1] != '\n')
        return;
    else
        line[--used] = '\0';
    strcpy(complaint, strncmp(line, "fuse: ", 6) ? line : line + 6);
    used = 0;
    if (!keep_complaint)
        print_complaint(level);
}

int aoefs_open(struct aoefs *fs, const struct aoefs_options *options)
{
    const struct fuse_args *mount = options->mount;
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    char max_read[32];

    memset(fs, 0, sizeof *fs);
    fs->options = *options;
    fuse_set_log_func(log_libfuse);
    snprintf(max_read, sizeof max_read, "max_read=%d", AOEFS_IO_MAX);
    for (int i = 0; i < mount->argc; i++)
        if (fuse_opt_add_arg(&args, mount->argv[i]))
            goto no_memory;
    /* It must be said here and in aoefs_init, with the same value. */
    if (fuse_opt_add_arg(&args, "-o") || fuse_opt_add_arg(&args, max_read))
        goto no_memory;
    keep_complaint = true;
    fs->session = fuse_session_new(&args, &aoefs_ops, sizeof aoefs_ops, fs);
    keep_complaint = false;
    fuse_opt_free_args(&args);
    return fs->session ? 0 : -EINVAL;

no_memory:
    fuse_opt_free_args(&args);
    return -ENOMEM;
}

/* ---- requests ------------------------------------------------------------ */

static void session_ended(struct aoefs *fs)
{
    loop_unwatch(fs->loop, &fs->watch);
    fs->ended = true;
    fs->options.ended(fs->options.arg, fs->usable ? 0 : -EPROTO);
}

/* Returns false when there is nothing more to read now. */
static bool receive_one(struct aoefs *fs)
{
    struct fuse_buf *receive = &fs->pool.receive;
    struct fuse_buf current;
    int n = fuse_session_receive_buf(fs->session, receive);

    if (n == -EAGAIN || n == -EINTR || n == -ENOMEM)
        return false;
    if (n <= 0) {
        session_ended(fs);
        return false;
    }
    /* A copy, because a write may keep the buffer and leave another here. */
    current = *receive;
    fuse_session_process_buf(fs->session, &current);
    if (fuse_session_exited(fs->session)) {
        session_ended(fs); /* INIT failed; libfuse said why */
        return false;
    }
    if (fs->agreed && !fs->usable) {
        fs->usable = true;
        fs->options.usable(fs->options.arg);
    }
    return true;
}

static void session_ready(void *arg, short revents)
{
    struct aoefs *fs = arg;
    /* Reading is how the end is noticed, and it needs no memory. */
    bool over = revents & (POLLERR | POLLHUP | POLLNVAL);

    for (int i = 0; i < BATCH; i++) {
        if (!over && !aoefs_pool_room(&fs->pool)) {
            fs->paused = true;
            loop_watch(fs->loop, &fs->watch, 0);
            break;
        }
        if (!receive_one(fs))
            break;
    }
    aoe_loop_kick(fs->al);
}

void aoefs_submit(struct aoefs_io *io)
{
    int err = aoe_submit(io->disk->disk, &io->aoe);

    if (err)
        io->aoe.done(&io->aoe, err);
}

void aoefs_io_end(struct aoefs_io *io)
{
    struct aoefs *fs = io->disk->fs;

    aoefs_io_give(&fs->pool, io);
    if (fs->paused && !fs->ended && aoefs_pool_room(&fs->pool)) {
        fs->paused = false;
        loop_watch(fs->loop, &fs->watch, POLLIN);
    }
    if (fs->drained)
        loop_task_queue(fs->loop, &fs->drain);
}

/* ---- mounting ------------------------------------------------------------ */

void aoefs_init(void *userdata, struct fuse_conn_info *conn)
{
    struct aoefs *fs = userdata;

    conn->max_write = AOEFS_IO_MAX;
    conn->max_read = AOEFS_IO_MAX;
    conn->max_background = BACKGROUND;
    conn->congestion_threshold = BACKGROUND * 3 / 4;
    /* Data is cut into frames with headers, so a pipe in between only costs.
     * Without ATOMIC_O_TRUNC the kernel asks us to truncate, and is refused;
     * with it, it would take the disk for empty.  With AUTO_INVAL_DATA it would
     * drop what it has cached of a disk each time a write of its own has moved
     * the time stamp. */
    conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                              FUSE_CAP_SPLICE_MOVE | FUSE_CAP_ATOMIC_O_TRUNC |
                              FUSE_CAP_AUTO_INVAL_DATA);
    fs->agreed = true;
}

int aoefs_mount(struct aoefs *fs, const char *dir, struct loop *loop,
                struct aoe_loop *al)
{
    int fd, failed;

    fs->loop = loop;
    fs->al = al;
    clock_gettime(CLOCK_REALTIME, &fs->since);
    if (aoefs_writers_open(fs))
        return -ENOMEM;
    aoefs_pool_open(&fs->pool, loop, fs->options.memory);
    complaint[0] = '\0';
    keep_complaint = true;
    failed = fuse_session_mount(fs->session, dir);
    keep_complaint = false;
    if (failed)
        return -EIO;
    fd = fuse_session_fd(fs->session);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
        return -errno;
    fs->watch = (struct loop_fd){.fd = fd, .ready = session_ready, .arg = fs};
    return loop_watch(loop, &fs->watch, POLLIN);
}

/* ---- the end ------------------------------------------------------------- */

/* Runs whenever a request ended: first those of the kernel, then our own
 * flushes. */
static void drain_step(void *arg)
{
    struct aoefs *fs = arg;
    void (*drained)(void *, int) = fs->drained;

    if (fs->pool.memory.objects_used > 0)
        return;
    if (!fs->drain_flushed) {
        fs->drain_flushed = true;
        for (unsigned i = 0; i < fs->disk_count; i++)
            aoefs_flush_last(&fs->disks[i]);
        aoe_loop_kick(fs->al);
        if (fs->pool.memory.objects_used > 0)
            return;
    }
    fs->drained = NULL;
    loop_task_cancel(&fs->drain); /* a flush that was refused queued it */
    drained(fs->options.arg, aoefs_flush_verdict(fs));
}

void aoefs_drain(struct aoefs *fs, void (*drained)(void *arg, int status))
{
    fs->drained = drained;
    fs->drain = (struct loop_task){.run = drain_step, .arg = fs};
    loop_task_queue(fs->loop, &fs->drain);
}

void aoefs_close(struct aoefs *fs)
{
    if (fs->loop) {
        loop_task_cancel(&fs->drain);
        loop_unwatch(fs->loop, &fs->watch);
    }
    if (fs->session) {
        fuse_session_unmount(fs->session);
        fuse_session_destroy(fs->session);
    }
    aoefs_writers_close(fs);
    if (fs->loop)
        aoefs_pool_close(&fs->pool);
}
