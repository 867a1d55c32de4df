/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding a disk's addresses, and AoE's own commands to each of them.
 */
#include "initiator/aoe/targets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/format.h"
#include "base/options.h"
#include "initiator/client/disk_log.h"

/* How long to wait for a disk's other addresses once the first has answered. */
#define OTHERS_TIME (100 * NS_PER_MS)

/* A target that two interfaces see is asked once. */
static void found(void *arg, const struct aoe_found *f)
{
    struct command_targets *t = arg;
    struct command_target *new = &t->list[t->count];

    for (unsigned i = 0; i < t->count; i++)
        if (memcmp(t->list[i].mac, f->mac, sizeof f->mac) == 0)
            return;
    if (t->count == COMMAND_TARGETS_MAX)
        return;
    snprintf(new->interface, sizeof new->interface, "%s", f->interface);
    memcpy(new->mac, f->mac, sizeof new->mac);
    t->count++;
}

int command_targets_find(struct command_disk *c, struct command_targets *t)
{
    int err = interfaces_open(&c->options.interfaces, &c->aoe);
    struct aoe_discovery *search;
    uint64_t now, end;
    bool any = false;

    if (err)
        return err;
    *t = (struct command_targets){0};
    err = aoe_discover_start(c->aoe, c->shelf, c->slot, found, t, &search);
    if (err) {
        log_error("%s: %s: %s", c->line->command, c->name, strerror(-err));
        return EXIT_FAILED;
    }
    now = command_now(c);
    end = now + c->options.wait;
    while (!err && now < end) {
        err = command_wait(c, end);
        now = command_now(c);
        if (t->count && !any && now + OTHERS_TIME < end)
            end = now + OTHERS_TIME;
        any = t->count > 0;
    }
    aoe_discover_stop(search);
    if (t->count)
        return 0;
    disk_log_no_answer(c->line->command, c->name, &c->options.interfaces,
                       c->options.wait);
    return EXIT_FAILED;
}

static void explain(const struct command_disk *c, const char *name,
                    const struct aoe_control *control, int status)
{
    char there[4 * AOE_CONFIG_MAX + 1];

    switch (-status) {
    case ETIMEDOUT:
        log_error("%s: %s: no answer", c->line->command, name);
        break;
    case EEXIST:
        log_error("%s: %s: it has another config string: \"%s\"; force "
                  "replaces it",
                  c->line->command, name,
                  format_escaped(there, sizeof there, control->response.string,
                                 control->response.length));
        break;
    case EBUSY:
        log_error("%s: %s: it is reserved for others; aoe reserve %s lists "
                  "them, force takes it from them",
                  c->line->command, name, c->name);
        break;
    case ENOSPC:
        log_error("%s: %s: its list is full", c->line->command, name);
        break;
    case EOPNOTSUPP:
        log_error("%s: %s: the target does not have this command",
                  c->line->command, name);
        break;
    case EINVAL:
        log_error("%s: %s: the target refuses it: it is too long, or this "
                  "host is not allowed to",
                  c->line->command, name);
        break;
    case EMSGSIZE:
        log_error("%s: %s: it does not fit into a frame of this interface",
                  c->line->command, name);
        break;
    default:
        log_error("%s: %s: %s", c->line->command, name, strerror(-status));
    }
}

int command_targets_run(
    struct command_disk *c, const struct command_targets *t,
    struct aoe_control *control,
    void (*show)(const char *name, const struct aoe_control_response *response))
{
    int result = EXIT_DONE;

    for (unsigned i = 0; i < t->count; i++) {
        const struct command_target *target = &t->list[i];
        char mac[FORMAT_MAC], name[128];
        int status;

        snprintf(name, sizeof name, "%s at %s on %s", c->name,
                 format_mac(mac, target->mac), target->interface);
        control->shelf = c->shelf;
        control->slot = c->slot;
        control->interface = target->interface;
        memcpy(control->mac, target->mac, sizeof control->mac);
        status = aoe_control_run(c->aoe, control);
        if (status == 0) {
            show(t->count > 1 ? name : NULL, &control->response);
            continue;
        }
        explain(c, t->count > 1 ? name : c->name, control, status);
        result = EXIT_FAILED;
    }
    return result;
}

void command_targets_macs(const char *name,
                          const struct aoe_control_response *response)
{
    char mac[FORMAT_MAC];

    if (name)
        printf("%s:\n", name);
    for (unsigned i = 0; i < response->mac_count; i++)
        puts(format_mac(mac, response->macs[i]));
}
