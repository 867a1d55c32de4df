/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The commands of the control socket.
 */
#include <string.h>

#include "base/log.h"
#include "target/serve/control_parts.h"
#include "target/serve/stats.h"

static void stats(struct control_client *cl, const char *argument)
{
    bool prometheus = strcmp(argument, "prometheus") == 0;
    FILE *out;

    if (*argument && !prometheus) {
        control_answer(cl, "error no such format: ", argument);
        return;
    }
    out = control_answer_begin(cl);
    if (out) {
        fputs("ok\n", out);
        if (prometheus)
            stats_prometheus(cl->control->options.server, out);
        else
            stats_text(cl->control->options.server, out);
    }
    control_answer_stream(cl, out);
}

static void exports(struct control_client *cl, const char *argument)
{
    FILE *out = control_answer_begin(cl);

    (void)argument;
    if (out) {
        fputs("ok\n", out);
        exports_print(cl->control->options.exports, out);
    }
    control_answer_stream(cl, out);
}

static void reload_settled(struct exports_wait *w, enum exports_outcome outcome)
{
    static const char *const texts[] = {
        [EXPORTS_ALL] = "ok",
        [EXPORTS_SOME] = "error reloaded, but not every disk is served; ctl "
                         "exports and the log of the target say more",
        [EXPORTS_UNCHANGED] = "error reloading: nothing was changed; the log "
                              "of the target says why",
    };

    control_answer(list_entry(w, struct control_client, settled),
                   texts[outcome], "");
}

static void put_line(void *arg, const char *line)
{
    fprintf(arg, "%s\n", line);
}

/* The log says why it fails; the answer repeats what is logged meanwhile. */
static void reload(struct control_client *cl, const char *argument)
{
    struct control_options *o = &cl->control->options;
    FILE *out = control_answer_begin(cl);
    int err;

    (void)argument;
    if (out) {
        fputs("error ", out);
        log_hear(put_line, out);
    }
    err = o->reload(o->arg);
    log_hear(NULL, NULL);
    if (err) {
        control_answer_stream(cl, out);
        return;
    }
    control_answer_discard(cl, out);
    control_wait(cl);
    cl->settled.done = reload_settled;
    exports_settled(o->exports, &cl->settled);
}

static void clear_saved(struct state_save *w, int result)
{
    struct control_client *cl = list_entry(w, struct control_client, saved);

    cl->disk->in_flight--;
    server_touch_disk(cl->control->options.server, cl->disk);
    if (result)
        control_answer(cl, "error cleared, but not saved: ", strerror(-result));
    else
        control_answer(cl, "ok", "");
}

/* An address may be there more than once, on different interfaces; but not
 * when changes are saved. */
static void clear(struct control_client *cl, const char *argument,
                  void (*change)(struct export *e))
{
    struct aoe_addr addr;
    unsigned count, found = 0;
    struct disk *const *disks =
        server_disks(cl->control->options.server, &count);

    if (aoe_addr_scan(argument, &addr)) {
        control_answer(cl, "error not an address as e1.2: ", argument);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        struct disk *d = disks[i];

        if (!aoe_addr_equal(d->export.addr, addr) || list_linked(&d->leaving))
            continue;
        found++;
        change(&d->export);
        if (d->state && state_store_behind(d->state, &d->export))
            cl->disk = d;
    }
    if (!found) {
        control_answer(cl, "error no such disk: ", argument);
    } else if (!cl->disk) {
        control_answer(cl, "ok", "");
    } else {
        control_wait(cl);
        cl->disk->in_flight++;
        cl->saved.done = clear_saved;
        state_store_save(cl->disk->state, &cl->disk->export, &cl->saved);
    }
}

static void clear_mask(struct control_client *cl, const char *argument)
{
    clear(cl, argument, export_clear_mask);
}

static void clear_reservation(struct control_client *cl, const char *argument)
{
    clear(cl, argument, export_clear_reserve);
}

void control_obey(struct control_client *cl)
{
    static const struct {
        const char *name;
        void (*run)(struct control_client *cl, const char *argument);
    } commands[] = {
        {"stats", stats},
        {"exports", exports},
        {"reload", reload},
        {"clear-mask", clear_mask},
        {"clear-reservation", clear_reservation},
    };
    char *argument = cl->line, *name;

    log_debug("control: \"%s\"", cl->line);
    name = strsep(&argument, " ");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0) {
            commands[i].run(cl, argument ? argument : "");
            return;
        }
    control_answer(cl, "error no such command: ", name);
}
