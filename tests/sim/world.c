/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated clock, entropy and log.
 */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <time.h>

#include "base/clock.h"
#include "tests/sim/random.h"

static struct {
    const uint64_t *now;
    struct trace *trace;
    struct dice dice;
} world;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
uint64_t __wrap_random_nonzero(uint64_t most);
void __wrap_log_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

void world_begin(const uint64_t *now, struct trace *trace, uint64_t seed)
{
    world.now = now;
    world.trace = trace;
    world.dice.state = seed;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
    (void)clock;
    ts->tv_sec = (time_t)(*world.now / NS_PER_S);
    ts->tv_nsec = (long)(*world.now % NS_PER_S);
    return 0;
}

uint64_t __wrap_random_nonzero(uint64_t most)
{
    uint64_t x;

    do
        x = dice_roll(&world.dice) & most;
    while (x == 0);
    return x;
}

void __wrap_log_error(const char *fmt, ...)
{
    char line[TRACE_TEXT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    trace_say(world.trace, *world.now, "NAS: %s", line);
}
