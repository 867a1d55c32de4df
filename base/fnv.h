/* SPDX-License-Identifier: BSD-2-Clause
 *
 * FNV-1a (draft-eastlake-fnv): a hash for identities and checksums, not for
 * security: collisions are easy to make.  Its values are in serial numbers,
 * state files and lock offsets that outlive this program, so it must never
 * change.
 */
#ifndef BASE_FNV_H
#define BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV64_START UINT64_C(0xcbf29ce484222325)
#define FNV32_START UINT32_C(0x811c9dc5)

/* Continues hash `h` with `len` bytes; FNV64_START or FNV32_START begins one.
 */
uint64_t fnv64(uint64_t h, const void *data, size_t len);
uint32_t fnv32(uint32_t h, const void *data, size_t len);

#endif
