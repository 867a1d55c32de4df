/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-target: exports a file or device as an ATA over Ethernet disk.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/options.h"
#include "base/output.h"
#include "base/title.h"
#include "target/serve/boot.h"
#include "target/wanted_config.h"
#include "target/serve/control.h"
#include "target/serve/exports.h"
#include "target/import_command.h"
#include "target/opener.h"
#include "target/options.h"
#include "target/privilege.h"
#include "target/serve/server.h"
#include "target/serve/stats.h"
#include "target/serve/status.h"
#include "target/store/store.h"
#include "target/store/store_nbd.h"
#include "target/store/workers.h"

enum { WORKERS = 64 };

#define MATCH_EVERY (3 * NS_PER_S)

/* Everything that lives as long as the program. */
struct target {
    struct loop *loop;
    struct workers *workers;
    struct server *server;
    struct exports *exports;
    struct control *control; /* NULL: none was asked for */
    struct status *status;
    struct config_patterns unmatched; /* interfaces that are waited for */
    struct loop_timer match;          /* when to look for them again */
    const struct target_options *options;
    struct opener opener;
};

static void on_stop(void *arg, int signo)
{
    (void)signo;
    server_stop(arg);
}

static void on_report(void *arg, int signo)
{
    (void)signo;
    stats_log(arg);
}

static int reload(void *arg)
{
    struct target *t = arg;
    struct config config;
    int err = wanted_config(&config, t->options);

    if (!err)
        t->unmatched = config.unmatched;
    if (err)
        log_error("reloading: nothing was changed");
    else
        err = exports_reload(t->exports, &config);
    config_free(&config);
    return err;
}

/* One try for each that appears: a file that is wrong would be reported again
 * and again. */
static void look_for_interfaces(void *arg)
{
    struct target *t = arg;

    if (wanted_config_matches(&t->unmatched)) {
        t->unmatched.count = 0;
        log_info("an interface of the configuration has appeared: reloading");
        reload(t);
    }
    loop_timer_set(t->loop, &t->match, loop_now(t->loop) + MATCH_EVERY);
}

static void on_reload(void *arg, int signo)
{
    (void)signo;
    reload(arg);
}

static int catch_signals(struct target *t)
{
    int err = loop_signal(t->loop, SIGTERM, on_stop, t->server);

    /* Exceeding a file size limit should fail one write, not end the
     * program. */
    signal(SIGXFSZ, SIG_IGN);
    /* A reader of the log or a control client may disappear. */
    signal(SIGPIPE, SIG_IGN);
    if (!err)
        err = loop_signal(t->loop, SIGINT, on_stop, t->server);
    if (!err)
        err = loop_signal(t->loop, SIGUSR1, on_report, t->server);
    /* Also for a disk of the command line: SIGHUP would end the target. */
    if (!err)
        err = loop_signal(t->loop, SIGHUP, on_reload, t);
    return err;
}

/* A disk takes up to three descriptors.  Shells and init allow 1024, for the
 * sake of programs that use select(2). */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        log_debug("descriptors: %s", strerror(errno));
}

static int open_all(struct target *t, const struct target_options *o,
                    uint64_t wait_until)
{
    bool waits = o->config != NULL;
    struct server_options server = {.changing = o->config != NULL,
                                    .waits = waits,
                                    .backend = o->backend,
                                    .link_open = link_open};
    struct exports_options exports = {
        .open = opener_open,
        .arg = &t->opener,
        .state_dir = o->state_dir,
        .boot_dir = boot_directory(o->state_dir),
        .duplicates = {.backend = o->backend, .link_open = link_open},
        .take_over_ns = o->take_over_ns,
        .waits = waits,
        .wait_until = wait_until,
    };
    int err = loop_open(&t->loop);

    if (!err)
        err = workers_open(&t->workers, t->loop, WORKERS);
    if (!err && o->seccomp)
        workers_confine(t->workers);
    if (!err)
        err = server_open(&t->server, t->loop, &server);
    t->opener.loop = t->loop;
    t->opener.workers = t->workers;
    exports.loop = t->loop;
    exports.server = t->server;
    exports.workers = t->workers;
    if (!err)
        err = exports_open(&t->exports, &exports);
    if (!err)
        err = catch_signals(t);
    if (err)
        log_error("starting: %s", strerror(-err));
    return err;
}

static int open_control(struct target *t)
{
    struct control_options o = {
        .path = t->options->control,
        .loop = t->loop,
        .server = t->server,
        .exports = t->exports,
        .reload = reload,
        .arg = t,
    };

    return o.path ? control_open(&t->control, &o) : 0;
}

static int open_status(struct target *t)
{
    const struct status_options o = {
        .path = t->options->status,
        .loop = t->loop,
        .server = t->server,
        .exports = t->exports,
    };

    return status_open(&t->status, &o);
}

static void close_all(struct target *t)
{
    status_close(t->status);
    control_close(t->control);
    exports_close(t->exports);
    server_close(t->server);
    workers_close(t->workers);
    loop_close(t->loop);
}

/* To be called once everything that needs root is done. */
static int drop_privileges(const struct target_options *o, bool nbd)
{
    int err = o->drop ? privilege_drop(&o->user) : 0;

#ifdef HAVE_SECCOMP
    const struct sandbox may = {
        .config = o->config != NULL,
        .state = o->state_dir != NULL,
        .nbd = nbd,
        .reopen = o->control != NULL, /* a file that grew, at a reload */
        .links = o->backend && strcmp(o->backend, "pcap") == 0,
        .control = o->control != NULL,
        .syslog = o->syslog,
    };

    if (!err && o->seccomp)
        err = sandbox_enter(&may);
#else
    (void)nbd;
#endif
    return err;
}

static bool any_nbd(const struct config *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (store_nbd_uri(c->exports[i].path))
            return true;
    return false;
}

/* Everything up to the first turn of the loop.  Takes over the contents of
 * `c`. */
static int start(struct target *t, struct config *c)
{
    const struct target_options *o = t->options;
    bool nbd = any_nbd(c);
    uint64_t wait_until;
    int err = o->drop ? privilege_prepare() : 0;

    /* With many disks, none waits for the storage of another: that is tried
     * again later. */
    wait_until = clock_ns() + o->wait_ns;
    t->opener.wait_until = o->config ? 0 : wait_until;
    if (!err)
        err = open_all(t, o, wait_until);
    if (!err)
        err = open_control(t);
    if (!err)
        err = open_status(t);
    t->unmatched = c->unmatched;
    t->match = (struct loop_timer){.expired = look_for_interfaces, .arg = t};
    if (!err && o->config)
        err = loop_timer_set(t->loop, &t->match, loop_now(t->loop));
    if (!err)
        err = exports_start(t->exports, c);
    t->opener.wait_until = 0; /* a reload does not wait */
    return err ? err : drop_privileges(o, nbd);
}

static int serve(struct target *t)
{
    int status = loop_run(t->loop);

    if (status < 0) {
        log_error("waiting for work: %s", strerror(-status));
        status = EXIT_FAILED;
    }
    /* Closing a disk that hangs would block us, too. */
    if (server_idle(t->server))
        close_all(t);
    return status;
}

static int run(const struct target_options *o)
{
    struct config config = {0};
    struct target t = {.options = o};
    int err = wanted_config(&config, o);

    if (err)
        return EXIT_FAILED;
    if (o->check) {
        config_print(&config);
        config_free(&config);
        return EXIT_DONE;
    }
    if (o->syslog)
        log_to_syslog(true);
    else
        log_never_block();
    allow_descriptors();
    err = start(&t, &config);
    config_free(&config);
    if (!err)
        return serve(&t);
    close_all(&t);
    return EXIT_FAILED;
}

static int command(int argc, char **argv)
{
    struct target_options o;
    int status;

    if (argc > 1 && strcmp(argv[1], "ctl") == 0)
        return ctl_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "import") == 0)
        return import_main(argc - 1, argv + 1);
    status = options_parse(&o, argc, argv);
    if (status < 0)
        status = run(&o);
    options_free(&o);
    return status;
}

int main(int argc, char **argv)
{
    title_init(argc, argv);
    log_program("aoe-target");
    return output_end(command(argc, argv));
}
