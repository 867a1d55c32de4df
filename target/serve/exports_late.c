/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Interfaces that were down or missing when the network should have been asked
 * for other disks with our addresses: a cable that is plugged in later, a card
 * whose driver comes late.  Nobody there gets a response until it was asked
 * (doc/safety.md); meanwhile the disks are served elsewhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/serve/exports_parts.h"

_Static_assert(CONFIG_INTERFACES_MAX <= 32, "entry.unasked has a bit for each");

static uint32_t bit_of(const struct entry *e, const char *ifname)
{
    for (unsigned i = 0; i < e->config.interface_count; i++)
        if (strcmp(e->config.interfaces[i], ifname) == 0)
            return UINT32_C(1) << i;
    return 0;
}

static bool is_served(const struct entry *e)
{
    return e->state == ENTRY_SERVED && !e->leaving;
}

void exports_late_hold(struct exports *x, const struct entry *e)
{
    for (unsigned i = 0; i < e->config.interface_count; i++)
        if (e->unasked & UINT32_C(1) << i)
            server_hold(x->options.server, e->config.interfaces[i]);
}

/* ---- the answers --------------------------------------------------------- */

static void withdraw(struct exports *x, struct entry *e, const char *ifname,
                     const char *why)
{
    log_error("%s: not served on %s: %s", e->disk->name, ifname, why);
    server_withdraw(x->options.server, e->disk, ifname);
    e->apart |= bit_of(e, ifname);
}

static void say_whose(char *why, const struct duplicate_query *q)
{
    char mac[AOE_MAC_TEXT];

    snprintf(why, ENTRY_WHY,
             "%s serves another disk with this address there, serial \"%s\"; "
             "choose another shelf or slot, or end it and reload",
             aoe_mac_format(mac, &q->mac), q->other_serial);
}

static void judge(struct exports *x, struct entry *e,
                  const struct duplicate_query *q)
{
    uint32_t bit = bit_of(e, q->ifname);
    char why[ENTRY_WHY];

    if (!is_served(e) || e->disk->age != q->about || !(e->unasked & bit))
        return;
    if (q->conflict)
        say_whose(why, q);
    else if (!q->asked && !q->err)
        return; /* it went down again */
    if (q->conflict || exports_local_other(e, q->ifname, why))
        withdraw(x, e, q->ifname, why);
    e->unasked &= ~bit;
}

static bool still_unasked(struct exports *x, const char *ifname)
{
    list_each(it, &x->serving) {
        const struct entry *e = entry_of(it);

        if (is_served(e) && e->unasked & bit_of(e, ifname))
            return true;
    }
    return false;
}

void exports_late_forget(struct exports *x)
{
    duplicate_check_close(x->late);
    x->late = NULL;
    free(x->late_queries);
    x->late_queries = NULL;
    x->late_count = 0;
}

static unsigned count_unasked(struct exports *x)
{
    unsigned count = 0;

    list_each(it, &x->serving)
        count += (unsigned)__builtin_popcount(entry_of(it)->unasked);
    return count;
}

static void answered(void *arg)
{
    struct exports *x = arg;
    unsigned before = count_unasked(x);

    for (unsigned i = 0; i < x->late_count; i++)
        list_each(it, &x->serving)
            judge(x, entry_of(it), &x->late_queries[i]);
    for (unsigned i = 0; i < x->late_count; i++)
        if (!still_unasked(x, x->late_queries[i].ifname))
            server_release(x->options.server, x->late_queries[i].ifname);
    exports_late_forget(x);
    /* Others may have come up meanwhile.  Without progress the next interface
     * that appears begins it again. */
    if (count_unasked(x) < before)
        exports_late_begin(x);
}

/* ---- the question ---------------------------------------------------------
 */

static void ask_for(struct exports *x, const struct entry *e)
{
    for (unsigned i = 0; i < e->config.interface_count; i++) {
        struct duplicate_query *q = &x->late_queries[x->late_count];

        if (!(e->unasked & UINT32_C(1) << i) ||
            !server_up(x->options.server, e->config.interfaces[i]))
            continue;
        strcpy(q->ifname, e->config.interfaces[i]);
        strcpy(q->serial, e->disk->export.serial);
        q->addr = e->disk->export.addr;
        q->about = e->disk->age;
        x->late_count++;
    }
}

static int collect(struct exports *x)
{
    unsigned most = 0;

    list_each(it, &x->serving)
        most +=
            entry_of(it)->unasked ? entry_of(it)->config.interface_count : 0;
    if (most == 0)
        return 0;
    x->late_queries = calloc(most, sizeof *x->late_queries);
    if (!x->late_queries)
        return -ENOMEM;
    list_each(it, &x->serving)
        if (is_served(entry_of(it)))
            ask_for(x, entry_of(it));
    return 0;
}

void exports_late_begin(struct exports *x)
{
    int err;

    if (x->late || server_stopping(x->options.server))
        return;
    err = collect(x);
    if (!err && x->late_count > 0)
        err = duplicate_check_open(&x->late, x->options.loop, x->late_queries,
                                   x->late_count, &x->options.duplicates,
                                   answered, x);
    if (err)
        log_error("checking for other disks with the same address: %s",
                  strerror(-err));
    else
        duplicate_check_cannot(x->late_queries, x->late_count);
    /* Nobody is answered there until the next attempt. */
    if (err || !x->late)
        exports_late_forget(x);
}

static void appeared(void *arg)
{
    exports_late_begin(arg);
}

void exports_late_init(struct exports *x)
{
    server_on_appeared(x->options.server, appeared, x);
}

/* ---- again ----------------------------------------------------------------
 */

void exports_late_again(struct exports *x, struct entry *e)
{
    struct port_needs needs = {.requests = e->config.buffer_count,
                               .direct = e->config.direct,
                               .absent = true};

    for (unsigned i = 0; i < e->config.interface_count && is_served(e); i++) {
        const char *ifname = e->config.interfaces[i];
        uint32_t bit = UINT32_C(1) << i;

        if (!(e->apart & bit) ||
            server_open_port(x->options.server, ifname, &needs))
            continue;
        server_hold(x->options.server, ifname);
        if (server_serve(x->options.server, e->disk, ifname))
            continue;
        e->unasked |= bit;
        e->apart &= ~bit;
    }
}
