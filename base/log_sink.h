/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where lines of the log go: standard error, or syslog.  For base/log.c only.
 */
#ifndef BASE_LOG_SINK_H
#define BASE_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>

/* As in syslog(3), whose names clash with ours. */
enum log_priority {
    PRIORITY_ERROR = 3,
    PRIORITY_INFO = 6,
    PRIORITY_DEBUG = 7,
};

enum { LOG_LINE_MAX = 1024 }; /* bytes of a line, with its end */

/* Which program it is; stays the caller's, and valid. */
void log_sink_program(const char *name);
/* Writes a line of at most LOG_LINE_MAX bytes, which ends with '\n' and begins
 * with that name and ": ".  Any thread; with log_never_block it never waits.
 */
void log_sink_put(enum log_priority priority, const char *line, size_t length);

/* ---- base/log_syslog.c -------------------------------------------------- */

/* Sends such a line of `program` to the system's log, without waiting.  One
 * thread at a time. 0; -EAGAIN: not now; or another -errno: there is none. */
int log_syslog_send(enum log_priority priority, const char *program,
                    const char *line, size_t length);

#endif
