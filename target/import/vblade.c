/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The arguments of vblade 25, as its main() reads them: getopt(3) with
 * "b:dsrm:o:l:", in the manner of GNU, which finds options behind arguments,
 * too; shelf, slot and -b by atoi(3), which are decimal and may be followed by
 * anything; -o and -l by strtoll(3), which takes 010 for eight.  Whatever it
 * takes for less than it looks like is not translated.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/import/import_parts.h"
#include "target/store/store_nbd.h"

enum { ARGUMENTS = 4 };

struct line {
    struct export_config export;
    const char *argument[ARGUMENTS];
    unsigned arguments;
    char why[IMPORT_WHY];
};

static bool wrong(struct line *l, const char *what, const char *text,
                  const char *why)
{
    snprintf(l->why, sizeof l->why, "%s \"%.60s\": %s", what, text, why);
    return false;
}

/* ---- values ------------------------------------------------------------- */

static bool set(struct line *l, const char *what, const char *key,
                const char *value)
{
    char mistake[CONFIG_MISTAKE];

    if (export_config_set(&l->export, key, value, mistake))
        return true;
    snprintf(l->why, sizeof l->why, "%s: %s", what, mistake);
    return false;
}

/* `base`: 10 as atoi(3), 0 as strtoll(3) with base 0. */
static bool number(struct line *l, const char *what, const char *key, int base,
                   const char *text)
{
    char *end, decimal[24];
    unsigned long long n;

    if (*text < '0' || *text > '9')
        return wrong(l, what, text, "not a number");
    errno = 0;
    n = strtoull(text, &end, base);
    if (errno)
        return wrong(l, what, text, "too large");
    snprintf(decimal, sizeof decimal, "%llu", n);
    if (*end) {
        snprintf(l->why, sizeof l->why, "%s \"%.60s\": vblade takes it for %s",
                 what, text, decimal);
        return false;
    }
    return set(l, what, key, decimal);
}

/* ---- options ------------------------------------------------------------ */

static bool needs_value(int option)
{
    return strchr("bmol", option) != NULL;
}

static bool take_value(struct line *l, int option, const char *value)
{
    switch (option) {
    case 'b':
        return number(l, "-b", "buffer-count", 10, value);
    case 'm':
        return set(l, "-m", "allow", value);
    case 'o':
        return number(l, "-o", "offset", 0, value);
    default:
        return number(l, "-l", "length", 0, value);
    }
}

static bool take_flag(struct line *l, int option)
{
    char text[] = {'-', (char)option, '\0'};

    switch (option) {
    case 'd':
        l->export.direct = true;
        return true;
    case 's':
        l->export.sync = true;
        return true;
    case 'r':
        l->export.read_only = true;
        return true;
    default:
        return wrong(l, "option", text, "vblade has no such option");
    }
}

/* "-rso", "8" or "-rso8".  `next` is NULL if nothing follows; it is used if
 * `*used`. */
static bool options(struct line *l, const char *word, const char *next,
                    bool *used)
{
    for (const char *c = word + 1; *c; c++) {
        if (!needs_value(*c)) {
            if (!take_flag(l, *c))
                return false;
            continue;
        }
        if (c[1])
            return take_value(l, *c, c + 1);
        if (!next)
            return wrong(l, "option", word, "needs an argument");
        *used = true;
        return take_value(l, *c, next);
    }
    return true;
}

static bool take_words(struct line *l, const char *const *argv, unsigned argc)
{
    bool plain = false; /* after "--" */

    for (unsigned i = 0; i < argc; i++) {
        bool used = false;

        if (!plain && strcmp(argv[i], "--") == 0) {
            plain = true;
        } else if (!plain && argv[i][0] == '-' && argv[i][1]) {
            if (!options(l, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used))
                return false;
            i += used;
        } else if (l->arguments == ARGUMENTS) {
            return wrong(l, "argument", argv[i], "one too many");
        } else {
            l->argument[l->arguments++] = argv[i];
        }
    }
    return true;
}

/* ---- arguments ---------------------------------------------------------- */

/* vblade knows one interface, by its name. */
static bool interface(struct line *l, const char *name)
{
    if (strpbrk(name, ",*?[ \t"))
        return wrong(l, "interface", name, "not a name");
    return set(l, "interface", "interfaces", name);
}

/* What aoe-target takes for an NBD server is a file for vblade. */
static bool file(struct line *l, const char *name)
{
    char path[IMPORT_LINE_MAX + 2];

    if (!store_nbd_uri(name))
        return set(l, "file", "file", name);
    snprintf(path, sizeof path, "./%s", name);
    return set(l, "file", "file", path);
}

static bool take_arguments(struct line *l)
{
    if (l->arguments < ARGUMENTS) {
        snprintf(l->why, sizeof l->why,
                 "vblade needs shelf, slot, interface and file");
        return false;
    }
    return number(l, "shelf", "shelf", 10, l->argument[0]) &&
           number(l, "slot", "slot", 10, l->argument[1]) &&
           interface(l, l->argument[2]) && file(l, l->argument[3]);
}

void import_vblade(struct import *im, const char *const *argv, unsigned argc,
                   const char *whole)
{
    struct line l = {.arguments = 0};

    export_config_init(&l.export);
    if (take_words(&l, argv, argc) && take_arguments(&l))
        import_add(im, &l.export);
    else
        import_note(im, whole, l.why);
    export_config_free(&l.export);
}
