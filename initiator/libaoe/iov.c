/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The scattered memory of a request: pieces of bytes, walked without a copy.
 */
#include "initiator/libaoe/iov.h"

#include <string.h>

#include "wire/aoe.h"

/* Never written, so it costs no memory. */
static uint8_t zeroes[255 * AOE_SECTOR];
const struct iovec iov_zeroes = {zeroes, sizeof zeroes};

void iov_advance(const struct iovec **iov, size_t *skip, uint64_t bytes)
{
    while (bytes > 0) {
        size_t here = (*iov)->iov_len - *skip;

        if (bytes < here) {
            *skip += (size_t)bytes;
            return;
        }
        bytes -= here;
        (*iov)++;
        *skip = 0;
    }
}

void iov_fill(const struct iovec *iov, size_t skip, const uint8_t *from,
              size_t length)
{
    while (length > 0) {
        size_t here = iov->iov_len - skip;

        if (here > length)
            here = length;
        memcpy((uint8_t *)iov->iov_base + skip, from, here);
        from += here;
        length -= here;
        iov++;
        skip = 0;
    }
}

void iov_gather(const struct iovec *iov, size_t skip, uint8_t *to,
                size_t length)
{
    while (length > 0) {
        size_t here = iov->iov_len - skip;

        if (here > length)
            here = length;
        memcpy(to, (const uint8_t *)iov->iov_base + skip, here);
        to += here;
        length -= here;
        iov++;
        skip = 0;
    }
}

int iov_slice(const struct iovec *iov, size_t skip, size_t length,
              struct iovec *out, int max)
{
    int n = 0;

    for (; length > 0 && n < max; iov++, skip = 0) {
        size_t here = iov->iov_len - skip;

        if (here > length)
            here = length;
        if (here == 0)
            continue;
        out[n].iov_base = (uint8_t *)iov->iov_base + skip;
        out[n++].iov_len = here;
        length -= here;
    }
    return n;
}

size_t iov_reach(const struct iovec *iov, size_t skip, size_t want, int max)
{
    size_t reach = 0;

    for (; reach < want && max > 0; iov++, skip = 0) {
        size_t here = iov->iov_len - skip;

        if (here == 0)
            continue;
        reach += here;
        max--;
    }
    return reach < want ? reach : want;
}
