/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The exports that are served, each with the configuration it came from.
 */
#include "target/serve/exports_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "target/serve/boot.h"

void entry_free(struct entry *e)
{
    list_remove(&e->link);
    epochs_fini(&e->epochs);
    exports_here_release(e->exports, e);
    export_config_free(&e->config);
    free(e->before);
    free(e);
}

struct entry *entry_new(struct exports *x, struct export_config *c)
{
    struct entry *e = calloc(1, sizeof *e);

    if (!e) {
        log_error("%s: %s", c->path, strerror(ENOMEM));
        return NULL;
    }
    e->exports = x;
    epochs_init(&e->epochs);
    e->config = *c;
    *c = (struct export_config){0};
    return e;
}

/* What clients have set stays when the owner changes something else. */
static void inherit(struct export *to, const struct entry *e)
{
    export_set_config(to, e->before->config, e->before->config_len);
    to->reserve = e->before->reserve;
    if (e->keep_mask)
        to->mask = e->before->mask;
}

int entry_open(struct exports *x, struct entry *e)
{
    struct keeper *keeper = NULL;
    struct boot *boot = NULL;
    struct export description;
    struct store *store;
    int err =
        x->options.open(x->options.arg, &e->config,
                        exports_dial_take(x, &e->config), &description, &store);

    if (err)
        return err;
    /* The keeper must see the mask list that the owner gave. */
    if (x->options.state_dir)
        err = keeper_open(&keeper, x->options.state_dir, &description,
                          x->options.workers);
    if (!err && e->before)
        inherit(&description, e);
    if (!err) {
        boot = boot_begin(x->options.boot_dir, &description);
        err = server_add_disk(x->options.server, &description, store, &e->disk);
        if (err)
            log_error("%s: %s", e->config.path, strerror(-err));
    }
    if (err) {
        boot_end(boot, &description, true);
        keeper_close(keeper);
        store_close(store);
        return err;
    }
    e->disk->keeper = keeper;
    e->disk->boot = boot;
    return 0;
}

/* The clients of a disk of this address have not heard yet of a loss: their
 * next flush tells them, though the disk was opened anew. */
static void inherit_loss(struct exports *x, struct disk *d)
{
    list_each(it, &x->gone)
        if (aoe_addr_equal(entry_of(it)->config.addr, d->export.addr)) {
            epochs_inherit(&d->epochs, &entry_of(it)->epochs);
            entry_free(entry_of(it));
        }
}

int entry_serve(struct exports *x, struct entry *e)
{
    e->state = ENTRY_SERVED;
    exports_here_take(x, e);
    for (unsigned i = 0; i < e->config.interface_count; i++) {
        const char *ifname = e->config.interfaces[i];
        int err = server_serve(x->options.server, e->disk, ifname);

        if (err) {
            log_error("%s: %s", ifname, strerror(-err));
            return err;
        }
    }
    inherit_loss(x, e->disk);
    return 0;
}

static void put_interfaces(const struct entry *e, FILE *out)
{
    for (unsigned i = 0; i < e->config.interface_count; i++)
        fprintf(out, "%s%s", i ? "," : "", e->config.interfaces[i]);
}

static const char *remark(const struct entry *e)
{
    if (e->leaving)
        return " (stopping)";
    if (e->state == ENTRY_ASKING && !e->again)
        return " (looking for another disk of the address)";
    if (e->state == ENTRY_ASKING || e->state == ENTRY_REFUSED)
        return " (refused: another disk has the address)";
    return "";
}

void exports_print(const struct exports *x, FILE *out)
{
    for (struct list *it = x->serving.next; it != &x->serving; it = it->next) {
        const struct entry *e = entry_of(it);

        fprintf(out, "%s\t%llu\t", e->disk->name,
                (unsigned long long)e->disk->store->size);
        put_interfaces(e, out);
        fprintf(out, "\t%s%s\n", e->config.path, remark(e));
    }
}

void entry_say(const struct entry *e)
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

static int open_one(struct exports *x, struct export_config *c)
{
    struct entry *e = entry_new(x, c);
    int err;

    if (!e)
        return -ENOMEM;
    err = entry_open(x, e);
    if (err) {
        entry_free(e);
        return err;
    }
    e->state = e->config.force_address ? ENTRY_FREE : ENTRY_ASKING;
    e->keep = true;
    list_append(&x->serving, &e->link);
    return 0;
}

static int serve_free(struct exports *x)
{
    bool none = !list_empty(&x->serving);

    list_each(it, &x->serving) {
        int err = 0;

        if (entry_of(it)->state == ENTRY_FREE)
            err = entry_serve(x, entry_of(it));
        if (err)
            return err;
        none &= entry_of(it)->state != ENTRY_SERVED;
    }
    return none ? -EADDRINUSE : 0;
}

int exports_start(struct exports *x, struct config *c)
{
    int err = 0;

    for (unsigned i = 0; i < c->count && !err; i++)
        err = open_one(x, &c->exports[i]);
    config_free(c);
    if (!err)
        err = exports_look(x);
    x->options.wait_until = 0;
    if (!err)
        err = serve_free(x);
    if (!err)
        err = server_start(x->options.server);
    if (err)
        return err;
    list_each(it, &x->serving)
        if (entry_of(it)->state == ENTRY_SERVED)
            entry_say(entry_of(it));
    exports_again(x);
    exports_watch(x);
    return 0;
}

int exports_open(struct exports **out, const struct exports_options *o)
{
    struct exports *x = calloc(1, sizeof *x);

    if (!x)
        return -ENOMEM;
    x->options = *o;
    list_init(&x->serving);
    list_init(&x->waiting);
    list_init(&x->gone);
    list_init(&x->waits);
    address_lock_open(&x->addresses);
    exports_dial_init(x);
    *out = x;
    return 0;
}

void exports_close(struct exports *x)
{
    if (!x)
        return;
    loop_timer_cancel(x->options.loop, &x->again);
    loop_timer_cancel(x->options.loop, &x->back);
    exports_look_forget(x);
    exports_dial_forget(x);
    config_free(&x->next);
    list_splice(&x->serving, &x->waiting);
    list_splice(&x->serving, &x->gone);
    list_each(it, &x->serving)
        entry_free(entry_of(it));
    address_lock_close(&x->addresses);
    free(x);
}
