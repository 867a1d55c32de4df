/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A generator (splitmix64) that is seeded once.
 */
#include "base/random.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"

/* From the device: it is older than the system calls, so every system has
 * it. */
static uint64_t seed(void)
{
    uint64_t value = 0;
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, &value, sizeof value);

    if (fd >= 0)
        close(fd);
    /* Without it: no two processes of a machine start in the same nanosecond
     * with the same id. */
    if (n != (ssize_t)sizeof value)
        value ^= clock_ns() ^ (uint64_t)getpid() << 48;
    return value;
}

uint64_t random_u64(void)
{
    static uint64_t state;
    uint64_t x;

    if (!state)
        state = seed();
    state += UINT64_C(0x9e3779b97f4a7c15);
    x = state;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t random_nonzero(uint64_t most)
{
    uint64_t x;

    do
        x = random_u64() & most;
    while (x == 0);
    return x;
}
