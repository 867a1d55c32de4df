/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Servers on the network that a reload brings are connected to before anything
 * is changed, and without anyone waiting: a server may take long to answer, and
 * the disks that are served go on meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "target/serve/exports_parts.h"
#include "target/store/store_nbd.h"

/* For one export of a configuration. */
struct dial {
    struct exports *exports;
    struct aoe_addr addr;
    char *uri;
    struct store_nbd_dial *connection;
    struct list link;
};

static struct dial *dial_of(struct list *node)
{
    return list_entry(node, struct dial, link);
}

static struct dial *find(struct exports *x, const struct export_config *c)
{
    list_each(it, &x->dials) {
        struct dial *d = dial_of(it);

        if (aoe_addr_equal(d->addr, c->addr) && strcmp(d->uri, c->path) == 0)
            return d;
    }
    return NULL;
}

static void dial_free(struct dial *d)
{
    list_remove(&d->link);
    store_nbd_hang_up(d->connection);
    free(d->uri);
    free(d);
}

/* In a task: the connection is still at work further up the stack. */
static void over(void *arg)
{
    struct dial *d = arg;
    struct exports *x = d->exports;

    loop_task_queue(x->options.loop, &x->dialled);
}

/* Without memory there is no dial, and the server is waited for. */
static struct dial *begin(struct exports *x, const struct export_config *c)
{
    struct dial *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->exports = x;
    d->addr = c->addr;
    d->uri = strdup(c->path);
    if (!d->uri ||
        store_nbd_dial(&d->connection, c->path, x->options.loop, over, d)) {
        free(d->uri);
        free(d);
        return NULL;
    }
    list_append(&x->dials, &d->link);
    return d;
}

bool exports_dialled(struct exports *x, const struct export_config *c)
{
    struct dial *d;

    if (!store_nbd_uri(c->path))
        return true;
    d = find(x, c);
    if (!d)
        d = begin(x, c);
    return !d || !d->connection || store_nbd_dialled(d->connection);
}

struct store_nbd_dial *exports_dial_take(struct exports *x,
                                         const struct export_config *c)
{
    struct dial *d = find(x, c);
    struct store_nbd_dial *connection = NULL;

    if (!d)
        return NULL;
    if (d->connection && store_nbd_dialled(d->connection)) {
        connection = d->connection;
        d->connection = NULL;
    }
    dial_free(d);
    return connection;
}

static bool wanted(struct exports *x, const struct dial *d)
{
    list_each(it, &x->waiting) {
        const struct export_config *c = &entry_of(it)->config;

        if (aoe_addr_equal(d->addr, c->addr) && strcmp(d->uri, c->path) == 0)
            return true;
    }
    return false;
}

void exports_dial_tidy(struct exports *x)
{
    list_each(it, &x->dials)
        if (!wanted(x, dial_of(it)))
            dial_free(dial_of(it));
}

void exports_dial_forget(struct exports *x)
{
    loop_task_cancel(&x->dialled);
    list_each(it, &x->dials)
        dial_free(dial_of(it));
}

/* ---- reloads that wait -------------------------------------------------- */

static bool stays(const struct entry *e, const struct config *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (export_config_equal(&e->config, &c->exports[i]))
            return !e->leaving;
    return false;
}

/* Whether it is served as it is, or what it takes the place of is still served:
 * a server may allow one connection at a time. */
static bool not_yet(struct exports *x, const struct config *c,
                    const struct export_config *new)
{
    list_each(it, &x->serving) {
        const struct entry *e = entry_of(it);

        if ((aoe_addr_equal(e->config.addr, new->addr) ||
             strcmp(e->config.path, new->path) == 0) &&
            (!stays(e, c) || export_config_equal(&e->config, new)))
            return true;
    }
    return false;
}

/* Whether no server has to be waited for. */
static bool all_dialled(struct exports *x, const struct config *c)
{
    bool all = true;

    for (unsigned i = 0; i < c->count; i++) {
        const struct export_config *new = &c->exports[i];

        if (store_nbd_uri(new->path) && !not_yet(x, c, new))
            all &= exports_dialled(x, new);
    }
    return all;
}

/* For those who wait for a reload that came to nothing later. */
static void fail(struct exports *x)
{
    x->failed = true;
    exports_go_on(x);
}

int exports_reload(struct exports *x, struct config *c)
{
    bool replaces = x->dialling;
    int err;

    config_free(&x->next);
    x->dialling = !server_stopping(x->options.server) && !all_dialled(x, c);
    if (x->dialling) {
        x->next = *c;
        *c = (struct config){0};
        return 0;
    }
    err = exports_reload_now(x, c);
    if (err && replaces)
        fail(x);
    return err;
}

static void dial_over(void *arg)
{
    struct exports *x = arg;

    if (server_stopping(x->options.server))
        return;
    if (!x->dialling) {
        exports_go_on(x);
    } else if (all_dialled(x, &x->next)) {
        x->dialling = false;
        if (exports_reload_now(x, &x->next))
            fail(x);
    }
}

void exports_dial_init(struct exports *x)
{
    list_init(&x->dials);
    x->dialled = (struct loop_task){.run = dial_over, .arg = x};
}
