/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What holds disks and ports together: turns, timers, start and stop.
 */
#include "target/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/options.h"

/* How often interfaces are looked at, and how long a full transmit queue may
 * keep the last replies when we stop. */
#define REFRESH_NS NS_PER_S
#define DRAIN_NS   (5 * NS_PER_S)

struct server {
    struct loop *loop;
    struct server_options options;

    struct disk **disks;
    unsigned disk_count;
    struct port **ports;
    unsigned port_count;

    struct list touched_disks, touched_ports;
    struct loop_task settle;
    struct loop_timer refresh, drain;

    bool stopping;
    bool late; /* replies that nobody takes are given up */
    struct link_out out[LINK_BATCH];
};

struct loop *server_loop(struct server *s)
{
    return s->loop;
}

struct link_out *server_link_out(struct server *s)
{
    return s->out;
}

/* ---- turns ----------------------------------------------------------------
 */

void server_touch_disk(struct server *s, struct disk *d)
{
    if (!list_linked(&d->touched))
        list_append(&s->touched_disks, &d->touched);
    loop_task_queue(s->loop, &s->settle);
}

void server_touch_port(struct server *s, struct port *p)
{
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
        lost |= s->disks[i]->lost;
    }
    if (server_idle(s))
        loop_stop(s->loop, lost ? EXIT_FAILED : EXIT_DONE);
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
            port_settle(list_entry(node, struct port, touched));
        } else {
            break;
        }
    }
    if (s->stopping)
        finish(s);
}

static void settle(void *arg)
{
    server_settle(arg);
}

void server_commit_done(struct server *s)
{
    loop_task_queue(s->loop, &s->settle);
}

/* ---- timers ---------------------------------------------------------------
 */

/* Running out of memory for a timer that was set before does not happen: its
 * place in the heap was just given back. */
static void refresh(void *arg)
{
    struct server *s = arg;

    for (unsigned i = 0; i < s->port_count; i++)
        port_refresh(s->ports[i]);
    loop_timer_set(s->loop, &s->refresh, loop_now(s->loop) + REFRESH_NS);
}

/* Linux's aoe driver never flushes; so that a power cut costs seconds of work
 * and not minutes, we do (doc/safety.md). */
static void commit(void *arg)
{
    struct disk *d = arg;
    struct loop *loop = d->server->loop;

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

/* ---- start and stop -------------------------------------------------------
 */

int server_open(struct server **out, struct loop *loop,
                const struct server_options *o)
{
    struct server *s = calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->options = *o;
    list_init(&s->touched_disks);
    list_init(&s->touched_ports);
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
    loop_timer_cancel(s->loop, &s->refresh);
    loop_timer_cancel(s->loop, &s->drain);
    loop_task_cancel(&s->settle);
    for (unsigned i = 0; i < s->port_count; i++)
        port_free(s->ports[i]);
    for (unsigned i = 0; i < s->disk_count; i++) {
        loop_timer_cancel(s->loop, &s->disks[i]->commit_timer);
        disk_fini(s->disks[i]);
        free(s->disks[i]);
    }
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
    disk_init(d, s, e, store);
    s->disks[s->disk_count++] = d;
    *out = d;
    return 0;
}

static int find_port(struct server *s, const char *ifname, struct port **out)
{
    struct port **grown;
    int err;

    for (unsigned i = 0; i < s->port_count; i++)
        if (strcmp(s->ports[i]->ifname, ifname) == 0) {
            *out = s->ports[i];
            return 0;
        }
    grown = reallocarray(s->ports, s->port_count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    s->ports = grown;
    err = port_new(&grown[s->port_count], s, ifname);
    if (err)
        return err;
    *out = grown[s->port_count++];
    return 0;
}

int server_serve(struct server *s, struct disk *d, const char *ifname)
{
    struct port *p;
    int err = find_port(s, ifname, &p);

    return err ? err : port_attach(p, d);
}

enum { NAMES_ROOM = 256 };

static void add_name(void *arg, const char *ifname)
{
    char *names = arg;
    size_t used = strlen(names);

    snprintf(names + used, NAMES_ROOM - used, "%s%s", used ? ", " : "", ifname);
}

static void explain(const char *ifname, const char *backend, int err)
{
    char names[NAMES_ROOM] = "";

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

static int open_port(struct server *s, struct port *p)
{
    struct link_options o;
    struct link *l;
    int err;

    port_link_options(p, &o);
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

    for (unsigned i = 0; i < s->port_count && !err; i++)
        err = open_port(s, s->ports[i]);
    if (err)
        return err;
    err = loop_timer_set(s->loop, &s->refresh, now + REFRESH_NS);
    for (unsigned i = 0; i < s->disk_count && !err; i++)
        err = start_commits(s, s->disks[i]);
    if (err)
        log_error("starting: %s", strerror(-err));
    return err;
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

/* ---- counters -------------------------------------------------------------
 */

static void report(const char *name, const char *const *names,
                   const uint64_t *counts, unsigned n)
{
    char line[900];
    size_t used = 0;

    for (unsigned i = 0; i < n && used < sizeof line; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, " %s=%llu",
                                 names[i], (unsigned long long)counts[i]);
    log_info("%s:%s", name, line);
}

void server_report(const struct server *s)
{
    for (unsigned i = 0; i < s->disk_count; i++)
        report(s->disks[i]->name, export_counter_names,
               s->disks[i]->export.counts, EXPORT_COUNTERS);
    for (unsigned i = 0; i < s->port_count; i++) {
        const struct port *p = s->ports[i];
        const char *names[PORT_COUNTERS + 6];
        uint64_t counts[PORT_COUNTERS + 6];

        names[0] = "rx_frames", counts[0] = p->link->rx_frames;
        names[1] = "rx_bytes", counts[1] = p->link->rx_bytes;
        names[2] = "tx_frames", counts[2] = p->link->tx_frames;
        names[3] = "tx_bytes", counts[3] = p->link->tx_bytes;
        names[4] = "rx_drops", counts[4] = p->link->rx_drops;
        names[5] = "tx_errors", counts[5] = p->link->tx_errors;
        memcpy(names + 6, port_counter_names, sizeof port_counter_names);
        memcpy(counts + 6, p->counts, sizeof p->counts);
        report(p->ifname, names, counts, PORT_COUNTERS + 6);
    }
}
