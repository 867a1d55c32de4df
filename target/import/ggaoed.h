/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of target/import/ggaoed*.c share; for them only.
 */
#ifndef TARGET_IMPORT_GGAOED_H
#define TARGET_IMPORT_GGAOED_H

#include <stdbool.h>

#include "target/import/import_parts.h"
#include "target/import/ini.h"

/* Calls `each` for every element of a list that is not empty, without blanks
 * around it, until that returns false, and then returns false. */
bool ggaoed_each(const char *list, bool (*each)(void *arg, const char *element),
                 void *arg);

/* Who may use a disk, from its `accept` and `deny`: `*allow` is empty if
 * everybody may.  False: `why`, of IMPORT_WHY bytes, says why a mask list
 * cannot say it. */
bool ggaoed_access(const struct ini *i, const char *group,
                   struct mac_list *allow, char *why);

#endif
