/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-fuse mount.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/options.h"
#include "bridge/aoe-fuse/commands.h"
#include "bridge/aoe-fuse/server.h"
#include "bridge/aoe-fuse/unmount.h"
#include "initiator/client/survive.h"

void fuse_mount_help(void)
{
    printf("usage: aoe-fuse mount DISK... DIR [-i NETIF]... [option]...\n"
           "\n"
           "Makes each DISK (e1.2) a file in DIR: DIR/e1.2, with DIR/e1.2.info "
           "and\n"
           "DIR/e1.2.stats beside it.  Returns when they are usable.\n"
           "\n"
           "  -i NETIF          network interface, may be repeated "
           "(or AOE_INTERFACES)\n"
           "  -o OPTION[,...]   ro           refuse to write\n"
           "                    cache        use the kernel's page cache\n"
           "                    uid=, gid=, mode=   of the files (0600)\n"
           "                    allow_other  other users too, by mode\n"
           "                    interface=, timeout=, window=, replay=, "
           "wait=,\n"
           "                    link=        as below\n"
           "                    ...          what libfuse knows\n"
           "  -f                stay in the foreground\n"
           "  --timeout SECONDS how long the disk may be silent before EIO; "
           "0 is for ever\n"
           "                    (60)\n"
           "  --window FRAMES   at most so many in flight on a path\n"
           "  --replay MIB      keep up to so much of what was written to a "
           "disk and\n"
           "                    not flushed, and write it again after a "
           "restart of the\n"
           "                    target (0)\n"
           "  --wait SECONDS    how long to look for the disks (10)\n"
           "  --link KIND       packet, queue or pcap\n"
           "  --verbose         say more\n"
           "\n"
           "A disk becomes a file system through a loop device:\n"
           "  losetup --direct-io=on --find --show DIR/e1.2\n");
}

/* ---- serving ------------------------------------------------------------- */

static void say_mounted(const struct server *s)
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
    struct server *s = arg;
    int err;

    say_mounted(s);
    if (s->background.ready_fd < 0)
        return;
    err = background_detach(&s->background, s->loop);
    if (err) {
        log_error("mount: going to the background: %s", strerror(-err));
        server_end(s, 0);
    }
}

static int serve(struct server *s)
{
    int err;

    loop_timer_cancel(s->loop, &s->timer);
    survive(aoe_disk_name(s->disks[0].disk), !s->options->foreground);
    s->phase = SERVER_SERVING;
    if (aoefs_mount(&s->fs, s->path, s->loop, &s->al)) {
        log_error("mount: %s: %s", s->options->dir, aoefs_complaint());
        return EXIT_FAILED;
    }
    err = guard_start(&s->guard, s->path);
    if (err)
        log_error("mount: %s: nobody will unmount it should the server be "
                  "killed: %s",
                  s->options->dir, strerror(-err));
    if (s->guard.pid)
        survive_too(s->guard.pid);
    return loop_run(s->loop) ? EXIT_FAILED : EXIT_DONE;
}

/* ---- the command --------------------------------------------------------- */

static int open_loop(struct server *s)
{
    int err = loop_open(&s->loop);

    if (!err)
        err = server_catch_signals(s);
    if (err)
        log_error("mount: %s", strerror(-err));
    return err ? EXIT_FAILED : EXIT_DONE;
}

static int open_network(struct server *s)
{
    int status = interfaces_open(&s->options->interfaces, &s->aoe);
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

/* Behind a loop device the kernel waits for us to write what it wants to drop
 * from its memory; asking it for memory we must not wait for that in turn.
 * Needs CAP_SYS_RESOURCE, as the loop device does. */
static void never_wait_for_ourselves(void)
{
#ifdef PR_SET_IO_FLUSHER
    if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
        log_debug("PR_SET_IO_FLUSHER: %s", strerror(errno));
#endif
}

static int run(struct server *s)
{
    int status = open_loop(s);

    never_wait_for_ourselves();
    if (!status)
        status = open_network(s);
    if (!status)
        status = server_look(s);
    if (!status)
        status = serve(s);
    if (s->aoe) {
        aoe_loop_detach(&s->al);
        aoe_close(s->aoe); /* ends every request, so that none is unanswered */
    }
    aoefs_close(&s->fs);
    guard_dismiss(&s->guard);
    survive_end();
    background_close(&s->background);
    loop_close(s->loop);
    return status;
}

/* Everything that can be wrong with DIR, before anything is opened. */
static char *check_dir(const char *dir)
{
    char *path = mount_point_path(dir);
    struct stat st;

    if (!path) {
        log_error("mount: %s: %s", dir, strerror(errno));
    } else if (stat(path, &st)) {
        log_error("mount: %s: %s%s", dir, strerror(errno),
                  errno == ENOTCONN
                      ? "; the server of an earlier mount is gone,"
                        " aoe-fuse umount clears it away"
                      : "");
    } else if (!S_ISDIR(st.st_mode)) {
        log_error("mount: %s: not a directory", dir);
    } else if (mount_point_ours(path, NULL) > 0) {
        log_error("mount: %s: has disks mounted already; all disks of one "
                  "directory are named in one command",
                  dir);
    } else {
        return path;
    }
    free(path);
    return NULL;
}

static int mount_it(struct mount_options *o, char *path)
{
    static struct server s;
    pid_t pid = 0;
    int status;

    s.options = o;
    s.path = path;
    s.background.ready_fd = s.background.log_fd = -1;
    o->fs.usable = usable;
    o->fs.ended = server_unmounted;
    o->fs.arg = &s;
    if (aoefs_open(&s.fs, &o->fs)) {
        log_error("mount: -o: %s; aoe-fuse(8) tells which there are",
                  aoefs_complaint());
        return EXIT_USAGE;
    }
    if (!o->foreground)
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

int fuse_mount_command(int argc, char **argv)
{
    struct mount_options options;
    char *path;
    int status;

    if (mount_options_parse(&options, argc, argv, &status)) {
        path = check_dir(options.dir);
        status = path ? mount_it(&options, path) : EXIT_FAILED;
        free(path);
    }
    mount_options_free(&options);
    return status;
}
