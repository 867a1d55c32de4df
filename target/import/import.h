/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the configuration of vblade or ggaoed to one of aoe-target: what is
 * read, in the order in which it was read, and how it is printed.
 *
 * One rule decides what is left out: a disk that would be served in another way
 * than before (to more clients, for writing, at another place of the file) is
 * not served at all, and a comment says why.
 */
#ifndef TARGET_IMPORT_IMPORT_H
#define TARGET_IMPORT_IMPORT_H

#include <stddef.h>
#include <stdio.h>

struct import;

/* 0 or -ENOMEM. */
int import_open(struct import **out);
void import_close(struct import *im);

/* Reads a file, a directory of vblade-persist or vblade.conf.d, or, as "-",
 * standard input.  Says on standard error what cannot be read.  0 or -errno;
 * -ENODATA, without a message, if nothing in it starts a disk. */
int import_path(struct import *im, const char *path);

/* Reads what a file contains, whose name is only for messages.  0 or -errno as
 * above; `text` need not end with a 0 byte. */
int import_text(struct import *im, const char *name, const char *text,
                size_t len);

/* Reads a command line that is split into words already.  0 or -errno. */
int import_words(struct import *im, char **words, int count);

/* How many exports would be printed, and how many things were not
 * translated. */
unsigned import_exports(const struct import *im);
unsigned import_untranslated(const struct import *im);

/* Prints a configuration file that aoe-target accepts, with a comment for each
 * thing that was not translated. */
void import_print(const struct import *im, FILE *out);

#endif
