/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A generator (splitmix64) that is seeded once.
 */
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "base/clock.h"
#include "base/fd.h"

/* Random numbers of the device, which every system has: a chroot may not. */
static int from_device(void *out, size_t size)
{
    int fd = fd_open("/dev/urandom", O_RDONLY, 0), err = 0;
    ssize_t n;

    if (fd < 0)
        return -errno;
    do
        n = read(fd, out, size);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)size)
        err = n < 0 ? -errno : -EIO;
    close(fd);
    return err;
}

int random_bytes(void *out, size_t size)
{
    return getentropy(out, size) == 0 ? 0 : from_device(out, size);
}

static uint64_t seed(void)
{
    uint64_t value;

    /* Without it: no two processes of a machine start in the same nanosecond
     * with the same id. */
    if (random_bytes(&value, sizeof value))
        value = clock_ns() ^ (uint64_t)getpid() << 48;
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
