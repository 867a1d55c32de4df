/* SPDX-License-Identifier: BSD-2-Clause
 *
 * GLib's key files (Desktop Entry Specification, "Basic format of the file"):
 * groups of KEY=VALUE, of which a group may come twice and the last value of a
 * key counts.  Comments have lines of their own.
 */
#ifndef TARGET_IMPORT_INI_H
#define TARGET_IMPORT_INI_H

#include <stdbool.h>

struct import;

/* Far more than a machine has disks; each is looked for among all. */
enum { INI_LINES_MAX = 4096 };

struct ini_line {
    const char *group, *key, *value; /* in the text that was given */
    unsigned line;
};

struct ini {
    struct ini_line *lines; /* owned */
    unsigned count;
};

/* Takes `text` apart in place; it has to live as long.  A line that is none
 * becomes a comment of `im`.  0 or -ENOMEM, then with nothing to free. */
int ini_read(struct ini *out, struct import *im, char *text);
void ini_free(struct ini *i);

/* NULL: it is not there.  `line` may be NULL. */
const struct ini_line *ini_get(const struct ini *i, const char *group,
                               const char *key);
/* Whether no line before this one has the same group. */
bool ini_first(const struct ini *i, unsigned line);

#endif
