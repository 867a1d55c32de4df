/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Checks the exports of a configuration against each other and this machine:
 * replaces globs by names of interfaces, and finds addresses that are used
 * twice.
 */
#include <fnmatch.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "target/config/config_parts.h"
#include "wire/netif.h"

/* Expands one interface name or glob of `from`. */
static bool expand(struct export_config *to, const char *pattern,
                   char (*names)[LINK_NAME_MAX], unsigned count, char *mistake)
{
    char ignored[CONFIG_MISTAKE];
    bool any = false;

    if (!strpbrk(pattern, "*?["))
        return config_add_interface(to, pattern, mistake);
    for (unsigned i = 0; i < count; i++)
        if (fnmatch(pattern, names[i], 0) == 0) {
            any = true;
            if (to->interface_count == CONFIG_INTERFACES_MAX)
                return config_wrong(mistake, pattern, "too many interfaces");
            /* Two globs may well match the same one. */
            config_add_interface(to, names[i], ignored);
        }
    return any || config_wrong(mistake, pattern, "no such interface");
}

bool config_matches(const struct config_patterns *p,
                    char (*names)[LINK_NAME_MAX], unsigned name_count)
{
    bool any = false;

    for (unsigned i = 0; i < p->count; i++)
        for (unsigned j = 0; j < name_count; j++)
            any |= fnmatch(p->of[i], names[j], 0) == 0;
    return any;
}

/* Keeps a pattern that matches nothing. */
static bool wait_for(struct config *c, struct export_config *to,
                     const char *pattern, char *mistake)
{
    if (!config_add_interface(to, pattern, mistake))
        return false;
    if (c->unmatched.count < CONFIG_PATTERNS)
        strcpy(c->unmatched.of[c->unmatched.count++], pattern);
    return true;
}

static bool is_missing(const char *pattern, char (*names)[LINK_NAME_MAX],
                       unsigned count)
{
    struct config_patterns one = {.count = 1};

    strcpy(one.of[0], pattern);
    return strpbrk(pattern, "*?[") && !config_matches(&one, names, count);
}

/* One address on one interface. */
static bool conflict(const struct export_config *a,
                     const struct export_config *b)
{
    if (!aoe_addr_equal(a->addr, b->addr))
        return false;
    for (unsigned i = 0; i < a->interface_count; i++)
        for (unsigned j = 0; j < b->interface_count; j++)
            if (strcmp(a->interfaces[i], b->interfaces[j]) == 0)
                return true;
    return false;
}

static unsigned expand_all(struct config *c, char (*names)[LINK_NAME_MAX],
                           unsigned name_count, bool waits,
                           config_mistake *mistake, void *arg)
{
    char text[CONFIG_MISTAKE];
    unsigned mistakes = 0;

    for (unsigned i = 0; i < c->count; i++) {
        struct export_config *e = &c->exports[i], found = {0};

        for (unsigned j = 0; j < e->interface_count; j++) {
            const char *name = e->interfaces[j];
            bool later = waits && is_missing(name, names, name_count);

            if (later ? wait_for(c, &found, name, text)
                      : expand(&found, name, names, name_count, text))
                continue;
            mistake(arg, e->line, text);
            mistakes++;
        }
        memcpy(e->interfaces, found.interfaces, sizeof e->interfaces);
        e->interface_count = found.interface_count;
    }
    return mistakes;
}

static void say_conflict(const struct export_config *e, unsigned line,
                         config_mistake *mistake, void *arg)
{
    char text[CONFIG_MISTAKE], addr[AOE_ADDR_TEXT];

    snprintf(text, sizeof text,
             "%s is already defined in line %u, on a common interface",
             aoe_addr_format(addr, e->addr), line);
    mistake(arg, e->line, text);
}

/* Two sections for one disk on two interfaces, as one would write two lines
 * with vblade: a file has one writer, which has to know all its clients. */
static bool twice(const struct export_config *a, const struct export_config *b)
{
    return aoe_addr_equal(a->addr, b->addr) && a->path && b->path &&
           strcmp(a->path, b->path) == 0 && a->offset == b->offset &&
           !(a->read_only && b->read_only) && !a->force_file && !b->force_file;
}

static void say_twice(const struct export_config *e,
                      const struct export_config *first,
                      config_mistake *mistake, void *arg)
{
    char text[CONFIG_MISTAKE];

    snprintf(text, sizeof text,
             "the disk in line %u again; to serve it on two interfaces, name "
             "both there: interfaces = %.15s, %.15s",
             first->line, first->interfaces[0], e->interfaces[0]);
    mistake(arg, e->line, text);
}

unsigned config_resolve(struct config *c, char (*names)[LINK_NAME_MAX],
                        unsigned name_count, bool waits,
                        config_mistake *mistake, void *arg)
{
    unsigned mistakes = expand_all(c, names, name_count, waits, mistake, arg);

    for (unsigned i = 0; i < c->count; i++)
        for (unsigned j = 0; j < i; j++)
            if (conflict(&c->exports[i], &c->exports[j])) {
                say_conflict(&c->exports[i], c->exports[j].line, mistake, arg);
                mistakes++;
            } else if (twice(&c->exports[i], &c->exports[j])) {
                say_twice(&c->exports[i], &c->exports[j], mistake, arg);
                mistakes++;
            }
    return mistakes;
}

unsigned config_interfaces(char (*names)[LINK_NAME_MAX], unsigned max)
{
    struct if_nameindex *all = if_nameindex();
    unsigned n = 0;

    for (struct if_nameindex *it = all; it && it->if_index && n < max; it++) {
        struct aoe_mac none = {{0}};
        struct netif found;

        if (strlen(it->if_name) >= LINK_NAME_MAX ||
            netif_read(it->if_name, &found) || !found.ethernet ||
            aoe_mac_equal(&found.mac, &none))
            continue;
        strcpy(names[n++], it->if_name);
    }
    if (all)
        if_freenameindex(all);
    return n;
}
