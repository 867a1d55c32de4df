/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The clock on 32-bit Linux before 5.1: there musl tries the system call with
 * 64-bit seconds first, in vain, each time.  That is three wasted calls for
 * every turn of the loop, on the slowest machines there are.
 */
#include "base/clock.h"

#ifdef CLOCK_MAY_BE_OLD

#include <errno.h>
#include <sys/auxv.h>
#include <unistd.h>

enum clock_call { CLOCK_UNKNOWN, CLOCK_LIBC, CLOCK_OLD };

/* A kernel that maps code for it into the program needs no call at all, and the
 * C library knows how. */
static enum clock_call look(void)
{
    int64_t wide[2];

    if (getauxval(AT_SYSINFO_EHDR) ||
        syscall(SYS_clock_gettime64, CLOCK_MONOTONIC, wide) == 0)
        return CLOCK_LIBC;
    return errno == ENOSYS ? CLOCK_OLD : CLOCK_LIBC;
}

uint64_t clock_ns(void)
{
    static enum clock_call call; /* each thread finds the same */
    long now[2] = {0};           /* 32 bits are enough for 68 years */

    if (call == CLOCK_UNKNOWN)
        call = look();
    if (call == CLOCK_LIBC)
        return clock_libc_ns();
    syscall(SYS_clock_gettime32, CLOCK_MONOTONIC, now);
    return (uint64_t)now[0] * NS_PER_S + (uint64_t)now[1];
}

#else

/* Nothing: an empty file is not C. */
typedef int clock_needs_no_more;

#endif
