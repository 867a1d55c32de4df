/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Strict parsers for numbers and times that people type: nothing may follow the
 * number, and one that does not fit is an error, never truncated.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdint.h>

/* Exit status of every program here. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Decimal, or hexadecimal after 0x.  0, -EINVAL (no number), -ERANGE, or -EDOM:
 * a leading zero, which may be meant as octal. */
int option_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Why `text` was refused: because of its leading zero, or `otherwise`. */
const char *option_why(const char *text, const char *otherwise);

/* Seconds, with an optional fraction ("2", "0.5"), as nanoseconds. */
int option_seconds(const char *text, uint64_t *out_ns);

/* Bytes with an optional K, M, G or T (powers of 1024). */
int option_bytes(const char *text, uint64_t *out);

#endif
