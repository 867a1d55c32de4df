/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What clients have set on an export (config string, mask list, reservation)
 * survives a restart: a small file for each export.
 */
#ifndef TARGET_SERVE_STATE_H
#define TARGET_SERVE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "target/protocol/export.h"
#include "target/store/workers.h"

/* ---- target/serve/state.c: the file's text
 * --------------------------------------
 */

/* Most bytes a state file can have. */
enum { STATE_MAX = 32 * 1024 };

/* `allow` is the mask list that the owner gave.  Writes at most STATE_MAX
 * bytes and returns their number. */
size_t state_encode(char *out, const struct export *e,
                    const struct mac_list *allow);
/* Sets what the text says; the mask list only if the owner's is still what it
 * was, because his newest word counts.  0, or -EBADMSG: not a whole and
 * unchanged state file of this export; then nothing was set. */
int state_decode(struct export *e, const struct mac_list *allow,
                 const char *text, size_t len);

/* ---- target/serve/keeper.c: the file
 * --------------------------------------------
 */

struct keeper;

/* Told when what was set before keeper_save is on the disk, or could not be
 * brought there: -errno. */
struct keeper_wait {
    void (*done)(struct keeper_wait *w, int result);
    struct list link; /* private */
};

/* A keeper for one export, in a directory that exists.  Loads into `e` what the
 * file says; one that cannot be trusted is set aside.  Says on standard error
 * what is wrong.  0 or -errno. */
int keeper_open(struct keeper **out, const char *directory, struct export *e,
                struct workers *workers);
/* Nothing may be waiting. */
void keeper_close(struct keeper *k);

/* Saves the export as it is now; `w`, which is the caller's until then, is
 * told. */
void keeper_save(struct keeper *k, const struct export *e,
                 struct keeper_wait *w);
/* Whether something that was set is not on the disk. */
bool keeper_behind(const struct keeper *k, const struct export *e);

#endif
