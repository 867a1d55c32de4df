/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Two writers under one file system destroy it: what is to be exported is
 * opened here, and only if nobody else uses it.
 */
#ifndef TARGET_STORE_CLAIM_H
#define TARGET_STORE_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

struct claim {
    const char *path;
    bool read_only;
    bool force; /* warn, and go on */
    /* How long to wait for a program that uses it and may be ending: until this
     * time of clock_ns().  0: not at all. */
    uint64_t wait_until;
    struct loop *loop; /* whose signals end that wait */
    /* The part that is exported, in bytes; others may export other parts.
     * length 0: to the end. */
    uint64_t offset, length;
};

/* Opens the file or device, and claims it until the descriptor is closed.
 * Errors are logged.  Returns the descriptor or -errno. */
int claim_open(const struct claim *c);

#endif
