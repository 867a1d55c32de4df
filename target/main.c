/* SPDX-License-Identifier: BSD-2-Clause
 *
 * aoe-target: exports a file or device as an ATA over Ethernet disk.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/options.h"
#include "target/claim.h"
#include "target/options.h"
#include "target/privilege.h"
#include "target/server.h"
#include "target/store.h"
#include "target/store_nbd.h"
#include "target/workers.h"

enum { WORKERS = 64 };

/* Everything that lives as long as the program. */
struct target {
    struct loop *loop;
    struct workers *workers;
    struct server *server;
};

static int open_inner(struct target *t, const struct options *o,
                      struct store **out)
{
    struct store_file_options file = {
        .path = o->path,
        .read_only = o->read_only,
        .direct = o->direct,
        .offset = o->offset * AOE_SECTOR,
        .length = o->length * AOE_SECTOR,
    };
    struct claim claim = {
        .path = o->path,
        .read_only = o->read_only,
        .force = o->force,
        .offset = file.offset,
        .length = file.length,
    };
    int fd;

    if (store_nbd_uri(o->path))
        return store_nbd_open(out, &file, t->loop);
    fd = claim_open(&claim);
    if (fd < 0)
        return fd;
    return store_file_open(out, fd, &file, t->workers);
}

static int open_store(struct target *t, const struct options *o,
                      struct store **out)
{
    struct store *inner;
    int err = open_inner(t, o, &inner);

    if (err)
        return err;
    *out = inner;
    if (!o->fault)
        return 0;
    err = store_fault_open(out, inner, o->fault, t->loop);
    if (err)
        store_close(inner);
    return err;
}

static void describe(struct export *e, const struct options *o,
                     const struct store *s)
{
    *e = (struct export){
        .addr = o->addr,
        .sectors = s->size / AOE_SECTOR,
        .physical_sector = s->physical_sector,
        .buffer_count = o->buffer_count,
        .firmware = export_firmware(),
        .read_only = s->read_only,
        .sync = o->sync || s->no_cache,
        .write_cache = !o->sync && !s->no_cache && !s->read_only,
        .can_trim = s->can_trim,
        .trim_zeroes = s->trim_zeroes,
        .solid = s->solid,
        .mask = o->mask,
    };
    export_set_serial(e, s->identity, o->offset);
}

static int serve(struct target *t, const struct options *o, struct disk **out)
{
    struct export e;
    struct store *store;
    int err = open_store(t, o, &store);

    if (err)
        return err;
    describe(&e, o, store);
    err = server_add_disk(t->server, &e, store, out);
    if (err) {
        log_error("%s: %s", o->path, strerror(-err));
        store_close(store);
        return err;
    }
    for (unsigned i = 0; i < o->interface_count; i++) {
        err = server_serve(t->server, *out, o->interfaces[i]);
        if (err) {
            log_error("%s: %s", o->interfaces[i], strerror(-err));
            return err;
        }
    }
    return server_start(t->server);
}

static void say_ready(const struct options *o, const struct disk *d)
{
    char names[1024] = "";
    size_t used = 0;

    for (unsigned i = 0; i < o->interface_count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                 i ? ", " : "", o->interfaces[i]);
    log_info("%s: serving %s (%llu bytes) on %s", d->name, o->path,
             (unsigned long long)d->store->size, names);
}

static void on_stop(void *arg, int signo)
{
    (void)signo;
    server_stop(arg);
}

static void on_report(void *arg, int signo)
{
    (void)signo;
    server_report(arg);
}

static int catch_signals(struct target *t)
{
    int err = loop_signal(t->loop, SIGTERM, on_stop, t->server);

    /* A file may reach a limit of the system on its size: that is an error of
     * one write, not the end of the program. */
    signal(SIGXFSZ, SIG_IGN);
    if (!err)
        err = loop_signal(t->loop, SIGINT, on_stop, t->server);
    if (!err)
        err = loop_signal(t->loop, SIGUSR1, on_report, t->server);
    return err;
}

static int open_all(struct target *t, const struct options *o)
{
    struct server_options server = {.ask_first = !o->force,
                                    .commit_ns = o->commit_ns,
                                    .backend = o->backend,
                                    .link_open = link_open};
    int err = loop_open(&t->loop);

    if (!err)
        err = workers_open(&t->workers, t->loop, WORKERS);
    if (!err)
        err = server_open(&t->server, t->loop, &server);
    if (!err)
        err = catch_signals(t);
    if (err)
        log_error("starting: %s", strerror(-err));
    return err;
}

static void close_all(struct target *t)
{
    server_close(t->server);
    workers_close(t->workers);
    loop_close(t->loop);
}

/* After everything that needs root is done. */
static int give_up_privilege(const struct options *o)
{
    int err = o->drop ? privilege_drop(&o->user) : 0;

#ifdef HAVE_SECCOMP
    if (!err && o->seccomp)
        err = sandbox_enter();
#endif
    return err;
}

static int run(const struct options *o)
{
    struct target t = {0};
    struct disk *disk;
    int status = o->drop ? privilege_prepare() : 0;

    if (!status)
        status = open_all(&t, o);
    if (!status)
        status = serve(&t, o, &disk);
    if (!status)
        status = give_up_privilege(o);
    if (status) {
        close_all(&t);
        return EXIT_FAILED;
    }
    say_ready(o, disk);
    status = loop_run(t.loop);
    if (status < 0) {
        log_error("waiting for work: %s", strerror(-status));
        status = EXIT_FAILED;
    }
    /* A disk that hangs would hang the end as well. */
    if (server_idle(t.server))
        close_all(&t);
    return status;
}

int main(int argc, char **argv)
{
    struct options o;
    int status;

    log_program("aoe-target");
    status = options_parse(&o, argc, argv);
    if (status < 0)
        status = run(&o);
    options_free(&o);
    return status;
}
