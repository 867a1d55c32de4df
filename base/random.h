/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random numbers for identifiers, not for secrets.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills memory with the system's random numbers.  0 or -errno, then there is
 * neither getrandom(2) (Linux 3.17) nor /dev/urandom.  From any thread. */
int random_bytes(void *out, size_t size);

/* The first call reads the system's entropy; later ones need no system call, so
 * that they work in a sandbox.  Not thread-safe. */
uint64_t random_u64(void);
/* 1 to `most`, which is one less than a power of two. */
uint64_t random_nonzero(uint64_t most);

#endif
