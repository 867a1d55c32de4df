/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What outlives the target of an export's loss epoch (doc/vendor-words.md): a
 * record of 64 bytes in the state directory that says whether the last stop
 * was orderly, so that all that had been answered was on the medium.
 */
#ifndef TARGET_SERVE_BOOT_H
#define TARGET_SERVE_BOOT_H

#include <stdbool.h>

#include "target/protocol/export.h"

struct boot;

/* The directory for such records: `state_dir` if that is given, else
 * /var/lib/aoe-target if it is there, else /run/aoe-target or
 * /var/run/aoe-target, which are made.  NULL: there is none. */
const char *boot_directory(const char *state_dir);

/* Sets e->vendor, with the epoch that was if nothing can have been lost since,
 * and records that the export is being served, so that a crash is noticed.
 * Where nothing can be recorded (`directory` NULL, or said in the debug log)
 * the epoch is a new one each time.  NULL: nothing is recorded. */
struct boot *boot_begin(const char *directory, struct export *e);

/* The export is not served any longer.  `clean`: all that was answered is on
 * the medium, and nobody has lost anything without having heard it. */
void boot_end(struct boot *b, const struct export *e, bool clean);

#endif
