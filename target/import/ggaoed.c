/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ggaoed.conf(5) of ggaoed 1.1: [defaults], [acls], groups that have a shelf,
 * which are disks, and groups that have none, which are interfaces.
 */
#include "target/import/ggaoed.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "target/store/store_nbd.h"

/* struct aoe_ata_hdr, which ggaoed takes off the MTU. */
enum { FRAME_HEADER = 36, SECTOR_BITS = 9 };

struct disk {
    const struct ini *ini;
    const char *group;
    struct export_config export;
    char why[IMPORT_WHY];
};

/* ---- values ------------------------------------------------------------- */

static bool wrong(struct disk *d, const char *key, const char *why)
{
    snprintf(d->why, sizeof d->why, "%.40s: %.200s", key, why);
    return false;
}

static bool set(struct disk *d, const char *key, const char *ours,
                const char *value)
{
    char mistake[CONFIG_MISTAKE];

    return export_config_set(&d->export, ours, value, mistake) ||
           wrong(d, key, mistake);
}

/* A key of the group or, if it has none, of [defaults]. */
static const struct ini_line *inherited(const struct disk *d, const char *key)
{
    const struct ini_line *own = ini_get(d->ini, d->group, key);

    return own ? own : ini_get(d->ini, "defaults", key);
}

/* g_key_file_get_boolean() */
static bool flag(struct disk *d, const char *key, const struct ini_line *line,
                 bool *out)
{
    if (!line)
        return true;
    *out = strcmp(line->value, "true") == 0 || strcmp(line->value, "1") == 0;
    return *out || strcmp(line->value, "false") == 0 ||
           strcmp(line->value, "0") == 0 ||
           wrong(d, key, "neither true nor false");
}

/* g_key_file_get_integer() is decimal. */
static bool decimal(struct disk *d, const char *key, const char *ours,
                    const struct ini_line *line)
{
    const char *digits;

    if (!line)
        return true;
    digits = line->value;
    if (!*digits || digits[strspn(digits, "0123456789")])
        return wrong(d, key, "not a number");
    while (digits[0] == '0' && digits[1])
        digits++;
    return set(d, key, ours, digits);
}

/* ---- where it is -------------------------------------------------------- */

static bool where(struct disk *d)
{
    const struct ini_line *path = ini_get(d->ini, d->group, "path");
    const struct ini_line *uuid = ini_get(d->ini, d->group, "uuid");
    char name[300];

    if (!path == !uuid)
        return wrong(d, "path", "ggaoed wants either path or uuid");
    if (path && strchr(path->value, '\\'))
        return wrong(d, "path", "it has an escape sequence");
    if (path) {
        snprintf(name, sizeof name, "%s%.250s",
                 store_nbd_uri(path->value) ? "./" : "", path->value);
        return strlen(path->value) > 250 ? wrong(d, "path", "it is too long")
                                         : set(d, "path", "file", name);
    }
    if (strlen(uuid->value) > 64 || strchr(uuid->value, '/') || !*uuid->value)
        return wrong(d, "uuid", "it is none");
    snprintf(name, sizeof name, "/dev/disk/by-uuid/%s", uuid->value);
    return set(d, "uuid", "file", name);
}

/* ---- interfaces --------------------------------------------------------- */

static bool pattern(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

struct listens {
    const char *element;
    bool found;
};

static bool compare(void *arg, const char *name)
{
    struct listens *l = arg;

    l->found |= strcmp(name, "*") == 0 || strcmp(name, l->element) == 0 ||
                (!pattern(l->element) && fnmatch(name, l->element, 0) == 0);
    return true;
}

/* A disk is served where it says, of the interfaces that [defaults] names. */
static bool one_interface(void *arg, const char *element)
{
    struct disk *d = arg;
    const struct ini_line *all = ini_get(d->ini, "defaults", "interfaces");
    struct listens l = {.element = element};

    if (all && *all->value) {
        ggaoed_each(all->value, compare, &l);
        if (!l.found)
            return wrong(d, "interfaces",
                         "not one of those that [defaults] names");
    }
    return set(d, "interfaces", "interfaces", element);
}

static bool interfaces(struct disk *d)
{
    const struct ini_line *own = ini_get(d->ini, d->group, "interfaces");

    if (!own || !*own->value)
        own = ini_get(d->ini, "defaults", "interfaces");
    if (!own || !*own->value)
        return set(d, "interfaces", "interfaces", "*");
    snprintf(d->why, sizeof d->why, "interfaces: a name is too long");
    return ggaoed_each(own->value, one_interface, d);
}

/* ---- the rest ----------------------------------------------------------- */

static bool frame(struct disk *d)
{
    const struct ini_line *line = ini_get(d->ini, "defaults", "mtu");
    char sectors[16];
    uint64_t mtu;

    if (!line || strcmp(line->value, "0") == 0)
        return true;
    if (option_u64(line->value, FRAME_HEADER, UINT16_MAX, &mtu))
        return wrong(d, "mtu", "not a number of bytes");
    snprintf(sectors, sizeof sectors, "%u",
             (unsigned)(mtu - FRAME_HEADER) >> SECTOR_BITS);
    return set(d, "mtu", "max-sectors", sectors);
}

static bool translate(struct disk *d)
{
    const struct ini *i = d->ini;

    d->export.direct = true; /* ggaoed's default */
    return decimal(d, "shelf", "shelf", ini_get(i, d->group, "shelf")) &&
           (ini_get(i, d->group, "slot") || wrong(d, "slot", "missing")) &&
           decimal(d, "slot", "slot", ini_get(i, d->group, "slot")) &&
           where(d) && interfaces(d) &&
           decimal(d, "queue-length", "buffer-count",
                   inherited(d, "queue-length")) &&
           flag(d, "direct-io", inherited(d, "direct-io"), &d->export.direct) &&
           flag(d, "read-only", ini_get(i, d->group, "read-only"),
                &d->export.read_only) &&
           frame(d) && ggaoed_access(i, d->group, &d->export.allow, d->why);
}

static void take_disk(struct import *im, const struct ini *i, const char *group)
{
    struct disk d = {.ini = i, .group = group};
    char name[80];

    export_config_init(&d.export);
    snprintf(name, sizeof name, "[%.70s]", group);
    if (translate(&d))
        import_add(im, &d.export);
    else
        import_note(im, name, d.why);
    export_config_free(&d.export);
}

/* ---- keys --------------------------------------------------------------- */

/* What has no counterpart; with `only`, if it has this value. */
static const struct {
    const char *key, *only, *why;
} untranslated[] = {
    {"trace-io", "true", "start aoe-target with -vv"},
    {"broadcast", "false", "aoe-target announces a disk to everybody"},
    {"ring-buffer-size", NULL, "aoe-target sizes its buffers itself"},
    {"send-buffer-size", NULL, "aoe-target sizes its buffers itself"},
    {"receive-buffer-size", NULL, "aoe-target sizes its buffers itself"},
    {"buffers", NULL, "aoe-target sizes its buffers itself"},
    {"tx-ring-bug", NULL, "aoe-target needs no such help"},
    {"max-delay", NULL, "aoe-target orders requests itself"},
    {"merge-delay", NULL, "aoe-target merges requests itself"},
    {"pid-file", NULL, "aoe-target writes none; whoever starts it knows"},
    {"control-socket", NULL, "start aoe-target with --control PATH"},
    {"state-directory", NULL,
     "start aoe-target with --state-dir DIR; what is saved has another format"},
};

/* True: translated where the disks are. */
static bool translated(const char *key, bool disk, bool defaults)
{
    static const char *const both[] = {"queue-length", "direct-io",
                                       "interfaces"};
    static const char *const disks[] = {"path",   "uuid", "shelf",    "slot",
                                        "accept", "deny", "read-only"};

    for (size_t i = 0; (disk || defaults) && i < sizeof both / sizeof both[0];
         i++)
        if (strcmp(key, both[i]) == 0)
            return true;
    for (size_t i = 0; disk && i < sizeof disks / sizeof disks[0]; i++)
        if (strcmp(key, disks[i]) == 0)
            return true;
    return defaults && strcmp(key, "mtu") == 0;
}

static void take_key(struct import *im, const struct ini_line *l, bool disk)
{
    char what[IMPORT_WHY];

    if (translated(l->key, disk, strcmp(l->group, "defaults") == 0))
        return;
    snprintf(what, sizeof what, "[%.70s] %.70s = %.140s", l->group, l->key,
             l->value);
    for (size_t i = 0; i < sizeof untranslated / sizeof untranslated[0]; i++) {
        const char *only = untranslated[i].only;

        if (strcmp(l->key, untranslated[i].key) != 0)
            continue;
        if (!only || strcmp(l->value, only) == 0)
            import_note(im, what, untranslated[i].why);
        return;
    }
    if (!disk && strcmp(l->key, "mtu") == 0)
        import_note(im, what, "set the MTU of the interface itself");
    else
        import_note(im, what, "ggaoed 1.1 has no such key here");
}

void import_ggaoed(struct import *im, char *text)
{
    struct ini ini;
    int err = ini_read(&ini, im, text);

    if (err) {
        im->err = err;
        return;
    }
    for (unsigned i = 0; i < ini.count; i++) {
        const struct ini_line *l = &ini.lines[i];
        bool disk = strcmp(l->group, "defaults") != 0 &&
                    ini_get(&ini, l->group, "shelf");

        im->line = l->line;
        if (strcmp(l->group, "acls") == 0)
            continue; /* where it is used */
        if (disk && ini_first(&ini, i))
            take_disk(im, &ini, l->group);
        take_key(im, l, disk);
    }
    ini_free(&ini);
}
