/* SPDX-License-Identifier: BSD-2-Clause
 *
 * WRITE_ZEROES on a disk whose trimmed sectors read as zeroes: the sectors that
 * lie wholly inside are trimmed, which takes a frame where writing them would
 * take thousands; zeroes are written to what is left at the edges.
 */
#include "bridge/nbd/internal.h"

/* Chooses the next step; `left` is not 0. */
static void choose_step(struct nbd_request *r, uint64_t at, uint32_t left)
{
    uint32_t sector = r->conn->export->sector;
    uint32_t before = (uint32_t)(at % sector);

    if (before == 0 && left >= sector) {
        r->io.op = AOE_TRIM;
        r->io.length = left - left % sector;
        return;
    }
    r->io.op = AOE_ZERO;
    r->io.length = left < sector - before ? left : sector - before;
}

static void step(struct nbd_request *r, int status)
{
    uint32_t left = r->header.length - r->zeroed;
    uint64_t at = r->header.offset + r->zeroed;

    if (status || left == 0) {
        nbd_complete(r, status);
        return;
    }
    choose_step(r, at, left);
    r->zeroed += (uint32_t)r->io.length;
    r->io.offset = at;
    r->io.fua = r->header.flags & NBD_CMD_FLAG_FUA;
    nbd_submit(r, step);
}

void nbd_zero_by_trim(struct nbd_request *r)
{
    step(r, 0);
}
