/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Before a disk is served, this machine is checked for another target with the
 * same address.  Two targets on one interface both get every frame, and neither
 * sees what the other sends: every write runs twice, the second time perhaps on
 * top of a newer one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "target/serve/exports_parts.h"
#include "target/serve/neighbour.h"

enum { WHY = ENTRY_WHY };

static bool same_address(const struct entry *a, const struct entry *b,
                         const char *ifname)
{
    if (!aoe_addr_equal(a->config.addr, b->config.addr))
        return false;
    for (unsigned i = 0; i < b->config.interface_count; i++)
        if (strcmp(b->config.interfaces[i], ifname) == 0)
            return true;
    return false;
}

/* Another entry holds the same lock: its successor, for instance. */
static bool wanted(struct exports *x, const struct entry *e, const char *ifname)
{
    list_each(it, &x->serving) {
        const struct entry *other = entry_of(it);

        if (other != e && other->locked && same_address(e, other, ifname))
            return true;
    }
    return false;
}

void exports_local_release(struct exports *x, struct entry *e)
{
    for (unsigned i = 0; i < e->config.interface_count && e->locked; i++) {
        const char *ifname = e->config.interfaces[i];

        if (!wanted(x, e, ifname))
            address_lock_release(&x->addresses, ifname, e->config.addr);
    }
    e->locked = false;
}

void exports_local_force(struct exports *x, struct entry *e)
{
    pid_t ignored;

    for (unsigned i = 0; i < e->config.interface_count; i++)
        address_lock_take(&x->addresses, e->config.interfaces[i],
                          e->config.addr, &ignored);
    e->locked = true;
}

static bool locked_by_another(struct exports *x, const struct entry *e,
                              const char *ifname, char *why)
{
    pid_t holder;

    if (!address_lock_take(&x->addresses, ifname, e->config.addr, &holder))
        return false;
    if (holder)
        snprintf(why, WHY, "aoe-target (pid %ld)", (long)holder);
    else
        snprintf(why, WHY, "another aoe-target");
    snprintf(why + strlen(why), WHY - strlen(why),
             " serves this address on %s already; stop it, or choose another "
             "shelf or slot",
             ifname);
    return true;
}

static void doubt(struct entry *e, const struct process *p, const char *ifname)
{
    if (!e->doubted)
        log_error("%s: %s (pid %ld) answers AoE on %s, too; if it has this "
                  "address, stop one of the two",
                  e->disk->name, p->name, (long)p->pid, ifname);
    e->doubted = true;
}

static bool answered_by_another(struct entry *e, const char *ifname, char *why)
{
    struct process p;

    switch (neighbour_find(ifname, e->config.addr, &p)) {
    case NEIGHBOUR_NONE:
        return false;
    case NEIGHBOUR_DOUBTFUL:
        doubt(e, &p, ifname);
        return false;
    default:
        snprintf(why, WHY, "%s (pid %ld) answers AoE on %s already; stop it%s",
                 p.name, (long)p.pid, ifname,
                 p.kind == PROCESS_VBLADE
                     ? " and take its line out of /etc/inittab"
                     : "");
        return true;
    }
}

bool exports_local_other(struct entry *e, const char *ifname, char *why)
{
    return answered_by_another(e, ifname, why);
}

/* Takes the address, or says why not. */
static bool claim(struct exports *x, struct entry *e, char *why)
{
    bool taken = true;

    for (unsigned i = 0; i < e->config.interface_count && taken; i++) {
        const char *ifname = e->config.interfaces[i];

        taken = !locked_by_another(x, e, ifname, why) &&
                !answered_by_another(e, ifname, why);
    }
    e->locked = true;
    if (!taken)
        exports_local_release(x, e);
    return taken;
}

bool exports_local_claim(struct exports *x, struct entry *e)
{
    bool waiting = false;
    char why[WHY];

    while (!claim(x, e, why)) {
        /* A signal ends the wait. */
        if (clock_ns() < x->options.wait_until) {
            if (!waiting)
                log_info("%s: %s; waiting for it to end", e->disk->name, why);
            waiting = true;
            if (loop_sleep(x->options.loop, 50 * NS_PER_MS))
                continue;
        }
        if (!e->recheck)
            log_error("%s: %s, or use --force-address", e->disk->name, why);
        return false;
    }
    return true;
}
