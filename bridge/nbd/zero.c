/* SPDX-License-Identifier: BSD-2-Clause
 *
 * WRITE_ZEROES on a disk whose trimmed sectors read as zeroes.
 */
#include "bridge/nbd/internal.h"

#include "initiator/client/zero.h"

static void step(struct nbd_io *io, int status)
{
    uint32_t left = io->header.length - io->zeroed;
    uint64_t at = io->header.offset + io->zeroed;

    if (status || left == 0) {
        nbd_complete(io, status);
        return;
    }
    zero_by_trim(&io->aoe, at, left, io->conn->export->sector);
    io->zeroed += (uint32_t)io->aoe.length;
    io->aoe.fua = io->header.flags & NBD_CMD_FLAG_FUA;
    nbd_submit(io, step);
}

void nbd_zero_by_trim(struct nbd_io *io)
{
    step(io, 0);
}
