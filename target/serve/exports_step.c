/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Brings what is served to the latest configuration step by step: removed disks
 * finish, what waits for that is opened, checked and served, and whoever waits
 * for the reload is told.
 */
#include <assert.h>
#include <string.h>

#include "target/serve/exports_parts.h"

/* ---- what waits --------------------------------------------------------- */

struct entry *exports_in_the_way(struct exports *x, const struct entry *e)
{
    list_each(it, &x->serving) {
        struct entry *old = entry_of(it);

        if (!old->keep && (aoe_addr_equal(old->config.addr, e->config.addr) ||
                           storage_same(old->config.path, e->config.path)))
            return old;
    }
    return NULL;
}

void exports_incomplete(struct exports *x)
{
    if (x->reload == RELOAD_APPLIED)
        x->reload = RELOAD_INCOMPLETE;
}

/* A disk that was on the network until now is not checked for there: its
 * clients would be without it for the length of a check. */
static bool must_check(const struct entry *e)
{
    return !e->config.force_address &&
           !(e->resumes &&
             strcmp(e->before->serial, e->disk->export.serial) == 0);
}

static void open_one(struct exports *x, struct entry *e)
{
    list_remove(&e->link);
    if (!entry_try(x, e)) {
        entry_join(x, e, must_check(e));
        return;
    }
    exports_incomplete(x);
    exports_absent_add(x, e);
}

static void open_waiting(struct exports *x)
{
    list_each(it, &x->waiting) {
        struct entry *e = entry_of(it);

        if (exports_in_the_way(x, e))
            continue;
        exports_dial_begin(x, &e->config);
        if (exports_dial_over(x, &e->config))
            open_one(x, e);
    }
}

static void serve_free(struct exports *x)
{
    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        if (e->state != ENTRY_FREE || e->leaving)
            continue;
        if (entry_serve(x, e)) {
            exports_incomplete(x);
            entry_discard(x, e);
        } else {
            entry_say(e);
        }
    }
}

/* ---- who waits for a reload --------------------------------------------- */

static bool settled(const struct exports *x)
{
    for (struct list *it = x->serving.next; it != &x->serving; it = it->next)
        if (entry_of(it)->leaving || entry_of(it)->state == ENTRY_CHECKING)
            return false;
    return list_empty(&x->waiting) && x->reload != RELOAD_CONNECTING;
}

static enum exports_outcome outcome(struct exports *x)
{
    if (x->reload == RELOAD_FAILED)
        return EXPORTS_UNCHANGED;
    list_each(it, &x->serving)
        if (entry_of(it)->state != ENTRY_SERVED || storage_gone(entry_of(it)))
            return EXPORTS_SOME;
    if (!list_empty(&x->absent))
        return EXPORTS_SOME;
    return x->reload == RELOAD_INCOMPLETE ? EXPORTS_SOME : EXPORTS_ALL;
}

static void tell_settled(struct exports *x)
{
    struct list *node;

    while (settled(x) && (node = list_first(&x->waits))) {
        struct exports_wait *w = list_entry(node, struct exports_wait, link);

        list_remove(node);
        w->done(w, outcome(x));
    }
}

void exports_settled(struct exports *x, struct exports_wait *w)
{
    list_append(&x->waits, &w->link);
    tell_settled(x);
}

/* ---- steps -------------------------------------------------------------- */

static void checked(void *arg)
{
    struct exports *x = arg;

    exports_check_end(x);
    if (!server_stopping(x->options.server))
        exports_step(x);
}

static void recheck(void *arg)
{
    struct exports *x = arg;

    /* Another check is in progress: wait for it. */
    if (x->check || server_stopping(x->options.server)) {
        exports_take_over_arm(x, recheck);
        return;
    }
    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        if (e->state != ENTRY_REFUSED || e->leaving)
            continue;
        e->recheck = true;
        entry_enter(e, ENTRY_CHECKING);
    }
    exports_step(x);
}

static void retry(void *arg)
{
    struct exports *x = arg;

    exports_absent_try(x);
    exports_step(x);
}

void exports_step(struct exports *x)
{
    assert(!x->stepping);
    x->stepping = true;
    /* A server that stops has closed its ports: nothing new may begin. */
    if (!server_stopping(x->options.server)) {
        open_waiting(x);
        serve_free(x);
        exports_check_begin(x, checked);
        exports_late_begin(x);
        exports_close_ports(x);
    }
    x->stepping = false;
    tell_settled(x);
    exports_take_over_arm(x, recheck);
    exports_absent_arm(x, retry);
}

static void left(void *arg, struct epochs *epochs)
{
    struct entry *e = arg;
    struct exports *x = e->exports;

    assert(e->leaving);
    list_remove(&e->link);
    exports_local_release(x, e);
    if (epochs_untold(epochs)) {
        epochs_inherit(&e->epochs, epochs);
        list_append(&x->gone, &e->link);
    } else {
        entry_free(e);
    }
    exports_step(x);
}

void exports_leave(struct exports *x, struct entry *e)
{
    assert(e->disk && !e->leaving && !e->keep);
    log_debug("%s: leaving", e->disk->name);
    e->leaving = true;
    /* A dead descriptor has nothing to write, and reports success. */
    if (storage_gone(e))
        disk_abandon(e->disk);
    server_remove_disk(x->options.server, e->disk, left, e);
}
