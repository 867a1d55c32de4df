/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How a mount ends: by a signal or by umount, and always with a flush.
 */
#include "bridge/aoe-fuse/server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/options.h"
#include "bridge/aoe-fuse/unmount.h"

/* How long the last flush may take when the mount is already gone.  A NAS with
 * a full cache on a slow disk needs many seconds. */
static const uint64_t flush_wait = 30 * NS_PER_S;

static const int end_signals[] = {SIGTERM, SIGINT, SIGHUP};

enum { END_SIGNALS = sizeof end_signals / sizeof *end_signals };

static void flushed_too_long(void *arg)
{
    struct server *s = arg;

    log_error("%s: the last flush did not end within %g s; writes since the "
              "last fsync may be lost",
              s->options->dir, (double)flush_wait / NS_PER_S);
    loop_stop(s->loop, EXIT_FAILED);
}

static void drained(void *arg, int status)
{
    struct server *s = arg;

    loop_stop(s->loop, status ? EXIT_FAILED : EXIT_DONE);
}

void server_unmounted(void *arg)
{
    struct server *s = arg;

    if (!s->fs.usable) {
        log_error("mount: %s: the kernel and libfuse did not agree",
                  s->options->dir);
        loop_stop(s->loop, EXIT_FAILED);
        return;
    }
    s->phase = SERVER_FLUSHING;
    s->timer = (struct loop_timer){.expired = flushed_too_long, .arg = s};
    if (loop_timer_set(s->loop, &s->timer, loop_now(s->loop) + flush_wait))
        log_error("%s: no memory for a timer", s->options->dir);
    aoefs_drain(&s->fs, drained);
}

/* 0, or an errno; EBUSY: it has no name any more, but users. */
static int unmount_directory(const struct server *s)
{
    int err;

    /* Who unmounted it (umount -l) left its users to us. */
    if (!guard_mount_there(&s->guard, s->path))
        return EBUSY;
    err = unmount_path(s->path, false);
    if (err == -EBUSY && unmount_path(s->path, true) == 0)
        return EBUSY;
    return -err;
}

/* The child: what it found out is its exit status, an errno. */
static int unmount_in_child(const struct server *s)
{
    int err;

    for (int i = 0; i < END_SIGNALS; i++)
        signal(end_signals[i], SIG_IGN);
    /* Held here, it would keep the mount alive after the server's death. */
    close(s->fs.watch.fd);
    if (s->guard.pid)
        close(s->guard.fd); /* likewise: only the server's death counts */
    err = unmount_directory(s);
    if (err == EBUSY)
        server_release_loops(s);
    return err;
}

/* Unmounting may ask this very server for things (dirty pages of -o cache), so
 * another process waits for it while we go on serving. */
static void start_unmounting(struct server *s)
{
    if (s->unmounter)
        return;
    s->unmounter = fork();
    if (s->unmounter < 0) {
        log_error("%s: unmounting: %s", s->options->dir, strerror(errno));
        s->unmounter = 0;
    } else if (s->unmounter == 0) {
        _exit(unmount_in_child(s));
    }
}

static void child_ended(void *arg, int signo)
{
    struct server *s = arg;
    int status;

    (void)signo;
    if (!s->unmounter || waitpid(s->unmounter, &status, WNOHANG) <= 0)
        return;
    s->unmounter = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 0)
        return; /* what happened to the mount is read from /dev/fuse */
    if (WEXITSTATUS(status) == EBUSY)
        log_info("%s: unmounted, but still in use; ends with its last user",
                 s->options->dir);
    else
        log_error("%s: unmounting: %s; the server goes on", s->options->dir,
                  strerror(WEXITSTATUS(status)));
}

void server_end(void *arg, int signo)
{
    struct server *s = arg;

    if (s->phase == SERVER_LOOKING) {
        log_error("mount: interrupted (signal %d)", signo);
        loop_stop(s->loop, EXIT_FAILED);
    } else if (s->phase == SERVER_SERVING &&
               /* In the background no terminal can hang up. */
               (signo != SIGHUP || s->options->foreground)) {
        start_unmounting(s);
    }
}

int server_catch_signals(struct server *s)
{
    int err = loop_signal(s->loop, SIGCHLD, child_ended, s);

    for (int i = 0; !err && i < END_SIGNALS; i++)
        err = loop_signal(s->loop, end_signals[i], server_end, s);
    signal(SIGPIPE, SIG_IGN);
    return err;
}
