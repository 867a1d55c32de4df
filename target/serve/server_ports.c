/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ports of a server: its network interfaces, as they are needed.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "target/serve/server_parts.h"

/* The alignment that most disks need for direct I/O; the storage of an
 * interface's first disk may not be open yet. */
enum { DIRECT_ALIGN = 512 };

/* ---- their links -------------------------------------------------------- */

enum { NAMES_SIZE = 256 };

static void add_name(void *arg, const char *ifname)
{
    char *names = arg;
    size_t used = strlen(names);

    snprintf(names + used, NAMES_SIZE - used, "%s%s", used ? ", " : "", ifname);
}

static void explain(const char *ifname, const struct link_options *o, int err)
{
    const char *backend = o->backend,
               *then = o->absent ? "; waiting for it" : "";
    char names[NAMES_SIZE] = "";

    switch (err) {
    case -ENODEV:
        link_candidates(add_name, names);
        log_error("%s: no such interface; there %s: %s%s", ifname,
                  strchr(names, ',') ? "are" : "is",
                  names[0] ? names : "none that is up", then);
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
                      "--link %s%s",
                      ifname, backend, then);
        else
            log_error("%s: not an Ethernet interface%s", ifname, then);
        break;
    default:
        log_error("%s: opening the interface: %s", ifname, strerror(-err));
    }
}

int server_open_link(struct server *s, struct target_port *p,
                     struct link_options o)
{
    bool waits = o.absent;
    struct link *l;
    int err;

    o.backend = s->options.backend;
    o.absent = false;
    err = s->options.link_open(&l, p->ifname, &o);
    if (err) {
        o.absent = waits && (err == -ENODEV || err == -ENOTSUP);
        explain(p->ifname, &o, err);
        if (!o.absent || s->options.link_open(&l, p->ifname, &o))
            return err;
    } else if (!l->up)
        log_info("%s: interface is down; waiting for it", p->ifname);
    port_start(p, l);
    return 0;
}

/* ---- they come and go --------------------------------------------------- */

static struct target_port *open_port(const struct server *s, const char *ifname)
{
    for (unsigned i = 0; i < s->port_count; i++)
        if (!s->ports[i]->stopped && strcmp(s->ports[i]->ifname, ifname) == 0)
            return s->ports[i];
    return NULL;
}

static int find_port(struct server *s, const char *ifname,
                     struct target_port **out)
{
    struct target_port **grown;
    int err;

    *out = open_port(s, ifname);
    if (*out)
        return 0;
    grown = array_resize(s->ports, s->port_count + 1, sizeof *grown);
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

    /* On a running server, server_open_port was called first. */
    assert(err || !s->started || p->link);
    if (!err)
        err = port_attach(p, d);
    if (!err && s->started)
        port_announce(p, d);
    return err;
}

int server_open_port(struct server *s, const char *ifname,
                     const struct port_needs *needs)
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
    o.rx_frames = port_frames(needs->requests);
    if (needs->direct)
        o.align = DIRECT_ALIGN;
    o.absent = needs->absent;
    err = server_open_link(s, p, o);
    if (err) {
        port_free(p);
        s->port_count--;
    }
    return err;
}

void server_hold(struct server *s, const char *ifname)
{
    struct target_port *p = open_port(s, ifname);

    if (p)
        port_hold(p);
}

void server_release(struct server *s, const char *ifname)
{
    struct target_port *p = open_port(s, ifname);

    if (p)
        port_release_held(p);
}

bool server_up(const struct server *s, const char *ifname)
{
    const struct target_port *p = open_port(s, ifname);

    return p && p->link && p->link->up;
}

void server_withdraw(struct server *s, struct disk *d, const char *ifname)
{
    struct target_port *p = open_port(s, ifname);

    if (p)
        port_detach(p, d);
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

void server_drop_ports(struct server *s)
{
    s->ports_leaving = false;
    for (unsigned i = s->port_count; i-- > 0;) {
        struct target_port *p = s->ports[i];

        if (!p->stopped)
            continue;
        assert(p->disk_count == 0 || s->stopping);
        if (p->active > 0) {
            s->ports_leaving = true;
            continue;
        }
        port_free(p);
        s->ports[i] = s->ports[--s->port_count];
    }
}

/* ---- looking ------------------------------------------------------------ */

void server_refresh_ports(void *server)
{
    struct server *s = server;

    for (unsigned i = 0; i < s->port_count; i++)
        port_refresh(s->ports[i]);
}

unsigned server_active(const struct server *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->port_count; i++)
        n += s->ports[i]->active;
    return n;
}

struct target_port *const *server_ports(const struct server *s, unsigned *count)
{
    *count = s->port_count;
    return s->ports;
}
