/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For what is seldom done on a way that each request takes.
 *
 * The other way round, `inline` before a function that other files call, too,
 * asks for it to become part of them when the program is linked: a call, and
 * what it needs for its registers, are half of what some of these do.
 */
#ifndef BASE_RARELY_H
#define BASE_RARELY_H

/* Of a function: the compiler keeps it out of its callers, which it would often
 * become part of.  Each request would then pay for its variables, and for the
 * check that guards them. */
#define RARELY __attribute__((cold, noinline))

#endif
