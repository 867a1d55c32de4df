/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What holds disks and ports together: turns, timers, start and stop.
 */
#include "target/serve/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/options.h"
#include "target/serve/adaptive_polling.h"
#include "wire/netwatch.h"

/* How often interfaces are looked at, and how long a full transmit queue may
 * keep the last replies when we stop. */
#define REFRESH_NS NS_PER_S
#define DRAIN_NS   (5 * NS_PER_S)

/* What most disks want of memory for direct I/O; the storage of an interface's
 * first disk may not be open yet. */
enum { DIRECT_ALIGN = 512 };

struct server {
    struct loop *loop;
    struct server_options options;

    struct disk **disks;
    unsigned disk_count;
    struct target_port **ports;
    unsigned port_count;
    struct port_host port_host;

    struct list touched_disks, touched_ports;
    struct list leaving; /* of disk.leaving */
    uint64_t disks_ever;
    bool ports_leaving; /* perhaps; tidy looks */
    struct loop_task settle, tidy;
    struct loop_timer refresh, drain;
    struct netwatch *netwatch; /* NULL: only the timer looks */

    bool may_poll; /* there is another CPU for what else there is to do */
    struct adaptive_polling polling;

    bool started;
    bool stopping;
    bool late; /* replies that nobody takes are given up */
    struct link_out out[LINK_BATCH];
};

/* ---- turns -------------------------------------------------------------- */

void server_touch_disk(struct server *s, struct disk *d)
{
    if (!list_linked(&d->touched))
        list_append(&s->touched_disks, &d->touched);
    loop_task_queue(s->loop, &s->settle);
}

static void touch_port(void *arg, struct target_port *p)
{
    struct server *s = arg;

    if (!list_linked(&p->touched))
        list_append(&s->touched_ports, &p->touched);
    loop_task_queue(s->loop, &s->settle);
}

static unsigned active(const struct server *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->port_count; i++)
        n += s->ports[i]->active;
    return n;
}

/* When the last reply has left, what is dirty goes to disk; then we are
 * done. */
static void finish(struct server *s)
{
    bool lost = false;

    if (active(s) > 0 && !s->late)
        return;
    for (unsigned i = 0; i < s->disk_count; i++) {
        disk_commit(s->disks[i]);
        lost |= epochs_untold(&s->disks[i]->epochs);
    }
    if (server_idle(s))
        loop_stop(s->loop, lost ? EXIT_FAILED : EXIT_DONE);
}

static void await_next(struct server *s)
{
    if (s->may_poll && s->polling.asked && active(s) == 0)
        loop_poll_for(s->loop, adaptive_polling_ns(&s->polling));
}

static void received(void *arg, unsigned count)
{
    struct server *s = arg;

    adaptive_polling_requests(&s->polling, count, loop_now(s->loop));
}

void server_settle(struct server *s)
{
    struct list *node;

    /* Disks first: what they complete at once leaves with the rest. */
    for (;;) {
        if ((node = list_first(&s->touched_disks))) {
            list_remove(node);
            disk_submit(list_entry(node, struct disk, touched));
        } else if ((node = list_first(&s->touched_ports))) {
            list_remove(node);
            port_settle(list_entry(node, struct target_port, touched));
        } else {
            break;
        }
    }
    await_next(s);
    if (s->stopping)
        finish(s);
    else if (s->ports_leaving || !list_empty(&s->leaving))
        loop_task_queue(s->loop, &s->tidy);
}

static void settle(void *arg)
{
    server_settle(arg);
}

/* ---- what disks ask for ------------------------------------------------- */

static uint64_t host_now(void *arg)
{
    const struct server *s = arg;

    return loop_now(s->loop);
}

static void host_touch(void *arg, struct disk *d)
{
    server_touch_disk(arg, d);
}

static void host_answer(void *arg, struct request *r)
{
    (void)arg;
    port_answer(r);
}

static void host_release(void *arg, struct request *r)
{
    (void)arg;
    port_release(r);
}

static void host_committed(void *arg, struct disk *d)
{
    struct server *s = arg;

    (void)d;
    loop_task_queue(s->loop, &s->settle);
}

/* Its clients ask for IDENTIFY then, and see another epoch. */
static void host_lost(void *arg, struct disk *d)
{
    struct server *s = arg;

    for (unsigned i = 0; i < s->port_count; i++)
        port_announce(s->ports[i], d);
}

static const struct disk_host host = {.now = host_now,
                                      .touch = host_touch,
                                      .answer = host_answer,
                                      .release = host_release,
                                      .committed = host_committed,
                                      .lost = host_lost};

/* ---- timers ------------------------------------------------------------- */

static void look_at_ports(void *arg)
{
    struct server *s = arg;

    for (unsigned i = 0; i < s->port_count; i++)
        port_refresh(s->ports[i]);
}

/* Running out of memory for a timer that was set before does not happen: its
 * place in the heap was just given back. */
static void refresh(void *arg)
{
    struct server *s = arg;

    look_at_ports(s);
    loop_timer_set(s->loop, &s->refresh, loop_now(s->loop) + REFRESH_NS);
}

/* Linux's aoe driver never flushes; so that a power cut costs seconds of work
 * and not minutes, we do (doc/safety.md). */
static void commit(void *arg)
{
    struct disk *d = arg;
    const struct server *s = d->host_arg;
    struct loop *loop = s->loop;

    disk_commit(d);
    loop_timer_set(loop, &d->commit_timer,
                   loop_now(loop) + d->export.commit_ns);
}

static int start_commits(struct server *s, struct disk *d)
{
    if (!d->export.commit_ns)
        return 0;
    d->commit_timer = (struct loop_timer){.expired = commit, .arg = d};
    return loop_timer_set(s->loop, &d->commit_timer,
                          loop_now(s->loop) + d->export.commit_ns);
}

static void drained(void *arg)
{
    struct server *s = arg;

    s->late = true;
    finish(s);
}

/* ---- disks and interfaces that go --------------------------------------- */

static void free_disk(struct server *s, struct disk *d)
{
    loop_timer_cancel(s->loop, &d->commit_timer);
    list_remove(&d->touched);
    disk_fini(d);
    free(d);
}

static void drop_disk(struct server *s, struct disk *d)
{
    void (*gone)(void *arg, struct epochs *epochs) = d->gone;
    void *arg = d->gone_arg;
    struct epochs epochs;
    unsigned i = 0;

    while (s->disks[i] != d)
        i++;
    s->disks[i] = s->disks[--s->disk_count];
    list_remove(&d->leaving);
    disk_end(d);
    epochs_init(&epochs);
    epochs_inherit(&epochs, &d->epochs);
    free_disk(s, d);
    gone(arg, &epochs);
    epochs_fini(&epochs);
}

static void drop_ports(struct server *s)
{
    s->ports_leaving = false;
    for (unsigned i = s->port_count; i-- > 0;) {
        struct target_port *p = s->ports[i];

        if (!p->stopped)
            continue;
        if (p->active > 0) {
            s->ports_leaving = true;
            continue;
        }
        port_free(p);
        s->ports[i] = s->ports[--s->port_count];
    }
}

/* In a task of its own: no port or disk is at work further up the stack. */
static void tidy(void *arg)
{
    struct server *s = arg;

    if (s->stopping)
        return;
    list_each(it, &s->leaving) {
        struct disk *d = list_entry(it, struct disk, leaving);

        if (d->in_flight > 0)
            continue;
        disk_commit(d);
        if (!d->committing)
            drop_disk(s, d);
    }
    drop_ports(s);
}

void server_remove_disk(struct server *s, struct disk *d,
                        void (*gone)(void *arg, struct epochs *epochs),
                        void *arg)
{
    for (unsigned i = 0; i < s->port_count; i++)
        port_detach(s->ports[i], d);
    d->gone = gone;
    d->gone_arg = arg;
    list_append(&s->leaving, &d->leaving);
    loop_task_queue(s->loop, &s->tidy);
}

void server_close_unused(struct server *s)
{
    for (unsigned i = 0; i < s->port_count; i++)
        if (s->ports[i]->disk_count == 0 && !s->ports[i]->stopped) {
            port_stop(s->ports[i]);
            s->ports_leaving = true;
        }
    loop_task_queue(s->loop, &s->tidy);
}

/* ---- start and stop ----------------------------------------------------- */

int server_open(struct server **out, struct loop *loop,
                const struct server_options *o)
{
    struct server *s = calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->options = *o;
    s->may_poll = sysconf(_SC_NPROCESSORS_ONLN) > 1;
    list_init(&s->touched_disks);
    list_init(&s->touched_ports);
    list_init(&s->leaving);
    s->port_host = (struct port_host){.loop = loop,
                                      .out = s->out,
                                      .changing = o->changing,
                                      .touch = touch_port,
                                      .received = received,
                                      .settle = settle,
                                      .arg = s};
    s->tidy = (struct loop_task){.run = tidy, .arg = s};
    s->settle = (struct loop_task){.run = settle, .arg = s};
    s->refresh = (struct loop_timer){.expired = refresh, .arg = s};
    s->drain = (struct loop_timer){.expired = drained, .arg = s};
    *out = s;
    return 0;
}

void server_close(struct server *s)
{
    if (!s)
        return;
    netwatch_close(s->netwatch);
    loop_timer_cancel(s->loop, &s->refresh);
    loop_timer_cancel(s->loop, &s->drain);
    loop_task_cancel(&s->settle);
    loop_task_cancel(&s->tidy);
    for (unsigned i = 0; i < s->port_count; i++)
        port_free(s->ports[i]);
    for (unsigned i = 0; i < s->disk_count; i++)
        free_disk(s, s->disks[i]);
    free(s->ports);
    free(s->disks);
    free(s);
}

int server_add_disk(struct server *s, const struct export *e,
                    struct store *store, struct disk **out)
{
    struct disk **grown =
        reallocarray(s->disks, s->disk_count + 1, sizeof *grown);
    struct disk *d;

    if (!grown)
        return -ENOMEM;
    s->disks = grown;
    d = malloc(sizeof *d);
    if (!d)
        return -ENOMEM;
    disk_init(d, &host, s, e, store);
    d->age = ++s->disks_ever;
    if (s->started && start_commits(s, d)) {
        free(d);
        return -ENOMEM;
    }
    s->disks[s->disk_count++] = d;
    *out = d;
    return 0;
}

static int find_port(struct server *s, const char *ifname,
                     struct target_port **out)
{
    struct target_port **grown;
    int err;

    for (unsigned i = 0; i < s->port_count; i++)
        if (!s->ports[i]->stopped && strcmp(s->ports[i]->ifname, ifname) == 0) {
            *out = s->ports[i];
            return 0;
        }
    grown = reallocarray(s->ports, s->port_count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    s->ports = grown;
    err = port_new(&grown[s->port_count], &s->port_host, ifname);
    if (err)
        return err;
    *out = grown[s->port_count++];
    return 0;
}

int server_serve(struct server *s, struct disk *d, const char *ifname)
{
    struct target_port *p;
    int err = find_port(s, ifname, &p);

    if (!err)
        err = port_attach(p, d);
    if (!err && s->started)
        port_announce(p, d);
    return err;
}

enum { NAMES_SIZE = 256 };

static void add_name(void *arg, const char *ifname)
{
    char *names = arg;
    size_t used = strlen(names);

    snprintf(names + used, NAMES_SIZE - used, "%s%s", used ? ", " : "", ifname);
}

static void explain(const char *ifname, const char *backend, int err)
{
    char names[NAMES_SIZE] = "";

    switch (err) {
    case -ENODEV:
        link_candidates(add_name, names);
        log_error("%s: no such interface; there %s: %s", ifname,
                  strchr(names, ',') ? "are" : "is",
                  names[0] ? names : "none that is up");
        break;
    case -EPERM:
    case -EACCES:
        log_error("%s: raw sockets are not permitted; run as root, or give "
                  "the program CAP_NET_RAW (setcap cap_net_raw+ep)",
                  ifname);
        break;
    case -ENOTSUP:
        if (backend)
            log_error("%s: not an Ethernet interface, or this build lacks "
                      "--link %s",
                      ifname, backend);
        else
            log_error("%s: not an Ethernet interface", ifname);
        break;
    default:
        log_error("%s: opening the interface: %s", ifname, strerror(-err));
    }
}

static int open_port(struct server *s, struct target_port *p,
                     struct link_options o)
{
    struct link *l;
    int err;

    o.backend = s->options.backend;
    err = s->options.link_open(&l, p->ifname, &o);
    if (err) {
        explain(p->ifname, o.backend, err);
        return err;
    }
    if (!l->up)
        log_info("%s: interface is down; waiting for it", p->ifname);
    port_start(p, l);
    return 0;
}

int server_start(struct server *s)
{
    uint64_t now = loop_now(s->loop);
    int err = 0;

    for (unsigned i = 0; i < s->port_count && !err; i++) {
        struct link_options o;

        port_link_options(s->ports[i], &o);
        err = open_port(s, s->ports[i], o);
    }
    if (err)
        return err;
    /* Without it a change is seen a little later. */
    if (netwatch_open(&s->netwatch, s->loop, look_at_ports, s))
        s->netwatch = NULL;
    err = loop_timer_set(s->loop, &s->refresh, now + REFRESH_NS);
    for (unsigned i = 0; i < s->disk_count && !err; i++)
        err = start_commits(s, s->disks[i]);
    if (err)
        log_error("starting: %s", strerror(-err));
    s->started = !err;
    return err;
}

int server_open_port(struct server *s, const char *ifname, unsigned requests,
                     bool direct)
{
    unsigned before = s->port_count;
    struct link_options o;
    struct target_port *p;
    int err = find_port(s, ifname, &p);

    if (err)
        log_error("%s: %s", ifname, strerror(-err));
    if (err || s->port_count == before)
        return err;
    port_link_options(p, &o);
    o.rx_frames = port_frames(requests);
    if (direct)
        o.align = DIRECT_ALIGN;
    err = open_port(s, p, o);
    if (err) {
        port_free(p);
        s->port_count--;
    }
    return err;
}

bool server_stopping(const struct server *s)
{
    return s->stopping;
}

bool server_idle(const struct server *s)
{
    bool busy = false;

    for (unsigned i = 0; i < s->disk_count; i++)
        busy |= s->disks[i]->committing || s->disks[i]->in_flight > 0;
    return !busy;
}

void server_stop(struct server *s)
{
    if (s->stopping) {
        log_error("stopped before everything was written to disk");
        loop_stop(s->loop, EXIT_FAILED);
        return;
    }
    s->stopping = true;
    for (unsigned i = 0; i < s->port_count; i++)
        port_stop(s->ports[i]);
    loop_timer_set(s->loop, &s->drain, loop_now(s->loop) + DRAIN_NS);
    loop_task_queue(s->loop, &s->settle);
}

/* ---- looking ------------------------------------------------------------ */

struct disk *const *server_disks(const struct server *s, unsigned *count)
{
    *count = s->disk_count;
    return s->disks;
}

struct target_port *const *server_ports(const struct server *s, unsigned *count)
{
    *count = s->port_count;
    return s->ports;
}
