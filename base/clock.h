/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Time is nanoseconds of the monotonic clock, in 64 bits.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

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

/* The monotonic clock as the C library reads it. */
static inline uint64_t clock_libc_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

#ifdef CLOCK_MAY_BE_OLD
uint64_t clock_ns(void);
#else
static inline uint64_t clock_ns(void)
{
    return clock_libc_ns();
}
#endif

#endif
