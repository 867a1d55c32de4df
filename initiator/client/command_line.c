/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Options as getopt_long(3) has them: "-w5", "-w 5", "-fv", "--wait=5", "--wait
 * 5", "--wai 5".  Not getopt itself, which keeps its state from one parse to
 * the next, and on some systems stops at the first word that is not an option.
 */
#include "initiator/client/command_line.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"

enum { ROWS_MAX = 40, HELP_COLUMN = 25, WHAT_MAX = 128 };

static const struct option_row help_row = {"help", 'h', NULL, "show this",
                                           NULL,   0,   0};

struct parser {
    const struct command_line *line;
    struct client_options *shared;
    void *own;
    /* What the command takes: its own rows, those of the table, and help. */
    const struct option_row *rows[ROWS_MAX];
    size_t row_count;
    char **next; /* the next word to parse; NULL ends them */
};

/* ---- the rows ------------------------------------------------------------ */

static void add_row(struct parser *p, const struct option_row *row)
{
    assert(p->row_count < ROWS_MAX);
    p->rows[p->row_count++] = row;
}

static void add_rows(struct parser *p)
{
    const struct option_row *row;

    for (row = p->line->own; row && row->name; row++)
        add_row(p, row);
    for (row = client_option_rows; row->name; row++)
        if (row->bit & p->line->shared)
            add_row(p, row);
    add_row(p, &help_row);
}

static const struct option_row *by_letter(const struct parser *p, char letter)
{
    for (size_t i = 0; i < p->row_count; i++)
        if (p->rows[i]->letter == letter)
            return p->rows[i];
    return NULL;
}

/* Also by an unambiguous prefix of its name; NULL with *many set: it is
 * ambiguous. */
static const struct option_row *by_name(const struct parser *p,
                                        const char *name, size_t length,
                                        bool *many)
{
    const struct option_row *found = NULL;

    *many = false;
    for (size_t i = 0; i < p->row_count; i++) {
        if (length == 0 || strncmp(p->rows[i]->name, name, length) != 0)
            continue;
        if (!p->rows[i]->name[length]) {
            *many = false;
            return p->rows[i];
        }
        *many = found != NULL || *many;
        found = p->rows[i];
    }
    return *many ? NULL : found;
}

/* ---- help ---------------------------------------------------------------- */

/* "  -w, --wait SECONDS". */
static int print_left(const struct option_row *row)
{
    int used = row->letter ? printf("  -%c, ", row->letter) : printf("      ");

    used += printf("--%s", row->name);
    return used + (row->value ? printf(" %s", row->value) : 0);
}

static void print_row(const struct parser *p, const struct option_row *row)
{
    int used = print_left(row);

    if (used >= HELP_COLUMN) {
        putchar('\n');
        used = 0;
    }
    printf("%*s", HELP_COLUMN - used, "");
    for (const char *c = row->help; *c; c++)
        if (*c == '\n')
            printf("\n%*s", HELP_COLUMN, "");
        else
            putchar(*c);
    if (row->bit == OPTION_WAIT)
        printf(" (%g)", (double)p->shared->wait / (double)NS_PER_S);
    putchar('\n');
}

static int print_help(const struct parser *p)
{
    printf("%s\n\n", p->line->usage);
    for (size_t i = 0; i < p->row_count; i++)
        print_row(p, p->rows[i]);
    if (p->line->notes)
        printf("\n%s\n", p->line->notes);
    return EXIT_DONE;
}

/* ---- wrong usage --------------------------------------------------------- */

int command_line_wrong(const struct command_line *line, const char *what,
                       const char *value, const char *why)
{
    log_error("%s: %s%s%s%s%s; see %s %s --help", line->command, what,
              value ? " " : "", value ? value : "", why ? ": " : "",
              why ? why : "", line->program, line->command);
    return EXIT_USAGE;
}

int command_line_disk(const struct command_line *line, const char *name,
                      uint16_t *shelf, uint8_t *slot)
{
    if (aoe_name_parse(name, shelf, slot))
        return command_line_wrong(line, "disk", name,
                                  "not a disk name like e1.2");
    return -1;
}

int command_line_add_disk(const struct command_line *line, const char *name,
                          struct disk_names *disks)
{
    struct disk_name d;
    int status = command_line_disk(line, name, &d.shelf, &d.slot);

    if (status >= 0)
        return status;
    for (unsigned i = 0; i < disks->count; i++)
        if (disks->of[i].shelf == d.shelf && disks->of[i].slot == d.slot)
            return command_line_wrong(line, "disk", name, "named twice");
    if (disks->count == DISK_NAMES_MAX)
        return command_line_wrong(line, "disk", name, "more than 64 disks");
    disks->of[disks->count++] = d;
    return -1;
}

/* ---- parsing ------------------------------------------------------------- */

static int take(struct parser *p, const struct option_row *row,
                const char *value)
{
    char what[WHAT_MAX];
    const char *why;

    if (row == &help_row)
        return print_help(p);
    why = option_row_set(row, row->bit ? (void *)p->shared : p->own, value);
    if (why && value)
        why = option_why(value, why);
    if (!why)
        return -1;
    if (!*why)
        return EXIT_USAGE;
    snprintf(what, sizeof what, "--%s", row->name);
    return command_line_wrong(p->line, what, value && !*value ? "\"\"" : value,
                              why);
}

/* The value of an option that has none in its own word: the next word. */
static int take_next(struct parser *p, const struct option_row *row,
                     const char *what)
{
    const char *value = row->value ? *p->next : NULL;

    if (row->value && !value)
        return command_line_wrong(p->line, what, NULL, "needs a value");
    if (value)
        p->next++;
    return take(p, row, value);
}

/* "-fv", "-w5", "-w 5"; `word` begins after the dash. */
static int take_letters(struct parser *p, const char *word)
{
    int status = -1;

    while (status < 0 && *word) {
        char what[] = {'-', *word++, '\0'};
        const struct option_row *row = by_letter(p, what[1]);

        if (!row)
            return command_line_wrong(p->line, what, NULL, "no such option");
        if (row->value && *word)
            return take(p, row, word);
        status = take_next(p, row, what);
    }
    return status;
}

/* "--wait=5", "--wait 5". */
static int take_name(struct parser *p, const char *word)
{
    size_t length = strcspn(word + 2, "=");
    const char *value = word[2 + length] ? word + 2 + length + 1 : NULL;
    const struct option_row *row;
    bool many;

    row = by_name(p, word + 2, length, &many);
    if (!row)
        return command_line_wrong(p->line, word, NULL,
                                  many ? "ambiguous option" : "no such option");
    if (value && !row->value)
        return command_line_wrong(p->line, word, NULL, "takes no value");
    return value ? take(p, row, value) : take_next(p, row, word);
}

int command_line_parse(const struct command_line *line,
                       struct client_options *o, void *own, int *argc,
                       char **argv)
{
    struct parser p = {.line = line, .shared = o, .own = own, .next = argv + 1};
    bool options = true; /* no "--" yet */
    int status = -1;

    assert(*argc > 0 && !argv[*argc]);
    assert(o || !(line->shared & ~(unsigned)OPTION_VERBOSE));
    add_rows(&p);
    *argc = 0;
    while (status < 0 && *p.next) {
        char *word = *p.next++;

        if (!options || word[0] != '-' || !word[1])
            argv[(*argc)++] = word;
        else if (word[1] != '-')
            status = take_letters(&p, word + 1);
        else if (word[2])
            status = take_name(&p, word);
        else
            options = false;
    }
    argv[*argc] = NULL;
    return status;
}
