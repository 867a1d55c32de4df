/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How a mount ends: by a signal or by unmounting, and always with a flush.
 */
#include "bridge/aoe-fuse/server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/options.h"
#include "bridge/aoe-fuse/mount_point.h"

/* Limit of the last flush, when the mount is already gone.  A NAS with a full
 * cache and a slow disk needs many seconds. */
static const uint64_t flush_timeout = 30 * NS_PER_S;

static const int end_signals[] = {SIGTERM, SIGINT, SIGHUP};

enum { END_SIGNALS = sizeof end_signals / sizeof *end_signals };

static void flush_expired(void *arg)
{
    struct mount_server *s = arg;

    log_error("%s: the last flush took longer than %g s; writes since the last "
              "fsync may be lost",
              s->options->dir, (double)flush_timeout / NS_PER_S);
    loop_stop(s->loop, EXIT_FAILED);
}

static void drained(void *arg, int status)
{
    struct mount_server *s = arg;

    loop_stop(s->loop, status ? EXIT_FAILED : EXIT_DONE);
}

void mount_server_unmounted(void *arg, int status)
{
    struct mount_server *s = arg;

    assert(s->phase == MOUNT_SERVING);
    if (status) {
        log_error(
            "mount: %s: unmounted before the kernel and libfuse had agreed "
            "on a protocol version",
            s->options->dir);
        loop_stop(s->loop, EXIT_FAILED);
        return;
    }
    mount_server_enter(s, MOUNT_FLUSHING);
    s->timer = (struct loop_timer){.expired = flush_expired, .arg = s};
    if (loop_timer_set(s->loop, &s->timer, loop_now(s->loop) + flush_timeout))
        log_error("%s: no memory for a timer", s->options->dir);
    aoefs_drain(&s->fs, drained);
}

/* 0, or an errno; EBUSY: detached, but still in use. */
static int unmount_directory(const struct mount_server *s)
{
    int err;

    /* umount -l detached it and left its users to us. */
    if (!auto_unmount_mount_there(&s->auto_unmount, s->path))
        return EBUSY;
    err = mount_point_unmount(s->path, false);
    if (err == -EBUSY && mount_point_unmount(s->path, true) == 0)
        return EBUSY;
    return -err;
}

/* The child.  Its exit status is an errno. */
static int unmount_in_child(const struct mount_server *s)
{
    int err;

    for (int i = 0; i < END_SIGNALS; i++)
        signal(end_signals[i], SIG_IGN);
    /* An open /dev/fuse would keep the mount alive if the server died. */
    close(s->fs.watch.fd);
    if (s->auto_unmount.pid)
        close(s->auto_unmount.fd); /* it must close when the server dies */
    err = unmount_directory(s);
    if (err == EBUSY)
        mount_server_release_loops(s);
    return err;
}

/* Unmounting blocks until this server has written dirty pages (-o cache), so
 * another process unmounts while we go on serving. */
static void start_unmounting(struct mount_server *s)
{
    if (s->unmounter)
        return;
    assert(s->phase == MOUNT_SERVING);
    s->unmounter = fork();
    if (s->unmounter < 0) {
        log_error("%s: unmounting: %s", s->options->dir, strerror(errno));
        s->unmounter = 0;
    } else if (s->unmounter == 0) {
        _exit(unmount_in_child(s));
    } else {
        log_debug("%s: unmounting, in process %d", s->options->dir,
                  (int)s->unmounter);
    }
}

static void child_ended(void *arg, int signo)
{
    struct mount_server *s = arg;
    int status;

    (void)signo;
    if (!s->unmounter || waitpid(s->unmounter, &status, WNOHANG) <= 0)
        return;
    s->unmounter = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 0)
        return; /* /dev/fuse tells whether the mount is gone */
    if (WEXITSTATUS(status) == EBUSY)
        log_info("%s: detached, but still in use; the server ends with the "
                 "last user",
                 s->options->dir);
    else
        log_error("%s: unmounting: %s; the server continues", s->options->dir,
                  strerror(WEXITSTATUS(status)));
}

void mount_server_end(void *arg, int signo)
{
    struct mount_server *s = arg;

    if (s->phase == MOUNT_DISCOVERING) {
        log_error("mount: interrupted (signal %d)", signo);
        loop_stop(s->loop, EXIT_FAILED);
    } else if (s->phase == MOUNT_SERVING &&
               /* SIGHUP means a lost terminal only in the foreground. */
               (signo != SIGHUP || s->options->client.foreground)) {
        start_unmounting(s);
    }
}

int mount_server_catch_signals(struct mount_server *s)
{
    int err = loop_signal(s->loop, SIGCHLD, child_ended, s);

    for (int i = 0; !err && i < END_SIGNALS; i++)
        err = loop_signal(s->loop, end_signals[i], mount_server_end, s);
    signal(SIGPIPE, SIG_IGN);
    return err;
}
