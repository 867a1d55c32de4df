/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Exports as they are asked for: their keys and values, read strictly, and
 * what several of them may not do together.
 */
#include "target/config/config.h"

#include <errno.h>
#include <fnmatch.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "target/store/store.h"
#include "wire/netif.h"

enum {
    COMMIT_SECONDS = 5,
    BUFFERS_MIN = 2,
    /* Linux takes a disk there for one whose address was never set. */
    SHELF_IGNORED = 4095,
};

#define SECTORS_MAX (UINT64_MAX / 2 / AOE_SECTOR)

void export_config_init(struct export_config *c)
{
    *c = (struct export_config){.buffer_count = EXPORT_BUFFERS,
                                .commit_ns = COMMIT_SECONDS * NS_PER_S};
}

int export_config_copy(struct export_config *to,
                       const struct export_config *from)
{
    *to = *from;
    to->path = from->path ? strdup(from->path) : NULL;
    to->fault = from->fault ? strdup(from->fault) : NULL;
    if (!from->path == !to->path && !from->fault == !to->fault)
        return 0;
    export_config_free(to);
    return -ENOMEM;
}

void export_config_free(struct export_config *c)
{
    free(c->path);
    free(c->fault);
    c->path = c->fault = NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_interfaces(const struct export_config *a,
                            const struct export_config *b)
{
    if (a->interface_count != b->interface_count)
        return false;
    for (unsigned i = 0; i < a->interface_count; i++)
        if (strcmp(a->interfaces[i], b->interfaces[i]) != 0)
            return false;
    return true;
}

bool export_config_equal(const struct export_config *a,
                         const struct export_config *b)
{
    return aoe_addr_equal(a->addr, b->addr) && same_text(a->path, b->path) &&
           same_interfaces(a, b) && a->buffer_count == b->buffer_count &&
           a->max_sectors == b->max_sectors && a->direct == b->direct &&
           a->sync == b->sync && a->read_only == b->read_only &&
           a->offset == b->offset && a->length == b->length &&
           a->commit_ns == b->commit_ns &&
           mac_list_equal(&a->allow, &b->allow) && a->admin == b->admin &&
           mac_list_equal(&a->admins, &b->admins) &&
           same_text(a->fault, b->fault);
}

void config_free(struct config *c)
{
    for (unsigned i = 0; i < c->count; i++)
        export_config_free(&c->exports[i]);
    free(c->exports);
    *c = (struct config){0};
}

/* ---- values ------------------------------------------------------------- */

static bool wrong(char *mistake, const char *text, const char *why)
{
    snprintf(mistake, CONFIG_MISTAKE, "\"%.100s\": %s", text, why);
    return false;
}

static bool number(const char *text, uint64_t min, uint64_t max, uint64_t *out,
                   char *mistake)
{
    char why[80];
    int err = option_u64(text, min, max, out);

    if (err == 0)
        return true;
    if (err != -ERANGE)
        return wrong(mistake, text, "not a number");
    snprintf(why, sizeof why, "must be from %llu to %llu",
             (unsigned long long)min, (unsigned long long)max);
    return wrong(mistake, text, why);
}

static bool yes_or_no(const char *text, bool *out, char *mistake)
{
    *out = strcmp(text, "yes") == 0;
    if (*out || strcmp(text, "no") == 0)
        return true;
    return wrong(mistake, text, "must be yes or no");
}

/* Calls `add` for each of the words between commas. */
static bool each_word(const char *text, void *list, const char *none,
                      bool (*add)(void *list, const char *word, char *mistake),
                      char *mistake)
{
    char *copy = strdup(text), *save = NULL;
    bool any = false, good = copy != NULL;

    if (!copy)
        return wrong(mistake, text, strerror(ENOMEM));
    for (char *word = strtok_r(copy, ", \t", &save); word && good;
         word = strtok_r(NULL, ", \t", &save)) {
        any = true;
        good = add(list, word, mistake);
    }
    free(copy);
    return good && !any ? wrong(mistake, text, none) : good;
}

static bool add_mac(void *list, const char *word, char *mistake)
{
    struct aoe_mac mac;

    if (aoe_mac_scan(word, &mac))
        return wrong(mistake, word, "not a MAC address");
    if (aoe_mac_group(&mac))
        return wrong(mistake, word, "not the address of one machine");
    if (!mac_list_add(list, &mac, EXPORT_LIST_MAX))
        return wrong(mistake, word, "more than 255 addresses");
    return true;
}

static bool add_interface(void *list, const char *name, char *mistake)
{
    struct export_config *c = list;

    if (strlen(name) >= LINK_NAME_MAX)
        return wrong(mistake, name, "too long for an interface");
    for (unsigned i = 0; i < c->interface_count; i++)
        if (strcmp(c->interfaces[i], name) == 0)
            return wrong(mistake, name, "named twice");
    if (c->interface_count == CONFIG_INTERFACES_MAX)
        return wrong(mistake, name, "too many interfaces");
    strcpy(c->interfaces[c->interface_count++], name);
    return true;
}

/* ---- keys --------------------------------------------------------------- */

static bool set_file(struct export_config *c, const char *v, char *mistake)
{
    char *path = strdup(v);

    if (!path || !*v) {
        free(path);
        return wrong(mistake, v, *v ? strerror(ENOMEM) : "no file");
    }
    free(c->path);
    c->path = path;
    return true;
}

static bool set_shelf(struct export_config *c, const char *v, char *mistake)
{
    uint64_t n;

    if (!number(v, 0, AOE_SHELF_ALL - 1, &n, mistake))
        return false;
    c->addr.shelf = (uint16_t)n;
    return true;
}

static bool set_slot(struct export_config *c, const char *v, char *mistake)
{
    uint64_t n;

    if (!number(v, 0, AOE_SLOT_ALL - 1, &n, mistake))
        return false;
    c->addr.slot = (uint8_t)n;
    return true;
}

static bool set_interfaces(struct export_config *c, const char *v,
                           char *mistake)
{
    return each_word(v, c, "no interface", add_interface, mistake);
}

static bool set_read_only(struct export_config *c, const char *v, char *mistake)
{
    return yes_or_no(v, &c->read_only, mistake);
}

static bool set_direct(struct export_config *c, const char *v, char *mistake)
{
    return yes_or_no(v, &c->direct, mistake);
}

static bool set_sync(struct export_config *c, const char *v, char *mistake)
{
    return yes_or_no(v, &c->sync, mistake);
}

static bool set_force_file(struct export_config *c, const char *v,
                           char *mistake)
{
    return yes_or_no(v, &c->force_file, mistake);
}

static bool set_force_address(struct export_config *c, const char *v,
                              char *mistake)
{
    return yes_or_no(v, &c->force_address, mistake);
}

static bool set_commit(struct export_config *c, const char *v, char *mistake)
{
    /* Longer than a year is a slip of the hand. */
    if (option_seconds(v, &c->commit_ns) ||
        c->commit_ns > 366 * 86400 * NS_PER_S)
        return wrong(mistake, v, "not a time in seconds");
    return true;
}

static bool set_offset(struct export_config *c, const char *v, char *mistake)
{
    return number(v, 0, SECTORS_MAX, &c->offset, mistake);
}

static bool set_length(struct export_config *c, const char *v, char *mistake)
{
    return number(v, 1, SECTORS_MAX, &c->length, mistake);
}

static bool set_buffer_count(struct export_config *c, const char *v,
                             char *mistake)
{
    uint64_t n;

    if (!number(v, 1, UINT16_MAX, &n, mistake))
        return false;
    /* vblade takes 1, with which Linux cannot use the disk. */
    c->buffer_count = n < BUFFERS_MIN ? BUFFERS_MIN : (uint16_t)n;
    return true;
}

static bool set_max_sectors(struct export_config *c, const char *v,
                            char *mistake)
{
    uint64_t n;

    if (!number(v, 1, UINT8_MAX, &n, mistake))
        return false;
    c->max_sectors = (uint8_t)n;
    return true;
}

static bool set_allow(struct export_config *c, const char *v, char *mistake)
{
    return each_word(v, &c->allow, "no MAC address", add_mac, mistake);
}

static bool set_remote_admin(struct export_config *c, const char *v,
                             char *mistake)
{
    if (strcmp(v, "yes") == 0 || strcmp(v, "no") == 0) {
        c->admins.count = 0;
        c->admin = *v == 'y' ? EXPORT_ADMIN_ALL : EXPORT_ADMIN_NONE;
        return true;
    }
    c->admin = EXPORT_ADMIN_LISTED;
    return each_word(v, &c->admins, "must be yes, no or MAC addresses", add_mac,
                     mistake);
}

static bool set_fault(struct export_config *c, const char *v, char *mistake)
{
    char *spec;

    if (store_fault_check(v))
        return wrong(mistake, v, "see --fault in aoe-target(8)");
    spec = strdup(v);
    if (!spec)
        return wrong(mistake, v, strerror(ENOMEM));
    free(c->fault);
    c->fault = spec;
    return true;
}

static const struct key {
    const char *name;
    bool list;
    bool (*set)(struct export_config *c, const char *v, char *mistake);
} keys[] = {
    {"file", false, set_file},
    {"shelf", false, set_shelf},
    {"slot", false, set_slot},
    {"interfaces", true, set_interfaces},
    {"read-only", false, set_read_only},
    {"direct", false, set_direct},
    {"sync", false, set_sync},
    {"commit", false, set_commit},
    {"offset", false, set_offset},
    {"length", false, set_length},
    {"buffer-count", false, set_buffer_count},
    {"max-sectors", false, set_max_sectors},
    {"allow", true, set_allow},
    {"remote-admin", true, set_remote_admin},
    {"fault", false, set_fault},
    {"force-file", false, set_force_file},
    {"force-address", false, set_force_address},
};

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

bool export_config_key_list(const char *name)
{
    const struct key *k = find_key(name);

    return k && k->list;
}

bool export_config_set(struct export_config *c, const char *name,
                       const char *value, char *mistake)
{
    const struct key *k = find_key(name);

    if (!k)
        return wrong(mistake, name, "no such key");
    return k->set(c, value, mistake);
}

const char *export_config_doubt(const struct export_config *c)
{
    if (c->addr.shelf == SHELF_IGNORED)
        return "the aoe driver of Linux ignores shelf 4095";
    return NULL;
}

/* ---- several together --------------------------------------------------- */

/* One interface name or glob of `from` into the names it stands for. */
static bool expand(struct export_config *to, const char *pattern,
                   char (*names)[LINK_NAME_MAX], unsigned count, char *mistake)
{
    char ignored[CONFIG_MISTAKE];
    bool any = false;

    if (!strpbrk(pattern, "*?["))
        return add_interface(to, pattern, mistake);
    for (unsigned i = 0; i < count; i++)
        if (fnmatch(pattern, names[i], 0) == 0) {
            any = true;
            if (to->interface_count == CONFIG_INTERFACES_MAX)
                return wrong(mistake, pattern, "too many interfaces");
            /* Two globs may well match the same one. */
            add_interface(to, names[i], ignored);
        }
    return any || wrong(mistake, pattern, "no interface is called so");
}

static bool meet(const struct export_config *a, const struct export_config *b)
{
    if (!aoe_addr_equal(a->addr, b->addr))
        return false;
    for (unsigned i = 0; i < a->interface_count; i++)
        for (unsigned j = 0; j < b->interface_count; j++)
            if (strcmp(a->interfaces[i], b->interfaces[j]) == 0)
                return true;
    return false;
}

unsigned config_resolve(struct config *c, char (*names)[LINK_NAME_MAX],
                        unsigned name_count, config_mistake *mistake, void *arg)
{
    char text[CONFIG_MISTAKE], addr[AOE_ADDR_TEXT];
    unsigned mistakes = 0;

    for (unsigned i = 0; i < c->count; i++) {
        struct export_config *e = &c->exports[i], found = {0};

        for (unsigned j = 0; j < e->interface_count; j++)
            if (!expand(&found, e->interfaces[j], names, name_count, text)) {
                mistake(arg, e->line, text);
                mistakes++;
            }
        memcpy(e->interfaces, found.interfaces, sizeof e->interfaces);
        e->interface_count = found.interface_count;
    }
    for (unsigned i = 0; i < c->count; i++)
        for (unsigned j = 0; j < i; j++)
            if (meet(&c->exports[i], &c->exports[j])) {
                snprintf(text, sizeof text,
                         "%s is there already, from line %u, on a common "
                         "interface",
                         aoe_addr_format(addr, c->exports[i].addr),
                         c->exports[j].line);
                mistake(arg, c->exports[i].line, text);
                mistakes++;
            }
    return mistakes;
}

unsigned config_interfaces(char (*names)[LINK_NAME_MAX], unsigned most)
{
    struct if_nameindex *all = if_nameindex();
    unsigned n = 0;

    for (struct if_nameindex *it = all; it && it->if_index && n < most; it++) {
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
