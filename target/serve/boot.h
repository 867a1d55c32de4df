/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loss epoch of an export across restarts (doc/vendor-words.md): a record
 * of 64 bytes in the state directory says whether the last stop was orderly,
 * that is, whether everything acknowledged was on the medium.
 */
#ifndef TARGET_SERVE_BOOT_H
#define TARGET_SERVE_BOOT_H

#include <stdbool.h>

#include "target/protocol/export.h"

struct boot;

/* The directory for such records: `state_dir` if given, else
 * /var/lib/aoe-target if it exists, else /run/aoe-target or
 * /var/run/aoe-target, which it creates.  NULL: there is none. */
const char *boot_directory(const char *state_dir);

/* Sets e->vendor, with the recorded epoch if nothing can have been lost since,
 * and records that the export is being served, so that a crash is noticed.
 * Returns NULL where nothing can be recorded (`directory` is NULL, the export
 * is read-only, or an error that is logged); then the epoch is new each time.
 */
struct boot *boot_begin(const char *directory, struct export *e);

/* The export is no longer served.  `clean`: everything acknowledged is on the
 * medium, and every client has been told of what was lost.  Frees `b`. */
void boot_end(struct boot *b, const struct export *e, bool clean);

#endif
