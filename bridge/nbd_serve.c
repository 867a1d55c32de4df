/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd serve: finds the disk, listens, serves, and ends in order: requests
 * in flight are answered, the disk is flushed, the socket is gone.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"
#include "bridge/aoe_loop.h"
#include "initiator/disk_log.h"
#include "bridge/nbd_aoe.h"
#include "bridge/nbd_commands.h"
#include "bridge/nbd_listen.h"
#include "bridge/nbd_run.h"
#include "bridge/nbd_serve_options.h"
#include "bridge/nbd_service.h"

enum { URI_MAX = 512 };

struct serve {
    struct serve_options options;
    struct loop *loop;
    struct aoe *aoe;
    struct aoe_loop aoe_loop;
    struct nbd_disk disk;
    const struct nbd_export *exports[1];
    struct nbd_service service;
    struct nbd_listener listener;
    struct nbd_run run;
    struct loop_timer search; /* gives up finding the disk */
    struct aoe_request flush; /* the last one */
    bool serving, stopping;
    int status; /* to exit with */
};

/* ---- the end ------------------------------------------------------------- */

static void flushed(struct aoe_request *flush, int status)
{
    struct serve *s = flush->arg;

    if (status && status != -ECANCELED) { /* on_signal has said that */
        log_error("flushing %s: %s; the last writes may be lost",
                  s->disk.export.name, strerror(-status));
        if (s->status == EXIT_DONE)
            s->status = EXIT_FAILED;
    }
    loop_stop(s->loop, s->status);
}

/* No client is left. */
static void stopped(void *arg)
{
    struct serve *s = arg;
    struct aoe_stats stats;
    int err;

    aoe_disk_stats(s->disk.disk, &stats);
    log_debug("%s: %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64
              " flushes; %" PRIu64 " frames sent, %" PRIu64
              " of them again; %" PRIu64 " writes held back",
              s->disk.export.name, stats.reads, stats.writes, stats.flushes,
              stats.frames_sent, stats.retransmitted, stats.fenced);
    if (stats.writes + stats.trims == 0) {
        loop_stop(s->loop, s->status);
        return;
    }
    s->flush = (struct aoe_request){.op = AOE_FLUSH, .done = flushed, .arg = s};
    err = s->disk.export.submit(s->disk.export.disk, &s->flush);
    if (err)
        flushed(&s->flush, err);
}

static void begin_stop(struct serve *s, int status)
{
    s->status = status;
    s->stopping = true;
    if (!s->serving) {
        loop_stop(s->loop, status);
        return;
    }
    nbd_listener_close(&s->listener);
    nbd_service_stop(&s->service, stopped, s);
}

static void on_signal(void *arg, int signo)
{
    struct serve *s = arg;

    if (s->stopping) {
        log_error("stopping %s: interrupted; the last writes may be lost",
                  s->disk.export.name ? s->disk.export.name : "the search");
        loop_stop(s->loop, EXIT_FAILED);
    } else if (s->run.pid) {
        kill(s->run.pid, signo); /* its end is ours */
    } else {
        begin_stop(s, EXIT_DONE);
    }
}

static void on_child(void *arg, int signo)
{
    struct serve *s = arg;
    int status;

    (void)signo;
    if (nbd_run_ended(&s->run, &status))
        begin_stop(s, status);
}

/* ---- the beginning ------------------------------------------------------- */

static int listen_somewhere(struct serve *s)
{
    const struct serve_options *o = &s->options;
    int err;

    if (o->tcp)
        return nbd_listen_tcp(&s->listener, &s->service, o->tcp);
    if (o->unix_path)
        return nbd_listen_unix(&s->listener, &s->service, o->unix_path);
    err = nbd_run_prepare(&s->run);
    if (err)
        log_error("making a private directory for --run: %s", strerror(-err));
    else
        err = nbd_listen_unix(&s->listener, &s->service, s->run.socket);
    return err;
}

static int announce(struct serve *s)
{
    const struct nbd_export *e = &s->disk.export;
    char uri[URI_MAX];
    int err;

    if (!s->options.run) {
        nbd_listener_uri(&s->listener, e->name, uri, sizeof uri);
        log_info("%s: serving %" PRIu64 " bytes on %s", e->name, e->size, uri);
        return 0;
    }
    nbd_listener_uri(&s->listener, "", uri, sizeof uri);
    err = nbd_run_start(&s->run, s->options.run, uri);
    if (err)
        log_error("running %s: %s", s->options.run, strerror(-err));
    return err;
}

/* The disk was found. */
static void ready(void *arg)
{
    struct serve *s = arg;

    loop_timer_cancel(s->loop, &s->search);
    if (s->stopping)
        return;
    s->exports[0] = &s->disk.export;
    nbd_service_open(&s->service, s->loop, s->exports, 1);
    s->serving = true;
    if (listen_somewhere(s) || announce(s))
        loop_stop(s->loop, EXIT_FAILED);
}

static void not_found(void *arg)
{
    struct serve *s = arg;

    disk_log_missing("serve", s->disk.disk, &s->options.interfaces,
                     s->options.wait);
    loop_stop(s->loop, EXIT_FAILED);
}

static int begin(struct serve *s)
{
    const struct serve_options *o = &s->options;
    int err = aoe_loop_attach(&s->aoe_loop, s->loop, s->aoe);

    s->search = (struct loop_timer){.expired = not_found, .arg = s};
    if (!err)
        err = loop_signal(s->loop, SIGTERM, on_signal, s);
    if (!err)
        err = loop_signal(s->loop, SIGINT, on_signal, s);
    if (!err)
        err = loop_signal(s->loop, SIGCHLD, on_child, s);
    if (!err)
        err = nbd_disk_open(&s->disk, &s->aoe_loop, o->shelf, o->slot, &o->disk,
                            ready, s);
    s->disk.conflict = not_found; /* waiting would make it no better */
    if (!err)
        err = loop_timer_set(s->loop, &s->search, loop_now(s->loop) + o->wait);
    return err;
}

static void clean(struct serve *s)
{
    nbd_listener_close(&s->listener);
    nbd_disk_close(&s->disk); /* ends what clients still had in flight */
    if (s->serving)
        nbd_service_close(&s->service);
    nbd_run_clean(&s->run);
    aoe_loop_detach(&s->aoe_loop);
    aoe_close(s->aoe);
    loop_close(s->loop);
}

static int serve(struct serve *s)
{
    int status = interfaces_open(&s->options.interfaces, &s->aoe);

    if (status)
        return status;
    status = loop_open(&s->loop);
    if (!status)
        status = begin(s);
    if (!status)
        status = loop_run(s->loop);
    clean(s);
    if (status >= 0)
        return status;
    log_error("serve: %s", strerror(-status));
    return EXIT_FAILED;
}

int nbd_serve_command(int argc, char **argv)
{
    struct serve s = {0};
    int status = serve_options_parse(&s.options, argc, argv);

    if (status < 0)
        status = serve(&s);
    interfaces_free(&s.options.interfaces);
    return status;
}
