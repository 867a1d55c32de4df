/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/config/config*.c share; for them only.
 */
#ifndef TARGET_CONFIG_CONFIG_PARTS_H
#define TARGET_CONFIG_CONFIG_PARTS_H

#include "target/config/config.h"

/* Writes what is wrong with `text` into `mistake`, and returns false. */
bool config_wrong(char *mistake, const char *text, const char *why);
/* `list` is a struct export_config; a name or a glob. */
bool config_add_interface(void *list, const char *name, char *mistake);

#endif
