/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What has been read so far: exports and comments, in order.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/import/import_parts.h"

int import_open(struct import **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return -ENOMEM;
    list_init(&(*out)->entries);
    return 0;
}

static void free_entry(struct import_entry *e)
{
    if (!e)
        return;
    free(e->note);
    free(e->places);
    if (e->export)
        export_config_free(e->export);
    free(e->export);
    free(e);
}

void import_close(struct import *im)
{
    if (!im)
        return;
    list_each(it, &im->entries) {
        list_remove(it);
        free_entry(list_entry(it, struct import_entry, link));
    }
    free(im);
}

unsigned import_exports(const struct import *im)
{
    return im->exports;
}

unsigned import_untranslated(const struct import *im)
{
    return im->untranslated;
}

/* "FILE:LINE", or NULL without memory. */
static char *place(struct import *im)
{
    char *text = NULL;
    int len = im->line ? asprintf(&text, "%s:%u", im->name, im->line)
                       : asprintf(&text, "%s", im->name);

    if (len >= 0)
        return text;
    im->err = -ENOMEM;
    return NULL;
}

static struct import_entry *new_entry(struct import *im)
{
    struct import_entry *e = calloc(1, sizeof *e);

    assert(im->name);
    if (e)
        e->places = place(im);
    if (e && e->places)
        return e;
    free_entry(e);
    im->err = -ENOMEM;
    return NULL;
}

/* ---- comments ----------------------------------------------------------- */

void import_note(struct import *im, const char *what, const char *why)
{
    struct import_entry *e = new_entry(im);

    im->found++;
    if (!e)
        return;
    if (asprintf(&e->note, "%s: %s: %s", e->places, what, why) < 0) {
        e->note = NULL;
        free_entry(e);
        im->err = -ENOMEM;
        return;
    }
    list_append(&im->entries, &e->link);
    im->untranslated++;
}

void import_notef(struct import *im, const char *what, const char *fmt, ...)
{
    char why[IMPORT_WHY];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    import_note(im, what, why);
}

/* ---- exports ------------------------------------------------------------ */

/* The second of two lines for one disk, on other interfaces. */
static void join(struct import *im, struct import_entry *to,
                 const struct export_config *e)
{
    char *here = place(im), *both = NULL, mistake[CONFIG_MISTAKE];

    for (unsigned i = 0; i < e->interface_count; i++) {
        bool there = false;

        for (unsigned j = 0; j < to->export->interface_count; j++)
            there |= strcmp(e->interfaces[i], to->export->interfaces[j]) == 0;
        if (!there && !export_config_set(to->export, "interfaces",
                                         e->interfaces[i], mistake))
            import_note(im, e->interfaces[i], mistake);
    }
    if (here && asprintf(&both, "%s, %s", to->places, here) >= 0) {
        free(to->places);
        to->places = both;
    }
    free(here);
}

static void append(struct import *im, struct export_config *e)
{
    struct import_entry *entry = new_entry(im);

    if (!entry)
        return;
    entry->export = malloc(sizeof *entry->export);
    if (!entry->export) {
        free_entry(entry);
        im->err = -ENOMEM;
        return;
    }
    *entry->export = *e;
    *e = (struct export_config){0};
    list_append(&im->entries, &entry->link);
    im->exports++;
}

static struct export_config *export_of(struct list *entry)
{
    return list_entry(entry, struct import_entry, link)->export;
}

/* Before it joins another one, whose interfaces may then collide. */
static bool collides(struct import *im, const struct export_config *e)
{
    char addr[AOE_ADDR_TEXT];

    list_each(it, &im->entries) {
        const struct export_config *other = export_of(it);
        const char *why;

        if (!other || import_same_disk(other, e))
            continue;
        why = import_collision(other, e);
        if (!why)
            continue;
        import_notef(im, aoe_addr_format(addr, e->addr), "%s (%.100s)", why,
                     list_entry(it, struct import_entry, link)->places);
        return true;
    }
    return false;
}

static bool joins(struct import *im, const struct export_config *e)
{
    list_each(it, &im->entries) {
        const struct export_config *other = export_of(it);

        if (!other || !import_same_disk(other, e))
            continue;
        join(im, list_entry(it, struct import_entry, link), e);
        return true;
    }
    return false;
}

void import_add(struct import *im, struct export_config *e)
{
    assert(e->path && e->interface_count > 0);
    im->found++;
    if (im->exports == IMPORT_EXPORTS_MAX)
        import_note(im, e->path, "there are too many exports");
    else if (!config_file_holds(e->path))
        import_note(im, e->path,
                    "the name has blanks or other bytes that a configuration "
                    "file cannot hold; give the file another name, or a "
                    "symbolic link");
    else if (!collides(im, e) && !joins(im, e))
        append(im, e);
    export_config_free(e);
}
