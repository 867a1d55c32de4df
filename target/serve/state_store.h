/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What clients have set on an export (config string, mask list, reservation)
 * survives a restart: a small file for each export, in a directory of ours.
 */
#ifndef TARGET_SERVE_STATE_STORE_H
#define TARGET_SERVE_STATE_STORE_H

#include <stdbool.h>

#include "base/list.h"
#include "target/protocol/export.h"
#include "target/store/workers.h"

struct state_store;

/* Called when what was set before state_store_save is on the disk, or with
 * -errno if it could not be written. */
struct state_save {
    void (*done)(struct state_save *w, int result);
    struct list link; /* private */
};

/* For one export, in an existing directory.  Loads its file into `e`; a damaged
 * one is renamed.  Says on standard error what is wrong.  0 or -errno. */
int state_store_open(struct state_store **out, const char *directory,
                     struct export *e, struct workers *workers);
/* No save may be pending. */
void state_store_close(struct state_store *s);

/* Saves the export as it is now; then `w`, which stays the caller's, is
 * called. */
void state_store_save(struct state_store *s, const struct export *e,
                      struct state_save *w);
/* Whether a change is not on the disk yet. */
bool state_store_behind(const struct state_store *s, const struct export *e);

#endif
