/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tells by the rate at which requests come whether looking out for them pays.
 */
#include "target/serve/pace.h"

#include "base/clock.h"

/* What is looked out for is worth more than one sleep and waking. */
static const uint64_t poll_ns = 50000;
/* Whoever pauses for longer does not work as fast as he can. */
static const uint64_t idle_ns = NS_PER_S / 1000;
static const uint64_t window_ns = NS_PER_S / 500;

enum {
    REQUESTS = 32, /* the least of a window */
    TRIAL = 2,     /* windows */
    PERIOD = 64,   /* windows between two trials */
};

static void begin(struct pace *pace, uint64_t now)
{
    pace->began = now;
    pace->requests = 0;
}

/* A good eighth faster; it is paid for with idle time. */
static bool better(uint64_t polling, uint64_t sleeping)
{
    return polling < sleeping - sleeping / 8;
}

static void end_window(struct pace *pace, uint64_t spacing)
{
    uint64_t *known = pace->trying ? &pace->tried : &pace->usual;

    *known = *known ? (*known * 3 + spacing) / 4 : spacing;
    pace->windows++;
    if (!pace->trying && (pace->windows == 1 || pace->windows >= PERIOD)) {
        pace->trying = true;
        pace->windows = 0;
        pace->tried = 0;
    } else if (pace->trying && pace->windows >= TRIAL) {
        bool pays = pace->pays ? better(pace->usual, pace->tried)
                               : better(pace->tried, pace->usual);

        if (pays != pace->pays)
            pace->usual = pace->tried;
        pace->pays = pays;
        pace->trying = false;
        pace->windows = 1;
    }
}

void pace_requests(struct pace *pace, unsigned count, uint64_t now)
{
    uint64_t since = now - pace->began;

    pace->asked = true;
    if (now - pace->last > idle_ns) {
        *pace = (struct pace){.asked = true};
        begin(pace, now);
    } else if (pace->requests >= REQUESTS && since >= window_ns) {
        end_window(pace, since / pace->requests);
        begin(pace, now);
    }
    pace->last = now;
    pace->requests += count;
}

uint64_t pace_poll_ns(struct pace *pace)
{
    pace->asked = false;
    return pace->pays != pace->trying ? poll_ns : 0;
}
