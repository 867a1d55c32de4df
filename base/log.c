/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines for the user.
 */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_sink.h"

static const char *log_prefix = "aoekit";
int log_verbosity;

/* Who else gets the errors of the thread that asked for them.  That thread has
 * a value for the key; others never look at the rest.  Not _Thread_local: some
 * compilers find such data by a register that an ARM before ARMv6 lacks. */
struct listener {
    void (*heard)(void *arg, const char *line);
    void *arg;
};
static struct listener log_listener, log_diverted;
static pthread_key_t listening;
static bool has_key; /* else nobody gets them */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

/* If one of the first three descriptors is closed, the next file opened gets
 * its number: a socket on a network interface would send our lines as frames.
 * With standard output closed, printing must still fail visibly, so its
 * replacement cannot be written to. */
static void open_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
}

void log_program(const char *program)
{
    const char *slash = strrchr(program, '/');

    open_standard();
    log_prefix = slash ? slash + 1 : program;
    log_sink_program(log_prefix);
}

const char *log_name(void)
{
    return log_prefix;
}

/* "15:04:05.123456 ", or nothing. */
static void format_time(char *out, size_t capacity, bool timed)
{
    struct timespec now;
    struct tm tm;

    out[0] = '\0';
    if (!timed || clock_gettime(CLOCK_REALTIME, &now) ||
        !localtime_r(&now.tv_sec, &tm))
        return;
    snprintf(out, capacity, "%02d:%02d:%02d.%06ld ", tm.tm_hour, tm.tm_min,
             tm.tm_sec, now.tv_nsec / 1000);
}

static void log_line(enum log_priority priority, const char *fmt, va_list args)
{
    char line[LOG_LINE_MAX], time[40];
    int used, more;

    format_time(time, sizeof time, priority == PRIORITY_DEBUG);
    used = snprintf(line, sizeof line, "%s: %s", log_prefix, time);
    more = vsnprintf(line + used, sizeof line - (size_t)used - 1, fmt, args);

    if (more < 0)
        return;
    used += more;
    if (used > (int)sizeof line - 2)
        used = (int)sizeof line - 2;
    line[used++] = '\n';
    log_sink_put(priority, line, (size_t)used);
}

static void make_key(void)
{
    has_key = pthread_key_create(&listening, NULL) == 0;
}

static void set_listener(struct listener *l,
                         void (*heard)(void *arg, const char *line), void *arg)
{
    bool any;

    pthread_once(&key_once, make_key);
    *l = (struct listener){heard, arg};
    any = log_listener.heard || log_diverted.heard;
    if (has_key)
        pthread_setspecific(listening, any ? &log_listener : NULL);
}

void log_hear(void (*heard)(void *arg, const char *line), void *arg)
{
    set_listener(&log_listener, heard, arg);
}

void log_divert(void (*heard)(void *arg, const char *line), void *arg)
{
    set_listener(&log_diverted, heard, arg);
}

static const struct listener *listener(void)
{
    static const struct listener nobody;

    pthread_once(&key_once, make_key);
    if (!has_key || !pthread_getspecific(listening))
        return &nobody;
    return log_diverted.heard ? &log_diverted : &log_listener;
}

static void tell(const struct listener *l, const char *fmt, va_list args)
{
    char line[LOG_LINE_MAX];

    vsnprintf(line, sizeof line, fmt, args);
    l->heard(l->arg, line);
}

void log_error(const char *fmt, ...)
{
    const struct listener *l = listener();
    va_list args;

    if (l != &log_diverted) {
        va_start(args, fmt);
        log_line(PRIORITY_ERROR, fmt, args);
        va_end(args);
    }
    if (l->heard) {
        va_start(args, fmt);
        tell(l, fmt, args);
        va_end(args);
    }
}

void log_info(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_line(PRIORITY_INFO, fmt, args);
    va_end(args);
}

void log_timed(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_line(PRIORITY_DEBUG, fmt, args);
    va_end(args);
}

static bool allowed(struct log_limit *limit, uint64_t now_ns, uint64_t window,
                    unsigned burst, unsigned *held)
{
    if (now_ns - limit->window_ns >= window || limit->window_ns == 0) {
        limit->window_ns = now_ns;
        limit->printed = 0;
    }
    if (limit->printed >= burst) {
        limit->held++;
        return false;
    }
    limit->printed++;
    *held = limit->held;
    limit->held = 0;
    return true;
}

bool log_allowed(struct log_limit *limit, uint64_t now_ns, unsigned burst,
                 unsigned *held)
{
    return allowed(limit, now_ns, 10 * NS_PER_S, burst, held);
}

bool log_minutely(struct log_limit *limit, uint64_t now_ns, unsigned *held)
{
    return allowed(limit, now_ns, 60 * NS_PER_S, 1, held);
}
