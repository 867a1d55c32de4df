/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Parses lines of proc_pid_mountinfo(5):
 *
 *   ID PARENT MAJOR:MINOR ROOT DIR OPTIONS [TAG]... - TYPE SOURCE SUPER_OPTIONS
 *
 * or of proc_pid_mounts(5):
 *
 *   SOURCE DIR TYPE OPTIONS 0 0
 */
#include "base/mount_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool octal(char c)
{
    return c >= '0' && c <= '7';
}

void mount_table_unescape(char *text)
{
    char *to = text;

    while (*text) {
        if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
            octal(text[2]) && octal(text[3])) {
            *to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
                           (text[3] - '0'));
            text += 4;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

/* "/proc/self/mountinfo" becomes "/proc/self/mounts". */
static bool older_name(const char *path, char *out, size_t capacity)
{
    static const char name[] = "mountinfo";
    size_t length = strlen(path), behind = sizeof name - 1;

    if (length < behind || strcmp(path + length - behind, name) != 0)
        return false;
    return snprintf(out, capacity, "%.*smounts", (int)(length - behind), path) <
           (int)capacity;
}

int mount_table_open(struct mount_table *t, const char *path)
{
    char older[128];

    memset(t, 0, sizeof *t);
    t->file = fopen(path, "re");
    if (t->file || errno != ENOENT)
        return t->file ? 0 : -errno;
    t->brief = older_name(path, older, sizeof older);
    t->file = t->brief ? fopen(older, "re") : NULL;
    return t->file ? 0 : -ENOENT;
}

void mount_table_close(struct mount_table *t)
{
    if (t->file)
        fclose(t->file);
    free(t->line);
    memset(t, 0, sizeof *t);
}

void mount_table_rewind(struct mount_table *t)
{
    if (t->file)
        rewind(t->file);
}

/* A source may be empty: between two spaces in a row there is a field. */
static char *field(char **rest)
{
    return strsep(rest, " ");
}

static bool skip_tags(char **rest)
{
    const char *tag;

    do
        tag = field(rest);
    while (tag && strcmp(tag, "-") != 0);
    return tag != NULL;
}

/* False: the line ended early. */
static bool fill(struct mount_entry *out, char *dir, char *type, char *source,
                 char *super_options)
{
    if (!super_options)
        return false;
    mount_table_unescape(dir);
    mount_table_unescape(type);
    mount_table_unescape(source);
    out->dir = dir;
    out->type = type;
    out->source = source;
    out->super_options = super_options;
    return true;
}

static bool parse(char *line, struct mount_entry *out)
{
    char *rest = line, *dir, *type, *source;

    line[strcspn(line, "\n")] = '\0';
    field(&rest); /* ID */
    field(&rest); /* PARENT */
    out->device = field(&rest);
    field(&rest); /* ROOT */
    dir = field(&rest);
    field(&rest); /* OPTIONS of this mount */
    if (!dir || !skip_tags(&rest))
        return false;
    type = field(&rest);
    source = field(&rest);
    return fill(out, dir, type, source, field(&rest));
}

static bool parse_brief(char *line, struct mount_entry *out)
{
    char *rest = line, *source, *dir, *type;

    line[strcspn(line, "\n")] = '\0';
    source = field(&rest);
    dir = field(&rest);
    type = field(&rest);
    out->device = "";
    return fill(out, dir, type, source, field(&rest));
}

bool mount_table_next(struct mount_table *t, struct mount_entry *out)
{
    while (t->file && getline(&t->line, &t->capacity, t->file) > 0)
        if (t->brief ? parse_brief(t->line, out) : parse(t->line, out))
            return true;
    return false;
}

const char *mount_entry_option(const struct mount_entry *e, const char *name)
{
    size_t length = strlen(name);
    const char *option = e->super_options;

    while (option) {
        if (strncmp(option, name, length) == 0 && option[length] == '=')
            return option + length + 1;
        option = strchr(option, ',');
        if (option)
            option++;
    }
    return NULL;
}
