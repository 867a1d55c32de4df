/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the pauses between an answer and the next request say.
 */
#include "target/pace.h"

/* How long to look out, and the pauses that count: as long as no stream of
 * frames has them, and short enough that without the time to wake up, which was
 * measured too, they would have been within what is looked out for. */
static const uint64_t poll_ns = 50000;
static const uint64_t pause_min = 12000, pause_max = 100000;

/* From a few such pauses on, one in eight requests must have one; a request may
 * come as several frames. */
enum { PAUSE = 8, ENOUGH = 32, MOST = 64 };

void pace_request(struct pace *pace, uint64_t now)
{
    uint64_t pause = now - pace->answered;

    if (pace->busy)
        return;
    pace->busy = true;
    if (pause > pause_max || (pace->polled && pause > poll_ns))
        pace->score = 0;
    else if (pause >= pause_min)
        pace->score = pace->score + PAUSE < MOST ? pace->score + PAUSE : MOST;
    else if (pace->score > 0)
        pace->score--;
}

uint64_t pace_answered(struct pace *pace, uint64_t now)
{
    pace->busy = false;
    pace->answered = now;
    pace->polled = pace->score >= ENOUGH;
    return pace->polled ? poll_ns : 0;
}
