/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Opening what is to be exported, and making sure that nobody else uses it: two
 * writers under one file system destroy it.
 */
#ifndef TARGET_STORE_CLAIM_H
#define TARGET_STORE_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct claim {
    const char *path;
    bool read_only;
    bool force; /* warn, and go on */
    /* A program that has it may be ending: until then it is waited for.  Of
     * clock_ns(); 0: nobody is waited for. */
    uint64_t wait_until;
    /* The part that is used, in bytes: other parts of a file may be exported
     * by others.  length 0: to the end. */
    uint64_t offset, length;
};

/* Opens the file or device and claims it until the descriptor is closed.  Says
 * on standard error what is wrong.  Returns the descriptor or -errno. */
int claim_open(const struct claim *c);

#endif
