/* SPDX-License-Identifier: BSD-2-Clause
 *
 * WRITE_ZEROES on a disk whose trimmed sectors read as zeroes.
 */
#include "bridge/nbd/internal.h"

#include "initiator/client/zero.h"

static void step(struct nbd_request *r, int status)
{
    uint32_t left = r->header.length - r->zeroed;
    uint64_t at = r->header.offset + r->zeroed;

    if (status || left == 0) {
        nbd_complete(r, status);
        return;
    }
    zero_by_trim(&r->io, at, left, r->conn->export->sector);
    r->zeroed += (uint32_t)r->io.length;
    r->io.fua = r->header.flags & NBD_CMD_FLAG_FUA;
    nbd_submit(r, step);
}

void nbd_zero_by_trim(struct nbd_request *r)
{
    step(r, 0);
}
