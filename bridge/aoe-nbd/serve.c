/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-nbd serve: finds the disks, listens, serves, and shuts down cleanly:
 * requests in flight are answered, the disks are flushed, the socket is
 * removed.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "initiator/client/aoe_loop.h"
#include "initiator/client/block_disk.h"
#include "bridge/aoe-nbd/serve.h"
#include "bridge/nbd/listen.h"
#include "bridge/aoe-nbd/run.h"
#include "bridge/aoe-nbd/serve_options.h"
#include "bridge/nbd/service.h"

enum { URI_MAX = 512, DESCRIPTORS = 1 << 16 };

struct serve;

struct served {
    struct nbd_disk disk;
    struct serve *serve;
    struct aoe_request flush;  /* the last one, at shutdown */
    struct aoe_writer *writer; /* of that flush */
};

enum serve_state {
    SERVE_SEARCHING, /* for the disks; no service is open */
    SERVE_SERVING,
    SERVE_STOPPING, /* after either of them */
};

struct serve {
    struct serve_options options;
    struct loop *loop;
    struct aoe *aoe;
    struct aoe_loop aoe_loop;
    struct served disks[DISK_NAMES_MAX];
    unsigned flushing; /* disks that are flushed at shutdown */
    struct disk_search search;
    const struct nbd_export *exports[DISK_NAMES_MAX];
    struct nbd_service service;
    struct nbd_listener listeners[NBD_INHERITED_MAX];
    struct nbd_run run;
    struct rlimit descriptors; /* the limit before we raised it */
    enum serve_state state;
    int asked_by; /* the latest signal to end */
    int status;   /* to exit with */
};

/* ---- the end ------------------------------------------------------------- */

static void flushed(struct aoe_request *flush, int status)
{
    struct served *d = flush->arg;
    struct serve *s = d->serve;

    aoe_writer_close(d->writer);
    if (status && status != -ECANCELED) { /* on_signal has reported that */
        log_error("flushing %s: %s; the last writes may be lost",
                  d->disk.export.name, strerror(-status));
        if (s->status == EXIT_DONE)
            s->status = EXIT_FAILED;
    }
    if (--s->flushing == 0)
        loop_stop(s->loop, s->status);
}

/* Flushes a disk that was written to. */
static void end_disk(struct served *d)
{
    const struct nbd_export *e = &d->disk.export;
    struct aoe_stats stats;
    int err;

    aoe_disk_stats(d->disk.disk, &stats);
    log_debug("%s: %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64
              " flushes; %" PRIu64 " frames sent, %" PRIu64
              " retransmitted; %" PRIu64 " writes held back",
              e->name, stats.reads, stats.writes, stats.flushes,
              stats.frames_sent, stats.retransmitted, stats.time_waits);
    if (stats.writes + stats.trims == 0)
        return;
    /* Its flush also reports losses that clients who have left were not told
     * of. */
    d->writer = aoe_writer_open(d->disk.disk);
    d->flush = (struct aoe_request){
        .op = AOE_FLUSH, .done = flushed, .arg = d, .writer = d->writer};
    d->serve->flushing++;
    err = e->submit(e->disk, &d->flush);
    if (err)
        flushed(&d->flush, err);
}

/* No client is left. */
static void stopped(void *arg)
{
    struct serve *s = arg;

    s->flushing = 1; /* until all flushes are submitted */
    for (unsigned i = 0; i < s->options.disks.count; i++)
        end_disk(&s->disks[i]);
    if (--s->flushing == 0)
        loop_stop(s->loop, s->status);
}

static void close_listeners(struct serve *s)
{
    for (int i = 0; i < NBD_INHERITED_MAX; i++)
        nbd_listener_close(&s->listeners[i]);
}

static void begin_stop(struct serve *s, int status)
{
    bool serving = s->state == SERVE_SERVING;

    assert(s->state != SERVE_STOPPING);
    s->status = status;
    s->state = SERVE_STOPPING;
    log_debug("stopping");
    notify_manager("STOPPING=1");
    if (!serving) {
        loop_stop(s->loop, status);
        return;
    }
    close_listeners(s);
    nbd_service_stop(&s->service, stopped, s);
}

/* A second signal means "at once".  But the end of a session sends SIGTERM and
 * SIGHUP, in any order, which count as one. */
static bool again(struct serve *s, int signo)
{
    bool hung_up = signo == SIGHUP || s->asked_by == SIGHUP;

    if (s->state != SERVE_STOPPING || signo != SIGHUP)
        s->asked_by = signo;
    return !hung_up;
}

static void on_signal(void *arg, int signo)
{
    struct serve *s = arg;
    bool impatient = again(s, signo);

    if (s->state == SERVE_STOPPING && impatient) {
        log_error("stopping: interrupted; the last writes may be lost");
        loop_stop(s->loop, EXIT_FAILED);
    } else if (s->run.pid) {
        kill(s->run.pid, signo); /* when it ends, so do we */
    } else if (s->state != SERVE_STOPPING) {
        /* With --run, a command that was never started is a failure. */
        begin_stop(s, s->options.run ? 128 + signo : EXIT_DONE);
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

static int listen_inherited(struct serve *s)
{
    int err = 0;

    for (unsigned i = 0; i < s->options.inherited && !err; i++)
        err = nbd_listen_inherited(&s->listeners[i], &s->service, i);
    nbd_inherited_forget();
    return err;
}

static int listen_somewhere(struct serve *s)
{
    const struct serve_options *o = &s->options;
    int err;

    if (o->inherited)
        return listen_inherited(s);
    if (o->tcp)
        return nbd_listen_tcp(s->listeners, &s->service, o->tcp);
    if (o->unix_path)
        return nbd_listen_unix(s->listeners, &s->service, o->unix_path);
    err = nbd_run_prepare(&s->run);
    if (err)
        log_error("making a private directory for --run: %s", strerror(-err));
    else
        err = nbd_listen_unix(s->listeners, &s->service, s->run.socket);
    return err;
}

static int announce(struct serve *s)
{
    char uri[URI_MAX];
    int err;

    if (s->options.syslog)
        log_to_syslog(true);
    else
        log_never_block();
    notify_manager("READY=1");
    for (unsigned i = 0; i < s->options.disks.count && !s->options.run; i++) {
        const struct nbd_export *e = s->exports[i];

        nbd_listener_uri(s->listeners, e->name, uri, sizeof uri);
        log_info("%s: serving %" PRIu64 " bytes on %s", e->name, e->size, uri);
    }
    if (!s->options.run)
        return 0;
    nbd_listener_uri(s->listeners, "", uri, sizeof uri);
    err = nbd_run_start(&s->run, s->options.run, uri, &s->descriptors);
    if (err)
        log_error("running %s: %s", s->options.run, strerror(-err));
    return err;
}

static void found(void *arg)
{
    struct serve *s = arg;

    if (s->state == SERVE_STOPPING)
        return;
    assert(s->state == SERVE_SEARCHING);
    for (unsigned i = 0; i < s->options.disks.count; i++)
        s->exports[i] = &s->disks[i].disk.export;
    nbd_service_open(&s->service, s->loop, s->exports, s->options.disks.count);
    nbd_server_limit(&s->service.server, s->options.memory);
    s->state = SERVE_SERVING;
    if (listen_somewhere(s) || announce(s))
        loop_stop(s->loop, EXIT_FAILED);
}

static void not_found(void *arg)
{
    struct serve *s = arg;

    loop_stop(s->loop, EXIT_FAILED);
}

/* 0, -errno, or EXIT_FAILED after reporting why. */
static int search(struct serve *s)
{
    const struct serve_options *o = &s->options;
    int err = 0;

    s->search = (struct disk_search){.trying = "serve",
                                     .options = &o->client,
                                     .found = found,
                                     .failed = not_found,
                                     .arg = s};
    for (unsigned i = 0; i < o->disks.count && !err; i++) {
        struct served *d = &s->disks[i];

        d->serve = s;
        err = nbd_disk_open(&d->disk, &s->aoe_loop, &s->search,
                            o->disks.of[i].shelf, o->disks.of[i].slot);
    }
    if (err)
        return EXIT_FAILED;
    return disk_search_start(&s->search, s->loop);
}

/* Each client takes a descriptor; shells and service managers allow 1024, for
 * the sake of programs that use select(2).  If we may not have more, there are
 * fewer clients.
 */
static void allow_descriptors(struct rlimit *before)
{
    struct rlimit raised;

    if (getrlimit(RLIMIT_NOFILE, before))
        return;
    raised = *before;
    raised.rlim_cur =
        raised.rlim_max < DESCRIPTORS ? raised.rlim_max : DESCRIPTORS;
    if (raised.rlim_cur > before->rlim_cur)
        setrlimit(RLIMIT_NOFILE, &raised);
}

static int begin(struct serve *s)
{
    int err = aoe_loop_attach(&s->aoe_loop, s->loop, s->aoe);

    if (!err)
        err = loop_signal(s->loop, SIGTERM, on_signal, s);
    if (!err)
        err = loop_signal(s->loop, SIGINT, on_signal, s);
    if (!err)
        err = loop_signal(s->loop, SIGHUP, on_signal, s);
    if (!err)
        err = loop_signal(s->loop, SIGCHLD, on_child, s);
    return err ? err : search(s);
}

static void clean(struct serve *s)
{
    close_listeners(s);
    disk_search_stop(&s->search);
    for (unsigned i = 0; i < s->options.disks.count; i++)
        nbd_disk_close(&s->disks[i].disk); /* ends requests in flight */
    nbd_service_close(&s->service);
    nbd_run_clean(&s->run);
    aoe_loop_detach(&s->aoe_loop);
    aoe_close(s->aoe);
    loop_close(s->loop);
}

static int serve(struct serve *s)
{
    int status = interfaces_open(&s->options.client.interfaces, &s->aoe);

    if (status)
        return status;
    allow_descriptors(&s->descriptors);
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
    static struct serve s; /* too large for the stack */
    int status = serve_options_parse(&s.options, argc, argv);

    if (status < 0)
        status = serve(&s);
    client_options_free(&s.options.client);
    return status;
}
