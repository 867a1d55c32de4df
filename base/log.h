/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a program tells its user: one line on standard error, "PROGRAM: what
 * was tried: what happened".  Only programs and the code that does I/O for
 * them call this; the protocol cores never do.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* The first call of every program: the name before the colon, which must stay
 * valid, and what of standard input, output and error is closed becomes
 * /dev/null, the output one that refuses to be written to. */
void log_program(const char *program);
const char *log_name(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How many -v the user gave: 1, decisions are logged, too; 2, and each frame
 * and request.  Set once, before there are threads. */
extern int log_verbosity;

/* A line that begins with the time of day.  Nothing is evaluated while it is
 * not wanted. */
#define log_debug(...) (log_verbosity >= 1 ? log_timed(__VA_ARGS__) : (void)0)
#define log_trace(...) (log_verbosity >= 2 ? log_timed(__VA_ARGS__) : (void)0)
void log_timed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* From now on `heard` gets each line of log_error, too, without the program's
 * name; NULL: nobody does.  For the thread whose lines these are. */
void log_hear(void (*heard)(void *arg, const char *line), void *arg);

/* Lets a line that a peer can provoke through at most `burst` times in ten
 * seconds, so that nobody on the wire can fill a disk with log.  Returns true
 * when the line may be printed and reports how many were held back since the
 * last one that was.  Zero-initialised before first use. */
struct log_limit {
    uint64_t window_ns; /* start of the current ten seconds, or minute */
    unsigned printed;   /* lines let through in it */
    unsigned held;      /* lines held back since one was printed */
};
bool log_allowed(struct log_limit *limit, uint64_t now_ns, unsigned burst,
                 unsigned *held);
/* The same, for one line a minute: what goes on for days. */
bool log_minutely(struct log_limit *limit, uint64_t now_ns, unsigned *held);

#endif
