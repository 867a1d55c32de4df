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

/* The first call of every program.  Sets the name before the colon, which must
 * stay valid, and opens /dev/null in place of standard input, output and error
 * where they are closed; for output, one that cannot be written to. */
void log_program(const char *program);
const char *log_name(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How many -v the user gave: with 1, decisions are logged, too; with 2, also
 * each frame and request.  Set once, before any thread starts. */
extern int log_verbosity;

/* A line that begins with the time of day.  The arguments are evaluated only if
 * it is printed. */
#define log_debug(...) (log_verbosity >= 1 ? log_timed(__VA_ARGS__) : (void)0)
#define log_trace(...) (log_verbosity >= 2 ? log_timed(__VA_ARGS__) : (void)0)
void log_timed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* From now on each line that the calling thread logs with log_error is also
 * passed to `heard`, without the program's name.  NULL ends that. */
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
