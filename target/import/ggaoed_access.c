/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ggaoed's access control lists: names for lists of addresses, other names, and
 * hosts of /etc/ethers.
 */
#include <stdio.h>
#include <string.h>

#include "target/import/ggaoed.h"

enum { NAMES_DEEP = 16 }; /* lists within lists; one may name itself */

struct access {
    const struct ini *ini;
    struct mac_list *list;
    const char *whose; /* "accept" or "deny" */
    char *why;
    unsigned depth, before; /* a list may use those defined before it */
};

bool ggaoed_each(const char *list, bool (*each)(void *arg, const char *element),
                 void *arg)
{
    char element[IMPORT_LINE_MAX];

    while (*list) {
        size_t len;

        list += strspn(list, ", \t");
        len = strcspn(list, ",");
        if (len >= sizeof element)
            return false;
        memcpy(element, list, len);
        list += len;
        while (len > 0 && strchr(" \t", element[len - 1]))
            len--;
        element[len] = '\0';
        if (len && !each(arg, element))
            return false;
    }
    return true;
}

static bool wrong(struct access *a, const char *element, const char *why)
{
    snprintf(a->why, IMPORT_WHY, "%s: \"%.60s\": %s", a->whose, element, why);
    return false;
}

/* The list of that name among those defined before; NULL: there is none. */
static const struct ini_line *named(const struct access *a, const char *name)
{
    for (unsigned j = a->before; j-- > 0;)
        if (strcmp(a->ini->lines[j].group, "acls") == 0 &&
            strcmp(a->ini->lines[j].key, name) == 0)
            return &a->ini->lines[j];
    return NULL;
}

static bool add(void *arg, const char *element)
{
    struct access *a = arg;
    const struct ini_line *list;
    struct access inner = *a;
    struct aoe_mac mac;

    if (aoe_mac_scan(element, &mac) == 0)
        return mac_list_add(a->list, &mac, EXPORT_LIST_MAX) ||
               wrong(a, element, "more addresses than a mask list holds");
    list = named(a, element);
    if (!list)
        return wrong(a, element,
                     "no MAC address, and no list defined before; ggaoed looks "
                     "it up in /etc/ethers: write its address");
    if (a->depth == NAMES_DEEP)
        return wrong(a, element, "too many lists within lists");
    inner.depth++;
    inner.before = (unsigned)(list - a->ini->lines);
    return ggaoed_each(list->value, add, &inner);
}

static bool read_list(const struct ini *i, const char *group, const char *key,
                      struct mac_list *out, char *why)
{
    struct access a = {
        .ini = i, .list = out, .whose = key, .why = why, .before = i->count};
    const struct ini_line *line = ini_get(i, group, key);

    out->count = 0;
    if (!line)
        return true;
    snprintf(why, IMPORT_WHY, "%s: an element is too long", key);
    return ggaoed_each(line->value, add, &a);
}

bool ggaoed_access(const struct ini *i, const char *group,
                   struct mac_list *allow, char *why)
{
    struct mac_list deny;
    bool accepted;

    if (!read_list(i, group, "accept", allow, why) ||
        !read_list(i, group, "deny", &deny, why))
        return false;
    accepted = allow->count > 0;
    if (deny.count && !accepted) {
        snprintf(why, IMPORT_WHY,
                 "deny: a mask list says who may use a disk, not who may not");
        return false;
    }
    for (unsigned j = 0; j < deny.count; j++)
        mac_list_delete(allow, &deny.macs[j]);
    if (accepted && !allow->count) {
        snprintf(why, IMPORT_WHY, "deny: nobody is left who may use it");
        return false;
    }
    return true;
}
