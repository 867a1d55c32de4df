/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The wanted configuration: from the command line, or from the file that it
 * names.
 */
#ifndef TARGET_WANTED_CONFIG_H
#define TARGET_WANTED_CONFIG_H

#include "target/config/config.h"
#include "target/options.h"

/* 0, or -EINVAL after saying on standard error what is wrong with which line;
 * then `out` is empty. */
int wanted_config(struct config *out, const struct target_options *o);

/* Whether an interface has appeared that one of these was waiting for. */
bool wanted_config_matches(const struct config_patterns *p);

#endif
