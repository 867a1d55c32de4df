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

bool clock_read(clockid_t id, uint64_t *ns)
{
    static enum clock_call call; /* each thread finds the same */
    unsigned long now[2];        /* 32 bits are enough until 2106 */

    if (call == CLOCK_UNKNOWN)
        call = look();
    if (call == CLOCK_LIBC)
        return clock_libc_read(id, ns);
    if (syscall(SYS_clock_gettime32, id, now))
        return false;
    *ns = now[0] * NS_PER_S + now[1];
    return true;
}

#else

/* Nothing: an empty file is not C. */
typedef int clock_needs_no_more;

#endif
