/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A clock that stands still while the process does: stopped by a signal, in a
 * frozen container or in a paused machine it hears nobody, and a deadline that
 * passes meanwhile has judged nothing.  Who comes back much later than the time
 * until which it meant to sleep was kept from it.
 */
#ifndef BASE_AWAKE_H
#define BASE_AWAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* More than a busy machine lets a process wait for its turn. */
#define AWAKE_SLACK (200 * NS_PER_MS)

struct awake {
    uint64_t until;  /* by then it is back, or it did not run; monotonic, ns */
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

/* It runs at `now`.  True: after a time in which it did not. */
static inline bool awake_run(struct awake *a, uint64_t now)
{
    bool frozen = now > a->until && now - a->until > AWAKE_SLACK;

    if (frozen)
        a->frozen += now - a->until;
    if (now > a->until)
        a->until = now;
    return frozen;
}

/* The clock's time when it is `now` by the monotonic one, and the other way. */
static inline uint64_t awake_time(const struct awake *a, uint64_t now)
{
    return now - a->frozen;
}

static inline uint64_t awake_real(const struct awake *a, uint64_t time)
{
    return time < UINT64_MAX - a->frozen ? time + a->frozen : UINT64_MAX;
}

#endif
