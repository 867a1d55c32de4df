/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a program tells its user: one line on standard error, or to syslog,
 * "PROGRAM: what was tried: what happened".  Under systemd it begins with its
 * priority ("<3>" for an error).  Only programs and the code that does I/O for
 * them call this; the protocol cores never do.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/shared.h"

/* The first call of every program.  Sets the name before the colon, which must
 * stay valid, and opens /dev/null in place of standard input, output and error
 * where they are closed; for output, one that cannot be written to. */
void log_program(const char *program);
const char *log_name(void);

void log_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), cold));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2), cold));

/* For servers: from now on a log that nobody reads (a full pipe, a stopped
 * terminal or syslogd) never makes a thread wait.  Lines that do not fit are
 * dropped, and their number is logged as soon as that is possible. */
void log_never_block(void);
/* The same, and lines go to syslog (facility daemon); while there is none, to
 * standard error, or nowhere. */
void log_to_syslog(bool or_stderr);
/* Writes what could not be written before, if log_behind says that there is
 * something; a loop does so at each turn.  Not a call: it is asked for often.
 */
extern uint32_t log_unwritten; /* private */
static inline bool log_behind(void)
{
    return shared_load(&log_unwritten);
}
void log_catch_up(void);
/* To be called before standard error is given to another file: whoever reads it
 * may wait until it is closed. */
void log_let_go(void);

/* How many -v the user gave: with 1, decisions are logged, too; with 2, also
 * each frame and request.  Set once, before any thread starts. */
extern int log_verbosity;

/* A line that begins with the time of day.  The arguments are evaluated only if
 * it is printed. */
#define log_debug(...) (log_verbosity >= 1 ? log_timed(__VA_ARGS__) : (void)0)
#define log_trace(...) (log_verbosity >= 2 ? log_timed(__VA_ARGS__) : (void)0)
void log_timed(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), cold));

/* From now on each line that the calling thread logs with log_error is also
 * passed to `heard`, without the program's name.  NULL ends that.  One thread
 * of a program may do so. */
void log_hear(void (*heard)(void *arg, const char *line), void *arg);
/* The same, but they are not printed: for what is tried again and again, and
 * whose failure is said once. */
void log_divert(void (*heard)(void *arg, const char *line), void *arg);

/* Limits a line that a peer can provoke to `burst` in ten seconds, so that
 * nobody on the wire can fill a disk with log.  Returns true when the line may
 * be printed, with the number suppressed since the last one in *held.
 * Zero-initialise it before first use. */
struct log_limit {
    uint64_t window_ns; /* start of the current ten seconds, or minute */
    unsigned printed;   /* lines printed in it */
    unsigned held;      /* lines suppressed since one was printed */
};
bool log_allowed(struct log_limit *limit, uint64_t now_ns, unsigned burst,
                 unsigned *held);
/* The same with one line a minute, for conditions that last for days. */
bool log_minutely(struct log_limit *limit, uint64_t now_ns, unsigned *held);

#endif
