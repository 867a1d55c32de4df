/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Clients that ask for one thing at a time: the next request comes shortly
 * after our answer, and for a CPU that has gone to sleep meanwhile it waits as
 * long again as for everything else.  So after an answer it may pay to look out
 * for a moment instead of sleeping; whether it does is learnt from the pauses
 * there were.  A full wire, where frames come one after the other, and clients
 * too far away have none of the right length, and cost nothing.
 */
#ifndef TARGET_PACE_H
#define TARGET_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    bool busy;         /* a request came, not all is answered */
    bool polled;       /* since the last answer */
    uint64_t answered; /* when all was, ns; 0: never */
    unsigned score;
};

/* A request came; `now` in ns, as everywhere here. */
void pace_request(struct pace *pace, uint64_t now);

/* The last answer has left.  Returns the ns to poll for the next request, 0 to
 * sleep at once. */
uint64_t pace_answered(struct pace *pace, uint64_t now);

#endif
