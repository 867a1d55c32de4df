/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers that are different every time: identifiers, no secrets.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* The first call reads the system's entropy; later ones need no system call, so
 * that they work in a sandbox.  For one thread. */
uint64_t random_u64(void);
/* 1 to `most`, which is one less than a power of two. */
uint64_t random_nonzero(uint64_t most);

#endif
