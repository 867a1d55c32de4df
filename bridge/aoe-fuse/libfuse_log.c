/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What libfuse says, in our log.
 */
#include "bridge/aoe-fuse/internal.h"

#include <stdio.h>
#include <string.h>

/* libfuse's latest line, without its newline. */
static char complaint[512];
static bool keep; /* it is kept instead of printed */

const char *aoefs_complaint(void)
{
    return *complaint ? complaint
                      : "not mounted; only root and fusermount3 may";
}

static void print_complaint(enum fuse_log_level level)
{
    if (level >= FUSE_LOG_INFO)
        log_debug("libfuse: %s", complaint);
    else
        log_error("libfuse: %s", complaint);
}

/* It writes its lines in pieces; they are collected until the newline. */
static void log_libfuse(enum fuse_log_level level, const char *fmt,
                        va_list args)
{
    static char line[sizeof complaint];
    static size_t used;
    int more = vsnprintf(line + used, sizeof line - used, fmt, args);

    if (more > 0)
        used += (size_t)more;
    if (used >= sizeof line)
        used = sizeof line - 1;
    else if (used == 0 || line[used - 1] != '\n')
        return;
    else
        line[--used] = '\0';
    strcpy(complaint, strncmp(line, "fuse: ", 6) ? line : line + 6);
    used = 0;
    if (!keep)
        print_complaint(level);
}

void aoefs_complaint_keep(void)
{
    fuse_set_log_func(log_libfuse);
    complaint[0] = '\0';
    keep = true;
}

void aoefs_complaint_kept(void)
{
    keep = false;
}
