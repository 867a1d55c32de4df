/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Key files taken apart.
 */
#include "target/import/ini.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "target/import/import_parts.h"

static int add(struct ini *i, const char *group, char *key, char *value,
               unsigned line)
{
    struct ini_line *grown;

    if (i->count == INI_LINES_MAX)
        return -E2BIG;
    grown = array_resize(i->lines, i->count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    i->lines = grown;
    grown[i->count++] = (struct ini_line){.group = group,
                                          .key = text_trim(key),
                                          .value = text_trim(value),
                                          .line = line};
    return 0;
}

/* `*group` is the one that this line is in, and changes with it. */
static int take_line(struct ini *i, struct import *im, const char **group,
                     char *text)
{
    char *end;

    text = text_trim(text);
    if (*text == '\0' || *text == '#')
        return 0;
    end = strchr(text, *text == '[' ? ']' : '=');
    if (!end || (*text != '[' && !*group)) {
        import_note(im, text, "neither [GROUP] nor KEY = VALUE in one");
        return 0;
    }
    *end = '\0';
    if (*text != '[')
        return add(i, *group, text, end + 1, im->line);
    *group = text + 1;
    return 0;
}

int ini_read(struct ini *out, struct import *im, char *text)
{
    const char *group = NULL;
    unsigned line = 0;
    int err = 0;

    *out = (struct ini){0};
    while (text && !err) {
        char *next = strchr(text, '\n');

        if (next)
            *next++ = '\0';
        im->line = ++line;
        err = take_line(out, im, &group, text);
        text = next;
    }
    if (err == -E2BIG) {
        import_note(im, "from here on", "there are too many keys");
        return 0;
    }
    if (err)
        ini_free(out);
    return err;
}

void ini_free(struct ini *i)
{
    free(i->lines);
    *i = (struct ini){0};
}

const struct ini_line *ini_get(const struct ini *i, const char *group,
                               const char *key)
{
    for (unsigned j = i->count; j-- > 0;)
        if (strcmp(i->lines[j].group, group) == 0 &&
            strcmp(i->lines[j].key, key) == 0)
            return &i->lines[j];
    return NULL;
}

bool ini_first(const struct ini *i, unsigned line)
{
    for (unsigned j = 0; j < line; j++)
        if (strcmp(i->lines[j].group, i->lines[line].group) == 0)
            return false;
    return true;
}
