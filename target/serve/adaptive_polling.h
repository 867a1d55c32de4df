/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Adaptive polling: whether to busy-poll for the next request or to sleep until
 * it comes.  A client with one request outstanding waits for our CPU to wake up
 * each time; with more, on a full wire for instance, polling only costs CPU
 * time.  No request says which of the two it is, so both are tried in turn, and
 * polling stays on only if it raises the request rate.
 */
#ifndef TARGET_SERVE_ADAPTIVE_POLLING_H
#define TARGET_SERVE_ADAPTIVE_POLLING_H

#include <stdbool.h>
#include <stdint.h>

struct adaptive_polling {
    bool asked;     /* requests came since adaptive_polling_ns */
    bool pays;      /* polling does */
    bool in_trial;  /* does the opposite, for a few windows */
    uint64_t last;  /* when the last requests came, ns */
    uint64_t began; /* this window: a few ms in which it polls, or does not */
    unsigned requests; /* in this window */
    unsigned windows;  /* since the last trial began or ended */
    /* Mean ns from one request to the next: normally, and in trials. */
    uint64_t usual_ns, trial_ns;
};

/* `count` requests came in; `now` in ns. */
void adaptive_polling_requests(struct adaptive_polling *p, unsigned count,
                               uint64_t now);

/* All of them have been answered: ns to poll for the next one, 0 to sleep. */
uint64_t adaptive_polling_ns(struct adaptive_polling *p);

#endif
