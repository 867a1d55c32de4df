/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A clock that stops while the process does not run.  A process that is stopped
 * by a signal, in a frozen container or in a paused virtual machine receives
 * nothing, so a deadline that passes meanwhile proves nothing.  One that wakes
 * much later than it meant to was not running.
 */
#ifndef BASE_AWAKE_H
#define BASE_AWAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* Longer than a busy machine keeps a runnable process off its CPUs. */
#define AWAKE_SLACK (200 * NS_PER_MS)

struct awake {
    uint64_t until;  /* waking much later means it did not run; monotonic, ns */
    uint64_t frozen; /* ns that do not count */
};

static inline void awake_init(struct awake *a, uint64_t now)
{
    *a = (struct awake){.until = now};
}

/* The process may sleep until `until`, of the monotonic clock. */
static inline void awake_sleep(struct awake *a, uint64_t until)
{
    a->until = until;
}

/* The process runs at `now`.  True: before that it did not, for a while. */
static inline bool awake_run(struct awake *a, uint64_t now)
{
    bool frozen = now > a->until && now - a->until > AWAKE_SLACK;

    if (frozen)
        a->frozen += now - a->until;
    if (now > a->until)
        a->until = now;
    return frozen;
}

/* Converts monotonic time to this clock's time, and back. */
static inline uint64_t awake_time(const struct awake *a, uint64_t now)
{
    return now - a->frozen;
}

static inline uint64_t awake_real(const struct awake *a, uint64_t time)
{
    return time < UINT64_MAX - a->frozen ? time + a->frozen : UINT64_MAX;
}

#endif
