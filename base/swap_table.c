/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Entries of /proc/swaps.
 */
#include "base/swap_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mount_table.h"

bool swap_table_find(const char *table, bool (*is)(void *arg, const char *path),
                     void *arg)
{
    FILE *file = fopen(table, "re");
    char *line = NULL;
    size_t capacity = 0;
    bool found = false;

    while (file && !found && getline(&line, &capacity, file) > 0) {
        line[strcspn(line, " \t\n")] = '\0';
        if (line[0] != '/')
            continue; /* the heading */
        mount_table_unescape(line);
        found = is(arg, line);
    }
    free(line);
    if (file)
        fclose(file);
    return found;
}
