/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Connections to the NBD servers that a reload needs: made before anything is
 * changed, and without blocking.  A server may take long to answer, and the
 * disks that are served must not wait for it.
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

/* In a task: the connection is still on the stack. */
static void over(void *arg)
{
    struct dial *d = arg;
    struct exports *x = d->exports;

    log_debug("%s: the attempt to connect has ended", d->uri);
    loop_task_queue(x->options.loop, &x->dialled);
}

void exports_dial_begin(struct exports *x, const struct export_config *c)
{
    struct dial *d;

    if (!store_nbd_uri(c->path) || find(x, c))
        return;
    /* Without memory there is no dial, and opening the export blocks. */
    d = calloc(1, sizeof *d);
    if (!d)
        return;
    d->exports = x;
    d->addr = c->addr;
    d->uri = strdup(c->path);
    if (!d->uri ||
        store_nbd_dial(&d->connection, c->path, x->options.loop, over, d)) {
        free(d->uri);
        free(d);
        return;
    }
    log_debug("%s: connecting", c->path);
    list_append(&x->dials, &d->link);
}

bool exports_dial_over(struct exports *x, const struct export_config *c)
{
    const struct dial *d = find(x, c);

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

void exports_dial_init(struct exports *x, void (*dialled)(void *arg))
{
    list_init(&x->dials);
    x->dialled = (struct loop_task){.run = dialled, .arg = x};
}
