/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The life of one export: from its configuration to a disk that is served.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "target/serve/boot.h"
#include "target/serve/exports_parts.h"

/* ---- states ------------------------------------------------------------- */

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

void entry_free(struct entry *e)
{
    list_remove(&e->link);
    epochs_fini(&e->epochs);
    exports_local_release(e->exports, e);
    export_config_free(&e->config);
    free(e->before);
    free(e);
}

void entry_enter(struct entry *e, enum entry_state to)
{
    /* The states that may precede each; a refused disk may be checked again and
     * again, or be forced. */
    static const unsigned from[] = {
        [ENTRY_NEW] = 0,
        [ENTRY_CHECKING] =
            1u << ENTRY_NEW | 1u << ENTRY_CHECKING | 1u << ENTRY_REFUSED,
        [ENTRY_REFUSED] = 1u << ENTRY_CHECKING,
        [ENTRY_FREE] =
            1u << ENTRY_NEW | 1u << ENTRY_CHECKING | 1u << ENTRY_REFUSED,
        [ENTRY_SERVED] = 1u << ENTRY_FREE,
    };

    static const char *const names[] = {
        [ENTRY_NEW] = "new",         [ENTRY_CHECKING] = "checking",
        [ENTRY_REFUSED] = "refused", [ENTRY_FREE] = "free",
        [ENTRY_SERVED] = "served",
    };

    assert(from[to] & 1u << e->state);
    assert(e->disk && !e->leaving);
    log_debug("%s: %s -> %s", e->disk->name, names[e->state], names[to]);
    e->state = to;
}

void entry_join(struct exports *x, struct entry *e, bool check)
{
    entry_enter(e, check ? ENTRY_CHECKING : ENTRY_FREE);
    e->keep = true; /* blocks nobody */
    e->expected = true;
    list_append(&x->serving, &e->link);
}

/* ---- its disk ----------------------------------------------------------- */

/* What clients have set survives when the owner changes something else. */
static void inherit(struct export *to, const struct entry *e)
{
    export_set_config(to, e->before->config, e->before->config_len);
    to->reserve = e->before->reserve;
    if (e->keep_mask)
        to->mask = e->before->mask;
}

int entry_open(struct exports *x, struct entry *e)
{
    struct state_store *state = NULL;
    struct boot *boot = NULL;
    struct export description;
    struct store *store;
    int err;

    assert(e->state == ENTRY_NEW && !e->disk);
    err =
        x->options.open(x->options.arg, &e->config,
                        exports_dial_take(x, &e->config), &description, &store);
    if (err)
        return err;
    /* The state store must see the owner's mask list. */
    if (x->options.state_dir)
        err = state_store_open(&state, x->options.state_dir, &description,
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
        state_store_close(state);
        store_close(store);
        return err;
    }
    e->disk->state = state;
    e->disk->boot = boot;
    return 0;
}

/* ---- trying ------------------------------------------------------------- */

static void collect(void *arg, const char *line)
{
    char *said = arg;
    size_t used = strlen(said);

    snprintf(said + used, ENTRY_WHY - used, "%s%s", used ? "; " : "", line);
}

int entry_try(struct exports *x, struct entry *e)
{
    char said[ENTRY_WHY] = "", name[AOE_ADDR_TEXT];
    unsigned held;
    int err;

    log_divert(collect, said);
    err = entry_open(x, e);
    log_divert(NULL, NULL);
    if (err && !said[0])
        snprintf(said, sizeof said, "%s: %s", e->config.path, strerror(-err));
    if (!err && said[0])
        log_error("%s", said); /* it is open, but with a warning */
    if (err && strcmp(said, e->why) != 0 &&
        log_allowed(&e->refusals, clock_ns(), 3, &held))
        log_error("%s: not served: %s; trying again",
                  aoe_addr_format(name, e->config.addr), said);
    snprintf(e->why, sizeof e->why, "%s", err ? said : "");
    return err;
}

static void ignore(void *arg, struct epochs *epochs)
{
    (void)arg;
    (void)epochs; /* it never had a client */
}

void entry_discard(struct exports *x, struct entry *e)
{
    if (e->disk)
        server_remove_disk(x->options.server, e->disk, ignore, NULL);
    entry_free(e);
}

/* ---- into service ------------------------------------------------------- */

/* Clients of an earlier disk with this address have not been told of a loss
 * yet: their next flush tells them, although the disk was reopened. */
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
    entry_enter(e, ENTRY_SERVED);
    exports_local_force(x, e);
    for (unsigned i = 0; i < e->config.interface_count; i++) {
        const char *ifname = e->config.interfaces[i];
        int err = server_serve(x->options.server, e->disk, ifname);

        if (err) {
            log_error("%s: %s", ifname, strerror(-err));
            return err;
        }
    }
    exports_late_hold(x, e);
    inherit_loss(x, e->disk);
    return 0;
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
