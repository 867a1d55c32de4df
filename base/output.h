/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Standard output, and whether what was printed arrived there: stdio keeps
 * lines until the end, and a full disk or a closed descriptor is noticed by
 * nobody who does not ask.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

/* Writes out what was printed so far.  0, or -errno of the first failure since
 * the program began, which is logged once.  One thread. */
int output_flush(void);

/* The last call of every main(): closes standard output and returns `status`,
 * or EXIT_FAILED instead of EXIT_DONE when not all of it arrived. */
int output_end(int status);

#endif
