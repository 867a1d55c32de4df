/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The interfaces that exports need: open before they are served, and kept for
 * those that wait.
 */
#include <string.h>

#include "target/serve/exports_parts.h"

static void add_needs(const struct entry *e, const char *ifname,
                      unsigned *requests, bool *direct)
{
    const struct export_config *c = &e->config;

    for (unsigned i = 0; i < c->interface_count; i++)
        if (strcmp(c->interfaces[i], ifname) == 0) {
            *requests += c->buffer_count;
            *direct |= c->direct;
        }
}

int exports_open_ports(struct exports *x, struct list *fresh,
                       const struct entry *e)
{
    int err = 0;

    for (unsigned i = 0; i < e->config.interface_count && !err; i++) {
        const char *ifname = e->config.interfaces[i];
        unsigned requests = 0;
        bool direct = false;

        list_each(it, fresh)
            add_needs(entry_of(it), ifname, &requests, &direct);
        list_each(it, &x->serving)
            if (entry_of(it)->keep && entry_refused(entry_of(it)))
                add_needs(entry_of(it), ifname, &requests, &direct);
        err = server_open_port(x->options.server, ifname, requests, direct);
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
    if (list_empty(&x->waiting) && !checking(x))
        server_close_unused(x->options.server);
}
