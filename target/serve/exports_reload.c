/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From what is served to what another configuration says: first a plan, then
 * everything that can fail is tried; only then is anything changed.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/serve/exports_parts.h"
#include "target/serve/reload_plan.h"
#include "target/store/store_nbd.h"

/* A reload in progress. */
struct reload {
    struct exports *x;
    struct config *config;
    struct entry **entries;      /* what is served now, in its order */
    struct plan_export *current; /* the same for the plan */
    unsigned count;
    struct reload_plan plan;
    struct list fresh; /* entries for what is opened, in the plan's order */
};

/* ---- the plan ----------------------------------------------------------- */

static bool in_config(const struct config *c, const struct export_config *e)
{
    for (unsigned i = 0; i < c->count; i++)
        if (export_config_equal(e, &c->exports[i]))
            return true;
    return false;
}

static int gather(struct reload *r)
{
    struct exports *x = r->x;
    unsigned count = 0;

    list_each(it, &x->serving)
        count++;
    r->entries = calloc(count + 1, sizeof(struct entry *));
    r->current = calloc(count + 1, sizeof *r->current);
    if (!r->entries || !r->current)
        return -ENOMEM;
    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        r->current[r->count].config = &e->config;
        r->current[r->count].closing = e->leaving;
        /* Checked only when it matters: the check may log something. */
        if (!e->leaving && in_config(r->config, &e->config))
            r->current[r->count].storage_changed = storage_changed(e);
        r->entries[r->count++] = e;
    }
    return 0;
}

/* Entries for what is new or changed. */
static int add_fresh(struct reload *r)
{
    for (unsigned i = 0; i < r->config->count; i++) {
        const struct plan_step *s = &r->plan.steps[i];
        const struct entry *absent;
        struct entry *e;

        if (s->action == PLAN_KEEP)
            continue;
        absent = exports_absent_find(r->x, &r->config->exports[s->wanted]);
        e = entry_new(r->x, &r->config->exports[s->wanted]);
        if (!e)
            return -ENOMEM;
        e->expected = absent != NULL;
        if (s->action == PLAN_RECONFIGURE)
            e->replaces = r->entries[s->current];
        list_append(&r->fresh, &e->link);
    }
    return 0;
}

static void log_plan(const struct reload *r)
{
    for (unsigned i = 0; i < r->plan.count; i++) {
        const struct plan_step *s = &r->plan.steps[i];
        char name[AOE_ADDR_TEXT];

        log_debug(
            "reload: %s %s: %s", plan_action_text(s->action),
            aoe_addr_format(name, s->action == PLAN_CLOSE
                                      ? r->current[s->current].config->addr
                                      : r->config->exports[s->wanted].addr),
            plan_reason_text(s->reason));
    }
}

static int plan(struct reload *r)
{
    int err = gather(r);

    if (!err)
        err = reload_plan(&r->plan, r->current, r->count, r->config);
    if (err)
        return err;
    for (unsigned i = 0; i < r->count; i++)
        r->entries[i]->keep = false;
    for (unsigned i = 0; i < r->plan.count; i++)
        if (r->plan.steps[i].action == PLAN_KEEP)
            r->entries[r->plan.steps[i].current]->keep = true;
    log_plan(r);
    return add_fresh(r);
}

/* ---- trying ------------------------------------------------------------- */

/* What must be closed first can only be examined. */
static int prepare_one(struct reload *r, struct entry *e)
{
    int err = exports_open_ports(r->x, &r->fresh, e);

    if (err)
        return err;
    if (e->expected) {
        if (!exports_in_the_way(r->x, e))
            entry_try(r->x, e);
        return 0;
    }
    return exports_in_the_way(r->x, e) ? storage_try(&e->config)
                                       : entry_open(r->x, e);
}

/* What was refused may be served now, but its interfaces may be closed. */
static bool check_again(const struct entry *e)
{
    return e->keep && entry_refused(e);
}

static int prepare(struct reload *r)
{
    int err = 0;

    list_each(it, &r->fresh) {
        err = prepare_one(r, entry_of(it));
        if (err)
            return err;
    }
    for (unsigned i = 0; i < r->count && !err; i++)
        if (check_again(r->entries[i]))
            err = exports_open_ports(r->x, &r->fresh, r->entries[i]);
    return err;
}

/* Everything is as it was. */
static void undo(struct reload *r)
{
    for (unsigned i = 0; i < r->count; i++)
        r->entries[i]->keep = !r->entries[i]->leaving;
    list_each(it, &r->fresh)
        entry_discard(r->x, entry_of(it));
    exports_close_ports(r->x);
}

/* ---- applying ----------------------------------------------------------- */

static bool served_on(const struct entry *e, const char *ifname)
{
    for (unsigned i = 0; i < e->config.interface_count; i++)
        if (strcmp(e->config.interfaces[i], ifname) == 0)
            return e->state == ENTRY_SERVED;
    return false;
}

/* The state of a changed export before; without memory it starts afresh. */
static void remember(struct entry *e)
{
    const struct entry *old = e->replaces;

    e->replaces = NULL;
    if (!old)
        return;
    e->keep_mask = mac_list_equal(&old->config.allow, &e->config.allow);
    e->before = malloc(sizeof *e->before);
    if (!e->before)
        return;
    *e->before = old->disk->export;
    e->resumes = true;
    for (unsigned i = 0; i < e->config.interface_count; i++)
        e->resumes &= served_on(old, e->config.interfaces[i]);
    /* It is checked again, then. */
    e->resumes &= !old->unasked && !old->apart;
}

static void keep(struct entry *e, const struct export_config *c)
{
    e->config.force_file = c->force_file;
    e->config.force_address = c->force_address;
    if (e->apart)
        exports_late_again(e->exports, e);
    if (!check_again(e))
        return;
    entry_enter(e, c->force_address ? ENTRY_FREE : ENTRY_CHECKING);
    e->recheck = false;
}

static void close_one(struct exports *x, struct entry *e,
                      enum plan_reason reason)
{
    if (reason == PLAN_REMOVED && e->state == ENTRY_SERVED)
        log_info("%s: no longer served", e->disk->name);
    exports_leave(x, e);
}

static void apply(struct reload *r)
{
    struct exports *x = r->x;

    /* Those of an earlier configuration, which this one replaces. */
    list_splice(&x->waiting, &x->absent);
    list_each(it, &x->waiting)
        entry_free(entry_of(it));
    list_each(it, &r->fresh)
        remember(entry_of(it));
    for (unsigned i = 0; i < r->plan.count; i++) {
        const struct plan_step *s = &r->plan.steps[i];

        if (s->action == PLAN_KEEP)
            keep(r->entries[s->current], &r->config->exports[s->wanted]);
        else if (s->action == PLAN_CLOSE)
            close_one(x, r->entries[s->current], s->reason);
    }
    list_each(it, &r->fresh) {
        struct entry *e = entry_of(it);
        char name[AOE_ADDR_TEXT];

        list_remove(&e->link);
        if (e->disk) {
            entry_join(x, e, !e->config.force_address);
        } else if (e->why[0]) {
            exports_absent_add(x, e);
        } else {
            log_debug("%s: waits until what is in its way has closed",
                      aoe_addr_format(name, e->config.addr));
            list_append(&x->waiting, &e->link);
        }
    }
}

static void say(const struct reload_plan *p)
{
    log_info("reloaded: %u unchanged, %u changed, %u started, %u stopped",
             reload_plan_count(p, PLAN_KEEP),
             reload_plan_count(p, PLAN_RECONFIGURE),
             reload_plan_count(p, PLAN_OPEN), reload_plan_count(p, PLAN_CLOSE));
}

/* Once everything in `c` can be opened, or fail to open, without blocking. */
static int reload_now(struct exports *x, struct config *c)
{
    struct reload r = {.x = x, .config = c};
    int err;

    list_init(&r.fresh);
    err = server_stopping(x->options.server) ? -ESHUTDOWN : plan(&r);
    if (!err)
        err = prepare(&r);
    if (err) {
        undo(&r);
        log_error("reloading: nothing was changed");
    } else {
        x->reload = RELOAD_APPLIED;
        apply(&r);
        say(&r.plan);
        exports_step(x);
    }
    exports_dial_tidy(x);
    reload_plan_free(&r.plan);
    free(r.entries);
    free(r.current);
    config_free(c);
    return err;
}

/* ---- connecting first --------------------------------------------------- */

/* Whether it is served as it is, or what it replaces is still served: a server
 * may allow only one connection at a time. */
static bool connect_later(struct exports *x, const struct config *c,
                          const struct export_config *new)
{
    list_each(it, &x->serving) {
        const struct entry *e = entry_of(it);
        bool stays = !e->leaving && in_config(c, &e->config);

        if ((aoe_addr_equal(e->config.addr, new->addr) ||
             strcmp(e->config.path, new->path) == 0) &&
            (!stays || export_config_equal(&e->config, new)))
            return true;
    }
    return false;
}

/* Starts to connect to the servers of a configuration.  True: none has to be
 * waited for. */
static bool connect_all(struct exports *x, const struct config *c)
{
    bool over = true;

    for (unsigned i = 0; i < c->count; i++) {
        const struct export_config *new = &c->exports[i];

        if (!store_nbd_uri(new->path) || connect_later(x, c, new))
            continue;
        exports_dial_begin(x, new);
        over &= exports_dial_over(x, new);
    }
    return over;
}

/* For those who wait for a reload that failed later. */
static void fail(struct exports *x)
{
    assert(x->reload == RELOAD_CONNECTING);
    log_debug("reload: failed after connecting");
    x->reload = RELOAD_FAILED;
    exports_step(x);
}

int exports_reload(struct exports *x, struct config *c)
{
    bool replaces = x->reload == RELOAD_CONNECTING;
    int err;

    assert(!x->stepping);
    config_free(&x->next);
    if (!server_stopping(x->options.server) && !connect_all(x, c)) {
        log_debug("reload: connecting to NBD servers first");
        x->reload = RELOAD_CONNECTING;
        x->next = *c;
        *c = (struct config){0};
        return 0;
    }
    err = reload_now(x, c);
    if (err && replaces)
        fail(x);
    return err;
}

void exports_reload_dialled(void *arg)
{
    struct exports *x = arg;

    if (server_stopping(x->options.server))
        return;
    if (x->reload != RELOAD_CONNECTING)
        exports_step(x);
    else if (connect_all(x, &x->next) && reload_now(x, &x->next))
        fail(x);
}
