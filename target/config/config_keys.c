/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys of an export and their values, read strictly.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "target/config/config_parts.h"
#include "target/store/store.h"

enum {
    BUFFERS_MIN = 2,
    /* Linux assumes that a disk there never had its address set. */
    SHELF_IGNORED = 4095,
};

#define SECTORS_MAX (UINT64_MAX / 2 / AOE_SECTOR)

/* ---- values ------------------------------------------------------------- */

bool config_wrong(char *mistake, const char *text, const char *why)
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
        return config_wrong(mistake, text, option_why(text, "not a number"));
    snprintf(why, sizeof why, "must be from %llu to %llu",
             (unsigned long long)min, (unsigned long long)max);
    return config_wrong(mistake, text, why);
}

static bool yes_or_no(const char *text, bool *out, char *mistake)
{
    *out = strcmp(text, "yes") == 0;
    if (*out || strcmp(text, "no") == 0)
        return true;
    return config_wrong(mistake, text, "must be yes or no");
}

/* Calls `add` for each comma-separated word. */
static bool each_word(const char *text, void *list, const char *none,
                      bool (*add)(void *list, const char *word, char *mistake),
                      char *mistake)
{
    char *copy = strdup(text), *save = NULL;
    bool any = false, good = copy != NULL;

    if (!copy)
        return config_wrong(mistake, text, strerror(ENOMEM));
    for (char *word = strtok_r(copy, ", \t", &save); word && good;
         word = strtok_r(NULL, ", \t", &save)) {
        any = true;
        good = add(list, word, mistake);
    }
    free(copy);
    return good && !any ? config_wrong(mistake, text, none) : good;
}

static bool add_mac(void *list, const char *word, char *mistake)
{
    struct aoe_mac mac;

    if (aoe_mac_scan(word, &mac))
        return config_wrong(mistake, word, "not a MAC address");
    if (aoe_mac_group(&mac))
        return config_wrong(mistake, word, "not the address of one machine");
    if (!mac_list_add(list, &mac, EXPORT_LIST_MAX))
        return config_wrong(mistake, word, "more than 255 addresses");
    return true;
}

bool config_add_interface(void *list, const char *name, char *mistake)
{
    struct export_config *c = list;

    if (strlen(name) >= LINK_NAME_MAX)
        return config_wrong(mistake, name, "too long for an interface");
    for (unsigned i = 0; i < c->interface_count; i++)
        if (strcmp(c->interfaces[i], name) == 0)
            return config_wrong(mistake, name, "named twice");
    if (c->interface_count == CONFIG_INTERFACES_MAX)
        return config_wrong(mistake, name, "too many interfaces");
    strcpy(c->interfaces[c->interface_count++], name);
    return true;
}

/* ---- keys --------------------------------------------------------------- */

static bool set_file(struct export_config *c, const char *v, char *mistake)
{
    char *path = strdup(v);

    if (!path || !*v) {
        free(path);
        return config_wrong(mistake, v, *v ? strerror(ENOMEM) : "no file");
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
    return each_word(v, c, "no interface", config_add_interface, mistake);
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
    /* More than a year must be a typing error. */
    if (option_seconds(v, &c->commit_ns) ||
        c->commit_ns > 366 * 86400 * NS_PER_S)
        return config_wrong(mistake, v, option_why(v, "not a time in seconds"));
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
    /* vblade accepts 1, with which Linux cannot use the disk. */
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
        return config_wrong(mistake, v, "see --fault in aoe-target(8)");
    spec = strdup(v);
    if (!spec)
        return config_wrong(mistake, v, strerror(ENOMEM));
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
        return config_wrong(mistake, name, "no such key");
    return k->set(c, value, mistake);
}

const char *export_config_doubt(const struct export_config *c)
{
    if (c->addr.shelf == SHELF_IGNORED)
        return "the aoe driver of Linux ignores shelf 4095";
    return NULL;
}
