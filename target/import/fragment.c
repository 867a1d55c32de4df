/* SPDX-License-Identifier: BSD-2-Clause
 *
 * /etc/vblade.conf.d/NAME.conf of Debian, vblade-persistence(5): assignments to
 * shelf, slot, netif, filename, options and ionice, read by a shell or by
 * systemd.  $options is split at blanks, and its quotes are no quotes.
 */
#include <string.h>

#include "target/import/import_parts.h"

enum { SHELF, SLOT, NETIF, FILENAME, OPTIONS, IONICE, NAMES };

static const char *const names[NAMES] = {"shelf",    "slot",    "netif",
                                         "filename", "options", "ionice"};

struct fragment {
    struct import *im;
    char value[NAMES][IMPORT_LINE_MAX];
    unsigned lines[NAMES]; /* where each was set; 0: nowhere */
    unsigned notes;        /* of what could not be read */
};

/* NAMES: none of them. */
static unsigned name_of(const char *word)
{
    unsigned i = 0;

    while (i < NAMES && (strncmp(word, names[i], strlen(names[i])) != 0 ||
                         word[strlen(names[i])] != '='))
        i++;
    return i;
}

bool import_is_assignment(const char *line)
{
    return name_of(line) < NAMES;
}

static void assign(struct fragment *f, const char *word, const char *line)
{
    unsigned i = name_of(word);

    if (i == NAMES) {
        import_note(f->im, line, "not a setting of vblade-persistence(5)");
        f->notes++;
        return;
    }
    /* A word is no longer than a line. */
    strcpy(f->value[i], word + strlen(names[i]) + 1);
    f->lines[i] = f->im->line;
}

static void take_line(void *arg, char *line)
{
    struct fragment *f = arg;
    const char *at = line;
    struct words w;

    while (words_next(&w, &at)) {
        if (w.odd) {
            import_note(f->im, line, w.odd);
            f->notes++;
            continue;
        }
        for (unsigned i = 0; i < w.count; i++)
            assign(f, w.word[i], line);
    }
}

/* Where the export was read: its last required line. */
static unsigned last_line(const struct fragment *f)
{
    unsigned last = 0;

    for (unsigned i = 0; i <= OPTIONS; i++)
        if (f->lines[i] > last)
            last = f->lines[i];
    return last;
}

static void take_disk(struct fragment *f)
{
    const char *argv[IMPORT_WORDS_MAX];
    unsigned argc = 0;
    char *save = NULL;

    for (char *word = strtok_r(f->value[OPTIONS], " \t\n", &save); word;
         word = strtok_r(NULL, " \t\n", &save)) {
        if (argc + 4 == IMPORT_WORDS_MAX) {
            import_note(f->im, "options", "there are too many");
            return;
        }
        argv[argc++] = word;
    }
    argv[argc++] = f->value[SHELF];
    argv[argc++] = f->value[SLOT];
    argv[argc++] = f->value[NETIF];
    argv[argc++] = f->value[FILENAME];
    import_vblade(f->im, argv, argc, "this disk");
}

void import_fragment(struct import *im, const char *text)
{
    struct fragment f = {.im = im};

    import_lines(im, text, take_line, &f);
    im->line = last_line(&f);
    if (f.notes)
        import_note(im, "this disk", "because of the line above");
    else
        for (unsigned i = 0; i <= FILENAME; i++)
            if (!f.value[i][0]) {
                import_notef(im, "this disk",
                             "vblade does not serve it either: %s is missing",
                             names[i]);
                return;
            }
    if (f.notes)
        return;
    take_disk(&f);
    im->line = f.lines[IONICE];
    if (f.value[IONICE][0])
        import_note(im, f.value[IONICE],
                    "start aoe-target with this ionice(1), if it still "
                    "matters");
}
