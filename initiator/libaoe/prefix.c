/* SPDX-License-Identifier: BSD-2-Clause
 *
 * On Linux a prefix is claimed by binding an abstract socket name, which
 * belongs to the network namespace, as the interfaces do, and is given up by
 * the kernel whatever way the process ends.  Any user may take such names, all
 * of them: that must not keep anybody from a disk.
 */
#include "initiator/libaoe/prefix.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/random.h"

enum { PREFIXES = 128 };

#ifdef __linux__
static int claim(unsigned n)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int len =
        snprintf(sa.sun_path + 1, sizeof sa.sun_path - 1, "aoekit-tag-%02x", n);
    int fd = fd_socket(AF_UNIX, SOCK_DGRAM, 0);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&sa,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                         (size_t)len)) == 0)
        return fd;
    close(fd);
    return -EADDRINUSE;
}
#endif

int prefix_claim(uint32_t *prefix, uint32_t *seed)
{
    uint32_t random[2];
    int fd = -1, err = random_bytes(random, sizeof random);

    if (err)
        return err;
    *seed = random[0];
    *prefix = UINT32_C(0x80000000) | (random[1] % PREFIXES) << 24;
#ifdef __linux__
    for (unsigned i = 0; i < PREFIXES; i++) {
        unsigned n = (random[1] + i) % PREFIXES;

        fd = claim(n);
        if (fd == -EADDRINUSE)
            continue;
        *prefix = UINT32_C(0x80000000) | n << 24;
        return fd < 0 ? -1 : fd;
    }
    return -EBUSY;
#endif
    return fd;
}
