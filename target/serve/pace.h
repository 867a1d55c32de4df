/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether to look out for the next request or to sleep until it comes.  Who
 * waits for each answer before asking on waits as long again for a CPU that
 * went to sleep meanwhile; for others, on a full wire for instance, it makes no
 * difference but to the CPU.  Which of the two is the case nothing in a request
 * says, so both are tried, and looking out has to pay.
 */
#ifndef TARGET_SERVE_PACE_H
#define TARGET_SERVE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    bool asked;  /* requests came since pace_poll_ns */
    bool pays;   /* looking out does */
    bool trying; /* the other one, in this and a few windows */
    uint64_t last;
    /* This window: a few milliseconds, in which one of the two is done. */
    uint64_t began;
    unsigned requests, windows; /* in it; since the other one was tried */
    /* ns from one request to the next: as it is done, and the other way. */
    uint64_t usual, tried;
};

/* `count` requests came in; `now` in ns. */
void pace_requests(struct pace *pace, unsigned count, uint64_t now);

/* All of them are answered: the ns to look out for the next one, 0 to sleep. */
uint64_t pace_poll_ns(struct pace *pace);

#endif
