/* SPDX-License-Identifier: BSD-2-Clause
 *
 * "e1.2:  45 %, 1.2 GB of 2.6 GB, 112 MB/s, 0:00:12 left"
 */
#include "initiator/aoe/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/format.h"

#define EVERY (200 * NS_PER_MS)
/* The weight of the last interval in the smoothed rate. */
#define WEIGHT 0.2

void command_progress_begin(struct command_progress *p, const char *what,
                            uint64_t done, uint64_t total, bool quiet)
{
    *p = (struct command_progress){.what = what,
                                   .total = total,
                                   .on = !quiet && isatty(STDERR_FILENO),
                                   .shown = clock_ns(),
                                   .shown_bytes = done};
}

static void update_rate(struct command_progress *p, uint64_t done, uint64_t now)
{
    double rate =
        (double)(done - p->shown_bytes) / ((double)(now - p->shown) / 1e9);

    p->rate = p->rate > 0 ? p->rate * (1 - WEIGHT) + rate * WEIGHT : rate;
    p->shown = now;
    p->shown_bytes = done;
}

void command_progress_show(struct command_progress *p, uint64_t done)
{
    char is[16], whole[16], rate[16], left[32] = "";
    uint64_t now;

    if (!p->on)
        return;
    now = clock_ns();
    if (now - p->shown < EVERY)
        return;
    update_rate(p, done, now);
    format_bytes(is, sizeof is, done);
    format_bytes(whole, sizeof whole, p->total);
    format_bytes(rate, sizeof rate, (uint64_t)p->rate);
    if (p->rate >= 1) {
        uint64_t s = (uint64_t)((double)(p->total - done) / p->rate);

        snprintf(left, sizeof left,
                 ", %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " left", s / 3600,
                 s / 60 % 60, s % 60);
    }
    /* Erases the rest of the line: the last text may have been longer. */
    fprintf(stderr, "\r%s: %3.0f %%, %s of %s, %s/s%s\033[K", p->what,
            p->total ? 100.0 * (double)done / (double)p->total : 100.0, is,
            whole, rate, left);
    fflush(stderr);
}

void command_progress_end(struct command_progress *p)
{
    if (p->on)
        fputs("\r\033[K", stderr);
}
