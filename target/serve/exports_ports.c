/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The interfaces that exports need: open before they are served, and kept for
 * those that wait.
 */
#include <string.h>

#include "target/serve/exports_parts.h"

static void add_needs(const struct entry *e, const char *ifname,
                      struct port_needs *needs)
{
    const struct export_config *c = &e->config;

    for (unsigned i = 0; i < c->interface_count; i++)
        if (strcmp(c->interfaces[i], ifname) == 0) {
            needs->requests += c->buffer_count;
            needs->direct |= c->direct;
        }
}

int exports_open_ports(struct exports *x, struct list *fresh,
                       const struct entry *e)
{
    int err = 0;

    for (unsigned i = 0; i < e->config.interface_count && !err; i++) {
        const char *ifname = e->config.interfaces[i];
        struct port_needs needs = {.absent = e->expected};

        list_each(it, fresh)
            add_needs(entry_of(it), ifname, &needs);
        list_each(it, &x->serving)
            if (entry_of(it)->keep && entry_refused(entry_of(it)))
                add_needs(entry_of(it), ifname, &needs);
        err = server_open_port(x->options.server, ifname, &needs);
    }
    return err;
}

static bool checking(struct exports *x)
{
    list_each(it, &x->serving)
        if (entry_of(it)->state == ENTRY_CHECKING && !entry_of(it)->leaving)
            return true;
    return false;
}

void exports_close_ports(struct exports *x)
{
    if (list_empty(&x->waiting) && list_empty(&x->absent) && !checking(x))
        server_close_unused(x->options.server);
}
