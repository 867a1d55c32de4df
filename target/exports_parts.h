/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/exports*.c share; for them only.
 */
#ifndef TARGET_EXPORTS_PARTS_H
#define TARGET_EXPORTS_PARTS_H

#include "target/exports.h"

/* An export and the disk it became. */
struct entry {
    struct exports *exports;
    struct export_config config;
    struct disk *disk;     /* NULL: something is in its way */
    struct export *before; /* what the disk it replaces was like, or NULL */
    bool keep_mask;        /* and so should be its mask list */
    bool keep;             /* it is in the new configuration, too */
    bool leaving;          /* removed, but not done with what it took */
    struct list link;      /* in `serving` or `waiting` */
};

struct exports {
    struct exports_options options;
    struct list serving;
    struct list waiting; /* for those that are leaving */
    struct list waits;   /* of exports_wait.link */
};

static inline struct entry *entry_of(struct list *node)
{
    return list_entry(node, struct entry, link);
}

/* Takes over what is in `c`.  NULL after saying why. */
struct entry *entry_new(struct exports *x, struct export_config *c);
void entry_free(struct entry *e);

/* Opens the storage and makes it a disk of the server's.  0, or -errno after
 * saying what went wrong. */
int entry_open(struct exports *x, struct entry *e);
/* Serves the disk on its interfaces; 0, or -errno after saying why not. */
int entry_serve(struct exports *x, struct entry *e);
/* One line that it is served. */
void entry_say(const struct entry *e);

#endif
