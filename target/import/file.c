/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading a file, and which format it has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/log.h"
#include "target/import/import_parts.h"

/* ---- bytes -------------------------------------------------------------- */

static int read_stream(FILE *file, char **out, size_t *len)
{
    char *text = malloc(IMPORT_FILE_MAX + 1);
    int err = 0;

    if (!text)
        return -ENOMEM;
    *len = fread(text, 1, IMPORT_FILE_MAX, file);
    if (ferror(file))
        err = errno ? -errno : -EIO;
    else if (*len == IMPORT_FILE_MAX)
        err = -EFBIG;
    else if (memchr(text, '\0', *len))
        err = -EILSEQ;
    if (err) {
        free(text);
        return err;
    }
    text[*len] = '\0';
    *out = text;
    return 0;
}

int import_read(const char *path, char **out, size_t *len)
{
    FILE *file = fopen(path, "re");
    int err;

    if (!file)
        return -errno;
    err = read_stream(file, out, len);
    fclose(file);
    return err;
}

/* ---- formats ------------------------------------------------------------ */

/* What the lines of a file look like. */
struct looks {
    bool sections, assignments, vblade, inittab;
};

static void look(void *arg, char *line)
{
    struct looks *l = arg;

    /* "[ -x /usr/sbin/vblade ]" begins with a blank. */
    l->sections |=
        *line == '[' && line[1] != ' ' && line[strlen(line) - 1] == ']';
    l->assignments |= import_is_assignment(line);
    l->vblade |= strstr(line, "vblade") != NULL;
    l->inittab |= import_is_inittab(line);
}

static void take_line(void *arg, char *line)
{
    struct import *im = arg;

    if (import_is_inittab(line))
        import_inittab(im, line);
    else
        import_command(im, line);
}

static void take_row(void *arg, char *line)
{
    import_table(arg, line);
}

static void take_text(struct import *im, char *text)
{
    struct looks l = {false};

    im->looking = true;
    import_lines(im, text, look, &l);
    im->looking = false;
    if (l.sections)
        import_ggaoed(im, text);
    else if (l.assignments)
        import_fragment(im, text);
    else if (l.vblade || l.inittab)
        import_lines(im, text, take_line, im);
    else
        import_lines(im, text, take_row, im);
    im->line = 0;
}

int import_text(struct import *im, const char *name, const char *text,
                size_t len)
{
    unsigned found = im->found;
    char *copy;

    if (memchr(text, '\0', len))
        return -EILSEQ;
    copy = strndup(text, len);
    if (!copy)
        return -ENOMEM;
    im->name = name;
    im->line = 0;
    take_text(im, copy);
    free(copy);
    if (im->err)
        return im->err;
    return im->found == found ? -ENODATA : 0;
}

static int say(const char *path, int err)
{
    if (err == -EILSEQ)
        log_error("%s: it has bytes that no text has", path);
    else if (err == -EFBIG)
        log_error("%s: larger than a configuration can be (%u bytes)", path,
                  (unsigned)IMPORT_FILE_MAX);
    else
        log_error("%s: %s", path, strerror(-err));
    return err;
}

int import_file(struct import *im, const char *path)
{
    bool input = strcmp(path, "-") == 0;
    size_t len = 0;
    char *text = NULL;
    int err = input ? read_stream(stdin, &text, &len)
                    : import_read(path, &text, &len);

    if (!text) /* err is set */
        return say(path, err);
    err = import_text(im, input ? "standard input" : path, text, len);
    free(text);
    return err;
}
