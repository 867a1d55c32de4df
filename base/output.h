/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Checks that what was printed arrived on standard output: stdio buffers it
 * until the end, and a full disk or a closed descriptor goes unnoticed unless
 * the program checks.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

/* Writes out what was printed so far.  0, or -errno of the first failure since
 * the program began, which is logged once.  One thread. */
int output_flush(void);

/* The last call of every main(): closes standard output and returns `status`,
 * or EXIT_FAILED instead of EXIT_DONE if not everything was written. */
int output_end(int status);

#endif
