/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The exports that are served: opening, the start, listing, and the end.
 */
#include "target/serve/exports.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "target/serve/exports_parts.h"

/* ---- the list ----------------------------------------------------------- */

static void put_interfaces(const struct entry *e, FILE *out)
{
    for (unsigned i = 0; i < e->config.interface_count; i++)
        fprintf(out, "%s%s", i ? "," : "", e->config.interfaces[i]);
}

static const char *remark(const struct entry *e)
{
    if (e->leaving)
        return " (stopping)";
    if (entry_refused(e))
        return " (refused: another disk has the address)";
    if (e->state == ENTRY_CHECKING)
        return " (checking for another disk with the address)";
    if (e->disk->store->gone)
        return " (the device is gone)";
    if (e->apart)
        return " (not on all of them: another disk has the address there)";
    return "";
}

static void print_missing(const struct list *entries, FILE *out)
{
    for (struct list *it = entries->next; it != entries; it = it->next) {
        const struct entry *e = entry_of(it);
        char name[AOE_ADDR_TEXT];

        fprintf(out, "%s\t0\t", aoe_addr_format(name, e->config.addr));
        put_interfaces(e, out);
        fprintf(out, "\t%s (not served%s%s)\n", e->config.path,
                e->why[0] ? ": " : "", e->why);
    }
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
    print_missing(&x->waiting, out);
    print_missing(&x->absent, out);
}

static bool in_order(const struct entry *e)
{
    return e->disk && !*remark(e);
}

void exports_trouble(const struct exports *x, FILE *out)
{
    const struct list *const lists[] = {&x->serving, &x->waiting, &x->absent};
    unsigned wrong = 0, all = 0;
    char name[AOE_ADDR_TEXT];

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (struct list *it = lists[i]->next; it != lists[i]; it = it->next) {
            all++;
            wrong += !in_order(entry_of(it));
        }
    if (!wrong)
        return;
    fprintf(out, "%u of %u disks not served as wanted:", wrong, all);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (struct list *it = lists[i]->next; it != lists[i]; it = it->next)
            if (!in_order(entry_of(it)))
                fprintf(out, " %s",
                        aoe_addr_format(name, entry_of(it)->config.addr));
}

/* ---- start and end ------------------------------------------------------ */

static int open_one(struct exports *x, struct export_config *c)
{
    struct entry *e = entry_new(x, c);
    int err;

    if (!e)
        return -ENOMEM;
    e->expected = x->options.waits;
    err = e->expected ? entry_try(x, e) : entry_open(x, e);
    if (err && e->expected) {
        exports_absent_add(x, e);
        return 0;
    }
    if (err) {
        entry_free(e);
        return err;
    }
    entry_join(x, e, !e->config.force_address);
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
    if (!list_empty(&x->absent) ||
        (x->options.waits && x->options.take_over_ns))
        return 0; /* there is something to wait for */
    return none ? -EADDRINUSE : 0;
}

/* Now, while we may: later, privileges may have been dropped. */
static int open_ports_for_absent(struct exports *x)
{
    int err = 0;

    list_each(it, &x->absent)
        if (!err)
            err = exports_open_ports(x, &x->absent, entry_of(it));
    return err;
}

int exports_start(struct exports *x, struct config *c)
{
    int err = 0;

    assert(list_empty(&x->serving));
    for (unsigned i = 0; i < c->count && !err; i++)
        err = open_one(x, &c->exports[i]);
    config_free(c);
    if (!err)
        err = exports_check(x);
    x->options.wait_until = 0;
    if (!err)
        err = serve_free(x);
    if (!err)
        err = server_start(x->options.server);
    if (!err)
        err = open_ports_for_absent(x);
    if (err)
        return err;
    list_each(it, &x->serving)
        if (entry_of(it)->state == ENTRY_SERVED)
            entry_say(entry_of(it));
    exports_step(x);
    exports_watch(x);
    return 0;
}

int exports_open(struct exports **out, const struct exports_options *o)
{
    struct exports *x = calloc(1, sizeof *x);

    assert(o->open && o->server && o->loop && o->duplicates.link_open);
    if (!x)
        return -ENOMEM;
    x->options = *o;
    list_init(&x->serving);
    list_init(&x->waiting);
    list_init(&x->absent);
    list_init(&x->gone);
    list_init(&x->waits);
    address_lock_open(&x->addresses);
    exports_dial_init(x, exports_reload_dialled);
    exports_late_init(x);
    *out = x;
    return 0;
}

void exports_close(struct exports *x)
{
    if (!x)
        return;
    loop_timer_cancel(x->options.loop, &x->take_over);
    loop_timer_cancel(x->options.loop, &x->reopen);
    loop_timer_cancel(x->options.loop, &x->retry);
    exports_check_forget(x);
    exports_late_forget(x);
    exports_dial_forget(x);
    config_free(&x->next);
    list_splice(&x->serving, &x->waiting);
    list_splice(&x->serving, &x->absent);
    list_splice(&x->serving, &x->gone);
    list_each(it, &x->serving)
        entry_free(entry_of(it));
    address_lock_close(&x->addresses);
    free(x);
}
