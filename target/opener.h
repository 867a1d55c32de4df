/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the configuration of an export to its store and its description.
 */
#ifndef TARGET_OPENER_H
#define TARGET_OPENER_H

#include "target/serve/exports.h"

struct opener {
    struct loop *loop;
    struct workers *workers;
    uint64_t wait_until; /* until when, for a process that has the file; of
                            clock_ns(), 0: do not */
};

/* exports_options.open; `arg` is a struct opener. */
int opener_open(void *arg, const struct export_config *c,
                struct store_nbd_dial *dial, struct export *e,
                struct store **out);

#endif
