/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration file: sections of KEY = VALUE, a line each.  It is read
 * without a library, so that a static program for a NAS has it, too.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/text.h"
#include "target/config/config.h"

void config_print(const struct config *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        const struct export_config *e = &c->exports[i];
        char text[32]; /* AOE_ADDR_TEXT, AOE_MAC_TEXT */

        printf("[%s]\nfile = %s\ninterfaces =", aoe_addr_format(text, e->addr),
               e->path);
        for (unsigned j = 0; j < e->interface_count; j++)
            printf("%s %s", j ? "," : "", e->interfaces[j]);
        printf("\nread-only = %s\ndirect = %s\nsync = %s\n",
               e->read_only ? "yes" : "no", e->direct ? "yes" : "no",
               e->sync ? "yes" : "no");
        printf("commit = %g\noffset = %llu\n",
               (double)e->commit_ns / (double)NS_PER_S,
               (unsigned long long)e->offset);
        if (e->length)
            printf("length = %llu\n", (unsigned long long)e->length);
        printf("buffer-count = %u\n", e->buffer_count);
        if (e->max_sectors)
            printf("max-sectors = %u\n", e->max_sectors);
        for (unsigned j = 0; j < e->allow.count; j++)
            printf("allow = %s\n", aoe_mac_format(text, &e->allow.macs[j]));
        if (e->admin != EXPORT_ADMIN_LISTED)
            printf("remote-admin = %s\n",
                   e->admin == EXPORT_ADMIN_ALL ? "yes" : "no");
        for (unsigned j = 0; j < e->admins.count; j++)
            printf("remote-admin = %s\n",
                   aoe_mac_format(text, &e->admins.macs[j]));
        if (e->fault)
            printf("fault = %s\n", e->fault);
        if (e->force_file)
            puts("force-file = yes");
        if (e->force_address)
            puts("force-address = yes");
        putchar('\n');
    }
}

enum {
    KEYS_MAX = 32,
    EXPORTS_MAX = 65536,
    LINE_SIZE = PATH_MAX + 256, /* a path, its key and a comment */
};

struct reader {
    FILE *file;
    unsigned line;
    unsigned mistakes;
    config_mistake *mistake;
    void *arg;

    struct config *config;
    struct export_config defaults;
    /* The current section: an export, the defaults, or one that cannot be
     * used. */
    struct export_config *section;
    bool in_defaults, defaults_seen;
    bool has_shelf, has_slot;
    char name[64]; /* of the section, for messages */
    char given[KEYS_MAX][32];
    unsigned given_count;
    char key[32]; /* of the line before, which an indented one continues */
};

static void mistake_at(struct reader *r, unsigned line, const char *text)
{
    r->mistakes++;
    r->mistake(r->arg, line, text);
}

/* ---- sections ----------------------------------------------------------- */

static void end_section(struct reader *r)
{
    struct export_config *c = r->section;

    if (!c || r->in_defaults)
        return;
    if (!r->has_shelf || !r->has_slot)
        mistake_at(r, c->line,
                   "no shelf and slot: in the section's name, as [e1.2], or "
                   "as keys");
    if (!c->path)
        mistake_at(r, c->line, "no file");
    if (c->interface_count == 0)
        mistake_at(r, c->line, "no interfaces");
}

static void begin_export(struct reader *r)
{
    struct config *all = r->config;
    struct export_config *grown, *c;

    r->section = NULL;
    if (all->count == EXPORTS_MAX) {
        mistake_at(r, r->line, "too many exports");
        return;
    }
    grown = array_resize(all->exports, all->count + 1, sizeof *grown);
    if (grown)
        all->exports = grown;
    if (!grown || export_config_copy(&grown[all->count], &r->defaults)) {
        mistake_at(r, r->line, strerror(ENOMEM));
        return;
    }
    c = &all->exports[all->count++];
    c->line = r->line;
    r->has_shelf = r->has_slot = aoe_addr_scan(r->name, &c->addr) == 0;
    r->section = c;
}

static void begin_section(struct reader *r, const char *begin, const char *end)
{
    size_t len = (size_t)(end - begin);

    end_section(r);
    r->section = NULL;
    r->in_defaults = false;
    r->given_count = 0;
    if (len >= sizeof r->name) {
        mistake_at(r, r->line, "the section's name is too long");
        return;
    }
    memcpy(r->name, begin, len);
    r->name[len] = '\0';
    if (strcmp(r->name, "defaults") != 0) {
        begin_export(r);
        return;
    }
    if (r->defaults_seen || r->config->count > 0)
        mistake_at(r, r->line, "[defaults] must be the first section");
    r->in_defaults = r->defaults_seen = true;
    r->section = &r->defaults;
}

/* ---- keys and values ---------------------------------------------------- */

/* True: this key was given in this section before. */
static bool given_before(struct reader *r, const char *key)
{
    for (unsigned i = 0; i < r->given_count; i++)
        if (strcmp(r->given[i], key) == 0)
            return true;
    if (r->given_count < KEYS_MAX)
        snprintf(r->given[r->given_count++], sizeof r->given[0], "%s", key);
    return false;
}

/* A section's own list replaces that of the defaults. */
static void forget_default(struct export_config *c, const char *key)
{
    if (strcmp(key, "interfaces") == 0)
        c->interface_count = 0;
    else if (strcmp(key, "allow") == 0)
        c->allow.count = 0;
    else if (strcmp(key, "remote-admin") == 0)
        c->admins.count = 0;
}

/* An address belongs to one section and is given once. */
static bool misplaced(const struct reader *r, const char *key)
{
    struct aoe_addr addr;

    if (strcmp(key, "shelf") != 0 && strcmp(key, "slot") != 0)
        return false;
    return r->in_defaults || aoe_addr_scan(r->name, &addr) == 0;
}

static void take_key(struct reader *r, const char *key, const char *value)
{
    char why[CONFIG_MISTAKE], text[CONFIG_MISTAKE + 64];
    bool again;

    if (!r->section) {
        if (r->name[0] == '\0')
            mistake_at(r, r->line, "before the first [SECTION]");
        return;
    }
    again = given_before(r, key);
    if (!again)
        forget_default(r->section, key);
    if (again && !export_config_key_list(key)) {
        snprintf(text, sizeof text, "%.40s: given twice", key);
        mistake_at(r, r->line, text);
        return;
    }
    if (misplaced(r, key)) {
        snprintf(text, sizeof text, "%.40s: %s", key,
                 r->in_defaults ? "two disks cannot share an address"
                                : "the section's name says it already");
        mistake_at(r, r->line, text);
        return;
    }
    if (!export_config_set(r->section, key, value, why)) {
        snprintf(text, sizeof text, "%.40s: %s", key, why);
        mistake_at(r, r->line, text);
    }
    r->has_shelf |= strcmp(key, "shelf") == 0;
    r->has_slot |= strcmp(key, "slot") == 0;
}

/* ---- lines -------------------------------------------------------------- */

/* Without the blanks around it, and without the comment that ends it: a
 * semicolon behind a blank. */
static char *bare(char *text)
{
    size_t end = 0;

    while (text[end] && !(text[end] == ';' &&
                          (end == 0 || isspace((unsigned char)text[end - 1]))))
        end++;
    text[end] = '\0';
    return text_trim(text);
}

bool config_file_holds(const char *value)
{
    char text[LINE_SIZE];

    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return *value && strlen(value) < PATH_MAX &&
           strcmp(bare(strcpy(text, value)), value) == 0;
}

static void read_key(struct reader *r, char *text)
{
    char *value = strchr(text, '=');
    const char *key;

    *value++ = '\0';
    key = bare(text);
    snprintf(r->key, sizeof r->key, "%s", key);
    take_key(r, key, bare(value));
}

/* An indented line without a key goes on with the list of the line before. */
static void read_text(struct reader *r, char *text, bool indented)
{
    if (indented && r->given_count > 0)
        take_key(r, r->key, bare(text));
    else
        mistake_at(r, r->line, "neither KEY = VALUE nor [SECTION]");
}

static void read_line(struct reader *r, char *line)
{
    char *text = line, *end;

    /* Some editors write a byte order mark. */
    if (r->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
        line = text += 3;
    while (isspace((unsigned char)*text))
        text++;
    if (*text == '\0' || *text == ';' || *text == '#')
        return;
    end = *text == '[' ? strchr(text, ']') : NULL;
    if (end)
        begin_section(r, text + 1, end);
    else if (*text == '[')
        mistake_at(r, r->line, "a section's name without ]");
    else if (strchr(text, '='))
        read_key(r, text);
    else
        read_text(r, text, text > line);
}

/* Without its end.  NULL, or why the line cannot be used. */
static const char *next_line(FILE *file, char line[LINE_SIZE])
{
    const char *wrong = NULL;
    size_t len = 0;
    int c;

    while ((c = getc(file)) != EOF && c != '\n') {
        if (c == '\0')
            wrong = "a byte 0, which no text has";
        else if (len < LINE_SIZE - 1)
            line[len++] = (char)c;
        else if (!wrong)
            wrong = "the line is too long; a list may go on in a second line "
                    "with the same key";
    }
    line[len] = '\0';
    return wrong;
}

static void read_lines(struct reader *r)
{
    char line[LINE_SIZE] = "";

    while (!feof(r->file) && !ferror(r->file)) {
        const char *wrong = next_line(r->file, line);

        r->line++;
        if (wrong)
            mistake_at(r, r->line, wrong);
        else
            read_line(r, line);
    }
}

unsigned config_read(struct config *out, const char *path,
                     config_mistake *mistake, void *arg)
{
    struct reader r = {.mistake = mistake, .arg = arg, .config = out};

    *out = (struct config){0};
    r.file = fopen(path, "re");
    if (!r.file) {
        mistake_at(&r, 0, strerror(errno));
        return r.mistakes;
    }
    export_config_init(&r.defaults);
    read_lines(&r);
    end_section(&r);
    if (ferror(r.file))
        mistake_at(&r, 0, "reading it failed");
    if (r.mistakes == 0 && out->count == 0)
        mistake_at(&r, 0, "exports nothing");
    fclose(r.file);
    export_config_free(&r.defaults);
    if (r.mistakes)
        config_free(out);
    return r.mistakes;
}
