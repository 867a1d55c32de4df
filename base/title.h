/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What ps(1) shows of a program: its command line and, behind that, what is
 * wrong.  On a NAS with BusyBox that is the first thing its owner looks at.
 */
#ifndef BASE_TITLE_H
#define BASE_TITLE_H

/* To be called first in main(), before a second thread: moves the arguments and
 * the environment away from where ps reads.  argv[] then points to copies,
 * which last as long as the program.  Without memory, or where the system has
 * no such place, there will be no remark. */
void title_init(int argc, char **argv);

/* Shows the command line with `remark` in brackets, cut to what fits; NULL: the
 * command line alone.  One thread. */
void title_set(const char *remark);

#endif
