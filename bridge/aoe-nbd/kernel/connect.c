/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd connect: the NBD server at one end of a socket pair, Linux at the
 * other.
 *
 * Once the kernel has the device, this process must not block on anything that
 * may become a request to the device: it would wait for itself.  Such calls are
 * made in a child (helper.c).
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/output.h"
#include "bridge/aoe-nbd/kernel/connection.h"
#include "bridge/aoe-nbd/kernel/guard.h"
#include "bridge/aoe-nbd/kernel/nbd.h"
#include "bridge/aoe-nbd/kernel/commands.h"
#include "initiator/client/survive.h"

/* What the kernel may have in flight.  It splits requests at 128 KiB unless
 * told otherwise, and memory for that many is allocated in advance. */
enum { REQUESTS = 64, REQUEST_LENGTH = 128 << 10 };

/* ---- the end ------------------------------------------------------------- */

static void flushed(struct aoe_request *flush, int status)
{
    struct kernel_connection *c = flush->arg;

    aoe_writer_close(flush->writer);
    if (status)
        log_error("flushing %s: %s; the last writes may be lost",
                  c->options.name, strerror(-status));
    loop_stop(c->loop, status ? EXIT_FAILED : EXIT_DONE);
}

/* The kernel's requests have completed. */
static void stopped(void *arg)
{
    struct kernel_connection *c = arg;
    int err;

    /* Its flush also reports losses that the kernel was not told of. */
    c->flush = (struct aoe_request){.op = AOE_FLUSH,
                                    .done = flushed,
                                    .arg = c,
                                    .writer = aoe_writer_open(c->disk.disk)};
    err = c->options.client.disk.read_only
              ? 0
              : c->disk.export.submit(c->disk.export.disk, &c->flush);
    if (err || c->options.client.disk.read_only)
        flushed(&c->flush, err);
}

/* The kernel has closed its end. */
static void left(void *arg)
{
    struct kernel_connection *c = arg;

    if (c->state == CONNECTION_ENDING)
        return;
    assert(c->state == CONNECTION_SERVING);
    c->state = CONNECTION_ENDING;
    notify_manager("STOPPING=1");
    if (c->background.ready_fd < 0)
        log_info("%s: /dev/nbd%d was disconnected", c->options.name, c->index);
    nbd_service_stop(&c->service, stopped, c);
}

static void on_child(void *arg, int signo)
{
    (void)signo;
    helper_ended(arg);
}

static void on_resized(void *arg)
{
    helper_chore(arg, CHORE_SIZE);
}

static void on_signal(void *arg, int signo)
{
    struct kernel_connection *c = arg;

    if (c->index < 0)
        loop_stop(c->loop, EXIT_FAILED);
    else if (c->state != CONNECTION_ENDING &&
             /* In the background there is no terminal to hang up. */
             (signo != SIGHUP || c->options.client.foreground))
        helper_chore(c, CHORE_TAKE_AWAY);
}

/* ---- the beginning ------------------------------------------------------- */

static int prepare(struct kernel_connection *c)
{
    int err;

    assert(c->state == CONNECTION_SEARCHING);
    err = kernel_guard(c->options.swap);

    if (err) {
        log_error("connect: --swap: locking memory and real-time scheduling: "
                  "%s; it needs root or CAP_IPC_LOCK and CAP_SYS_NICE",
                  strerror(-err));
        return -1;
    }
    c->exports[0] = &c->disk.export;
    nbd_service_open(&c->service, c->loop, c->exports, 1);
    c->state = CONNECTION_SERVING;
    c->service.left = left;
    c->service.left_arg = c;
    if (nbd_server_reserve(&c->service.server, REQUESTS, REQUEST_LENGTH))
        return connection_refuse(c, "no memory for its requests");
    return 0;
}

static int announce(struct kernel_connection *c)
{
    int err;

    printf("/dev/nbd%d\n", c->index);
    /* Without its name the device is of no use to the caller. */
    err = output_flush();
    if (err)
        return err;
    if (c->background.ready_fd >= 0)
        err = background_detach(&c->background, c->loop);
    if (err)
        log_error("connect: going to the background: %s", strerror(-err));
    kernel_device_announce(c->index);
    notify_manager("READY=1");
    return err;
}

static void found(void *arg)
{
    struct kernel_connection *c = arg;

    log_never_block();
    survive(c->options.name, !c->options.client.foreground);
    if (prepare(c) || connection_attach(c)) {
        loop_stop(c->loop, EXIT_FAILED);
        return;
    }
    if (announce(c))
        helper_chore(c, CHORE_TAKE_AWAY);
    helper_chore(c, CHORE_PERIOD);
}

static void not_found(void *arg)
{
    struct kernel_connection *c = arg;

    loop_stop(c->loop, EXIT_FAILED);
}

static int catch_signals(struct kernel_connection *c)
{
    static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
    int err = loop_signal(c->loop, SIGCHLD, on_child, c);

    for (size_t i = 0; !err && i < sizeof ends / sizeof *ends; i++)
        err = loop_signal(c->loop, ends[i], on_signal, c);
    return err;
}

/* 0, -errno, or EXIT_FAILED after reporting why. */
static int search(struct kernel_connection *c)
{
    const struct connect_options *o = &c->options;

    c->search = (struct disk_search){.trying = "connect",
                                     .options = &o->client,
                                     .found = found,
                                     .failed = not_found,
                                     .arg = c};
    if (nbd_disk_open(&c->disk, &c->aoe_loop, &c->search, o->shelf, o->slot))
        return EXIT_FAILED;
    c->disk.resized = on_resized;
    c->disk.settled = connection_settled;
    c->disk.arg = c;
    return disk_search_start(&c->search, c->loop);
}

static int begin(struct kernel_connection *c)
{
    int err = aoe_loop_attach(&c->aoe_loop, c->loop, c->aoe);

    if (!err)
        err = catch_signals(c);
    return err ? err : search(c);
}

static void clean(struct kernel_connection *c)
{
    disk_search_stop(&c->search);
    nbd_disk_close(&c->disk);
    nbd_service_close(&c->service);
    aoe_loop_detach(&c->aoe_loop);
    aoe_close(c->aoe);
    survive_end();
    background_close(&c->background);
    loop_close(c->loop);
}

static int serve(struct kernel_connection *c)
{
    int status = interfaces_open(&c->options.client.interfaces, &c->aoe);

    if (status)
        return status;
    status = loop_open(&c->loop);
    if (!status)
        status = begin(c);
    if (!status)
        status = loop_run(c->loop);
    clean(c);
    if (status >= 0)
        return status;
    log_error("connect: %s", strerror(-status));
    return EXIT_FAILED;
}

/* What does not depend on the disk is checked before searching for it. */
static int run(struct kernel_connection *c)
{
    int err = kernel_nbd_present();
    pid_t pid = 0;

    if (err) {
        connection_refuse(c, kernel_nbd_error(err));
        return EXIT_FAILED;
    }
    if (!c->options.client.foreground)
        pid = background_fork(&c->background);
    if (pid < 0) {
        log_error("connect: going to the background: %s", strerror((int)-pid));
        return EXIT_FAILED;
    }
    return pid > 0 ? background_wait(&c->background, pid) : serve(c);
}

int kernel_connect_command(int argc, char **argv)
{
    static struct kernel_connection c = {
        .index = -1, .lock = -1, .background = {.ready_fd = -1, .log_fd = -1}};
    int status = connect_options_parse(&c.options, argc, argv);

    if (status < 0)
        status = run(&c);
    client_options_free(&c.options.client);
    return status;
}
