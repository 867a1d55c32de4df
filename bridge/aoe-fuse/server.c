/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The server of a mount, from its start to its exit status.
 */
#include "bridge/aoe-fuse/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/options.h"
#include "initiator/client/survive.h"

/* ---- serving ------------------------------------------------------------- */

static void say_mounted(const struct mount_server *s)
{
    char line[960];
    size_t used = 0;

    for (unsigned i = 0; i < s->fs.disk_count && used < sizeof line; i++)
        used += (size_t)snprintf(line + used, sizeof line - used,
                                 "%s%s (%llu bytes)", i ? ", " : "",
                                 aoe_disk_name(s->disks[i].disk),
                                 (unsigned long long)aoefs_size(&s->disks[i]));
    log_info("%s: mounted %s", s->options->dir, line);
}

static void usable(void *arg)
{
    struct mount_server *s = arg;
    int err;

    say_mounted(s);
    if (s->background.ready_fd < 0)
        return;
    err = background_detach(&s->background, s->loop);
    if (err) {
        log_error("mount: going to the background: %s", strerror(-err));
        mount_server_end(s, 0);
    }
}

static int serve(struct mount_server *s)
{
    int err;

    log_never_block();
    survive(aoe_disk_name(s->disks[0].disk), !s->options->client.foreground);
    mount_server_enter(s, MOUNT_SERVING);
    if (aoefs_mount(&s->fs, s->path, s->loop, &s->al)) {
        log_error("mount: %s: %s", s->options->dir, aoefs_complaint());
        return EXIT_FAILED;
    }
    err = auto_unmount_start(&s->auto_unmount, s->path);
    if (err)
        log_error("mount: %s: will stay mounted if the server is killed: %s",
                  s->options->dir, strerror(-err));
    else if (s->auto_unmount.pid)
        log_debug("%s: mount %s; process %d unmounts it if the server dies",
                  s->options->dir, s->auto_unmount.mount.number,
                  (int)s->auto_unmount.pid);
    if (s->auto_unmount.pid)
        survive_too(s->auto_unmount.pid);
    return loop_run(s->loop) ? EXIT_FAILED : EXIT_DONE;
}

/* ---- from start to end --------------------------------------------------- */

static int open_loop(struct mount_server *s)
{
    int err = loop_open(&s->loop);

    if (!err)
        err = mount_server_catch_signals(s);
    if (err)
        log_error("mount: %s", strerror(-err));
    return err ? EXIT_FAILED : EXIT_DONE;
}

static int open_network(struct mount_server *s)
{
    int status = interfaces_open(&s->options->client.interfaces, &s->aoe);
    int err;

    if (status)
        return status;
    err = aoe_loop_attach(&s->al, s->loop, s->aoe);
    if (err) {
        log_error("mount: %s", strerror(-err));
        aoe_close(s->aoe);
        s->aoe = NULL;
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* Under memory pressure the kernel writes dirty pages to a loop device on our
 * files and waits for us.  If an allocation of ours waited for that in turn,
 * both would wait for ever.  Needs CAP_SYS_RESOURCE, as the loop device does.
 */
static void become_io_flusher(void)
{
#ifdef PR_SET_IO_FLUSHER
    if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
        log_debug("PR_SET_IO_FLUSHER: %s", strerror(errno));
#endif
}

static int run(struct mount_server *s)
{
    int status = open_loop(s);

    become_io_flusher();
    if (!status)
        status = open_network(s);
    if (!status)
        status = mount_server_discover(s);
    if (!status)
        status = serve(s);
    if (s->aoe) {
        aoe_loop_detach(&s->al);
        aoe_close(s->aoe); /* completes every request, so each gets a reply */
    }
    aoefs_close(&s->fs);
    auto_unmount_dismiss(&s->auto_unmount);
    survive_end();
    background_close(&s->background);
    loop_close(s->loop);
    return status;
}

int mount_server_run(struct mount_options *o, const char *path)
{
    static struct mount_server s;
    pid_t pid = 0;
    int status;

    s.options = o;
    s.path = path;
    s.background.ready_fd = s.background.log_fd = -1;
    o->fs.usable = usable;
    o->fs.ended = mount_server_unmounted;
    o->fs.arg = &s;
    if (aoefs_open(&s.fs, &o->fs)) {
        log_error("mount: -o: %s; aoe-fuse(8) lists the options",
                  aoefs_complaint());
        return EXIT_USAGE;
    }
    if (!o->client.foreground)
        pid = background_fork(&s.background);
    if (pid < 0) {
        log_error("mount: going to the background: %s", strerror((int)-pid));
        status = EXIT_FAILED;
    } else if (pid > 0) {
        status = background_wait(&s.background, pid);
    } else {
        return run(&s);
    }
    aoefs_close(&s.fs);
    return status;
}
