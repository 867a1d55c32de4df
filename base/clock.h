/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time is nanoseconds of the monotonic clock, in 64 bits.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined __linux__ && !defined __LP64__
#include <sys/syscall.h>
#if defined SYS_clock_gettime32 && defined SYS_clock_gettime64
#define CLOCK_MAY_BE_OLD /* musl; see base/clock.c */
#endif
#endif

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* Any clock, as the C library reads it. */
static inline bool clock_libc_read(clockid_t id, uint64_t *ns)
{
    struct timespec ts;

    if (clock_gettime(id, &ts))
        return false;
    *ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
    return true;
}

/* Any clock, in the way that costs least.  False: the system has none of that
 * kind. */
#ifdef CLOCK_MAY_BE_OLD
bool clock_read(clockid_t id, uint64_t *ns);
#else
static inline bool clock_read(clockid_t id, uint64_t *ns)
{
    return clock_libc_read(id, ns);
}
#endif

static inline uint64_t clock_ns(void)
{
    uint64_t ns = 0;

    clock_read(CLOCK_MONOTONIC, &ns);
    return ns;
}

#endif
