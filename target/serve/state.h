/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of a state file (state_store.h).
 */
#ifndef TARGET_SERVE_STATE_H
#define TARGET_SERVE_STATE_H

#include <stddef.h>

#include "target/protocol/export.h"

/* The largest size of a state file in bytes. */
enum { STATE_MAX = 32 * 1024 };

/* `allow` is the mask list that the owner gave.  Writes at most STATE_MAX
 * bytes and returns their number. */
size_t state_encode(char *out, const struct export *e,
                    const struct mac_list *allow);
/* Sets what the text says; the mask list only if the owner's is still what it
 * was: an owner's change since then takes precedence.  0, or -EBADMSG: not an
 * intact state file of this export; then nothing was set.  Cuts the text into
 * lines in place: it may be long, and a stack that was deep once stays. */
int state_decode(struct export *e, const struct mac_list *allow, char *text,
                 size_t len);

#endif
