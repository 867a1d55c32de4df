/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Before a disk is served, this machine and the network are checked for another
 * one with the same address; if there is one, ours is refused (doc/safety.md).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "target/serve/exports_parts.h"

static void stay_refused(struct exports *x, struct entry *e)
{
    entry_enter(e, ENTRY_REFUSED);
    e->checked = false;
    exports_local_release(x, e);
}

static void refuse(struct exports *x, struct entry *e)
{
    stay_refused(x, e);
    e->silent_checks = 0;
}

static void ask_for(struct exports *x, const struct entry *e)
{
    for (unsigned i = 0; i < e->config.interface_count; i++) {
        struct duplicate_query *q = &x->queries[x->query_count++];

        memcpy(q->ifname, e->config.interfaces[i], sizeof q->ifname);
        memcpy(q->serial, e->disk->export.serial, sizeof q->serial);
        q->addr = e->disk->export.addr;
        q->about = e->disk->age;
    }
}

/* One query for each disk to be checked, on each of its interfaces. */
static int collect(struct exports *x)
{
    unsigned count = 0;

    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        e->checked = e->state == ENTRY_CHECKING && !e->leaving;
        if (e->checked && !exports_local_claim(x, e))
            refuse(x, e);
        if (e->checked)
            count += e->config.interface_count;
    }
    x->query_count = 0;
    x->queries = calloc(count + 1, sizeof *x->queries);
    if (!x->queries)
        return -ENOMEM;
    list_each(it, &x->serving)
        if (entry_of(it)->checked)
            ask_for(x, entry_of(it));
    return 0;
}

static void refuse_for(struct exports *x, struct entry *e,
                       const struct duplicate_query *q)
{
    char mac[AOE_MAC_TEXT];

    aoe_mac_format(mac, &q->mac);
    if (q->other_serial[0])
        log_error("%s: %s on %s serves another disk with this address, serial "
                  "\"%s\"; choose another shelf or slot, or use "
                  "--force-address",
                  e->disk->name, mac, q->ifname, q->other_serial);
    else
        log_error("%s: %s on %s serves a disk with this address, and does not "
                  "tell which; choose another shelf or slot, or use "
                  "--force-address",
                  e->disk->name, mac, q->ifname);
    refuse(x, e);
}

/* Where an interface is down, nobody is answered until the network was asked.
 * What cannot be asked now never can, and is served as it is. */
static void note_unasked(const struct exports *x, struct entry *e)
{
    e->unasked = 0;
    for (unsigned i = 0; i < x->query_count; i++)
        for (unsigned j = 0; j < e->config.interface_count; j++)
            if (x->queries[i].about == e->disk->age && !x->queries[i].asked &&
                !x->queries[i].err &&
                strcmp(x->queries[i].ifname, e->config.interfaces[j]) == 0)
                e->unasked |= UINT32_C(1) << j;
}

static void judge(struct exports *x, struct entry *e)
{
    if (e->recheck) {
        if (exports_take_over_count(x, e))
            entry_enter(e, ENTRY_FREE);
        else
            stay_refused(x, e);
        return;
    }
    for (unsigned i = 0; i < x->query_count; i++) {
        const struct duplicate_query *q = &x->queries[i];

        if (q->conflict && q->about == e->disk->age) {
            refuse_for(x, e, q);
            return;
        }
    }
    note_unasked(x, e);
    entry_enter(e, ENTRY_FREE);
}

void exports_check_forget(struct exports *x)
{
    duplicate_check_close(x->check);
    x->check = NULL;
    free(x->queries);
    x->queries = NULL;
}

/* Not serving is the safe choice: it cannot destroy anything. */
static void give_up(struct exports *x, int err)
{
    log_error("checking for other disks with the same address: %s",
              strerror(-err));
    list_each(it, &x->serving) {
        struct entry *e = entry_of(it);

        if (e->checked)
            refuse(x, e);
    }
    exports_check_forget(x);
}

/* A reload may have forced or removed it meanwhile: then the answers must not
 * undo that. */
static bool still_asking(const struct entry *e)
{
    return e->checked && e->state == ENTRY_CHECKING && !e->leaving;
}

void exports_check_end(struct exports *x)
{
    list_each(it, &x->serving)
        if (still_asking(entry_of(it)))
            judge(x, entry_of(it));
    exports_check_forget(x);
}

int exports_check(struct exports *x)
{
    int err = collect(x);

    if (!err)
        err = duplicate_check_wait(x->queries, x->query_count,
                                   &x->options.duplicates);
    if (err)
        give_up(x, err);
    else
        exports_check_end(x);
    return err;
}

void exports_check_begin(struct exports *x, void (*done)(void *arg))
{
    int err;

    if (x->check)
        return;
    err = collect(x);
    if (!err && x->query_count == 0) {
        exports_check_forget(x);
        return;
    }
    if (!err)
        log_debug("checking for other disks with the same address, %u queries",
                  x->query_count);
    if (!err)
        err = duplicate_check_open(&x->check, x->options.loop, x->queries,
                                   x->query_count, &x->options.duplicates, done,
                                   x);
    if (err)
        give_up(x, err);
    else
        duplicate_check_cannot(x->queries, x->query_count);
}
