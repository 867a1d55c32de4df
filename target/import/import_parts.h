/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/import share; for them only.
 */
#ifndef TARGET_IMPORT_IMPORT_PARTS_H
#define TARGET_IMPORT_IMPORT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "target/config/config.h"
#include "target/import/import.h"

enum {
    IMPORT_FILE_MAX = 1 << 20, /* bytes of a file */
    IMPORT_LINE_MAX = 4096, /* bytes of a line, continuation lines included */
    IMPORT_WORDS_MAX = 64,  /* words of a command */
    IMPORT_EXPORTS_MAX = 4096,
    IMPORT_WHY = CONFIG_MISTAKE + 100, /* bytes of a reason */
};

/* An export, or a comment about what is none. */
struct import_entry {
    struct list link;
    char *note;   /* owned; NULL: an export */
    char *places; /* owned: where it was read, separated by commas */
    struct export_config *export; /* owned; NULL: a comment */
};

struct import {
    struct list entries;
    unsigned exports, untranslated;
    unsigned found; /* commands that start a disk, whatever became of them */
    bool looking;   /* a first pass, which says nothing */
    /* What is being read, for comments; line 0: all of it. */
    const char *name;
    unsigned line;
    int err; /* -ENOMEM once memory ran out */
};

/* ---- target/import/import.c --------------------------------------------- */

/* Adds an export and takes over its contents.  It joins one that differs only
 * in its interfaces; one that collides with another becomes a comment. */
void import_add(struct import *im, struct export_config *e);
/* Says that `what` was not translated.  Either may be long; the comment is
 * wrapped, and bytes that are no text are replaced. */
void import_note(struct import *im, const char *what, const char *why);
/* A reason made of parts. */
void import_notef(struct import *im, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- target/import/collide.c -------------------------------------------- */

/* Two exports that differ in nothing but their interfaces. */
bool import_same_disk(const struct export_config *a,
                      const struct export_config *b);
/* Why one process cannot serve both; NULL: it can. */
const char *import_collision(const struct export_config *a,
                             const struct export_config *b);

/* ---- target/import/words.c ---------------------------------------------- */

/* One command of a shell line. */
struct words {
    char text[IMPORT_LINE_MAX]; /* the words, each with its 0 byte */
    char *word[IMPORT_WORDS_MAX];
    unsigned count;
    const char *odd; /* what only a shell could make of it; NULL: nothing */
};

/* Takes the next command from `*at`, of less than IMPORT_LINE_MAX bytes, and
 * moves `*at` behind it.  Quotes are removed and redirections left out.  False:
 * nothing was left. */
bool words_next(struct words *w, const char **at);
/* The word without its directory. */
const char *words_program(const char *word);

/* ---- target/import/vblade.c --------------------------------------------- */

/* The arguments that follow vblade's name.  `whole` is the line they are from,
 * for comments. */
void import_vblade(struct import *im, const char *const *argv, unsigned argc,
                   const char *whole);

/* ---- target/import/command.c -------------------------------------------- */

/* Commands of a shell, of which only those matter that start vblade. */
void import_command(struct import *im, const char *line);

/* ---- target/import/lines.c ---------------------------------------------- */

/* Calls `each` for every line that is not empty and no comment, without blanks
 * at its ends, and sets im->line.  A backslash at the end continues a line. */
void import_lines(struct import *im, const char *text,
                  void (*each)(void *arg, char *line), void *arg);
/* inittab, /etc/vblade.conf, a script: by what its lines look like. */
void import_table(struct import *im, const char *line);
void import_inittab(struct import *im, char *line);
bool import_is_inittab(const char *line);

/* ---- target/import/fragment.c ------------------------------------------- */

/* A file of /etc/vblade.conf.d. */
void import_fragment(struct import *im, const char *text);
bool import_is_assignment(const char *line);

/* ---- target/import/persist.c -------------------------------------------- */

/* One directory of vblade-persist, whose name is im->name. */
void import_persist(struct import *im);

/* ---- target/import/file.c ----------------------------------------------- */

/* The contents of a file, with a 0 byte after them, to be freed.  0 or -errno;
 * -EFBIG: more than IMPORT_FILE_MAX; -EILSEQ: it is no text. */
int import_read(const char *path, char **out, size_t *len);
/* import_path() of a file, or of standard input. */
int import_file(struct import *im, const char *path);

/* ---- target/import/ggaoed.c --------------------------------------------- */

/* Changes `text`. */
void import_ggaoed(struct import *im, char *text);

#endif
