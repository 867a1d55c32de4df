/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The exports that are served, each with the configuration it came from.
 */
#include "target/exports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* An export and the disk it became. */
struct entry {
    struct export_config config;
    struct disk *disk;
    struct list link; /* in `serving` */
};

struct exports {
    struct exports_options options;
    struct list serving;
};

static struct entry *entry_of(struct list *node)
{
    return list_entry(node, struct entry, link);
}

static void entry_free(struct entry *e)
{
    list_remove(&e->link);
    export_config_free(&e->config);
    free(e);
}

/* Takes over what is in `c`. */
static struct entry *entry_new(struct export_config *c)
{
    struct entry *e = calloc(1, sizeof *e);

    if (!e) {
        log_error("%s: %s", c->path, strerror(ENOMEM));
        return NULL;
    }
    e->config = *c;
    *c = (struct export_config){0};
    return e;
}

/* Opens the storage and makes it a disk of the server's. */
static int entry_open(struct exports *x, struct entry *e)
{
    struct export description;
    struct store *store;
    int err = x->options.open(x->options.arg, &e->config, &description, &store);

    if (err)
        return err;
    err = server_add_disk(x->options.server, &description, store, &e->disk);
    if (err) {
        log_error("%s: %s", e->config.path, strerror(-err));
        store_close(store);
    }
    return err;
}

static int entry_serve(struct exports *x, struct entry *e)
{
    for (unsigned i = 0; i < e->config.interface_count; i++) {
        const char *ifname = e->config.interfaces[i];
        int err = server_serve(x->options.server, e->disk, ifname);

        if (err) {
            log_error("%s: %s", ifname, strerror(-err));
            return err;
        }
    }
    list_append(&x->serving, &e->link);
    return 0;
}

static void say_serving(const struct entry *e)
{
    char names[1024] = "";
    size_t used = 0;

    for (unsigned i = 0; i < e->config.interface_count && used < sizeof names;
         i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                 i ? ", " : "", e->config.interfaces[i]);
    log_info("%s: serving %s (%llu bytes) on %s", e->disk->name, e->config.path,
             (unsigned long long)e->disk->store->size, names);
}

static int start_one(struct exports *x, struct export_config *c)
{
    struct entry *e = entry_new(c);
    int err = e ? entry_open(x, e) : -ENOMEM;

    if (!err)
        err = entry_serve(x, e);
    if (err && e)
        entry_free(e);
    return err;
}

int exports_start(struct exports *x, struct config *c)
{
    int err = 0;

    for (unsigned i = 0; i < c->count && !err; i++)
        err = start_one(x, &c->exports[i]);
    config_free(c);
    if (!err)
        err = server_start(x->options.server);
    if (err)
        return err;
    list_each(it, &x->serving)
        say_serving(entry_of(it));
    return 0;
}

int exports_open(struct exports **out, const struct exports_options *o)
{
    struct exports *x = calloc(1, sizeof *x);

    if (!x)
        return -ENOMEM;
    x->options = *o;
    list_init(&x->serving);
    *out = x;
    return 0;
}

void exports_close(struct exports *x)
{
    if (!x)
        return;
    list_each(it, &x->serving)
        entry_free(entry_of(it));
    free(x);
}
