/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which exports the command line asks for, by itself or by the file it names.
 */
#ifndef TARGET_CONFIGURE_H
#define TARGET_CONFIGURE_H

#include "target/config/config.h"
#include "target/options.h"

/* 0, or -EINVAL after saying on standard error what is wrong with which line;
 * then `out` is empty. */
int configure(struct config *out, const struct options *o);

#endif
