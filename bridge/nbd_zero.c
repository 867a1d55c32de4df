/* SPDX-License-Identifier: BSD-2-Clause
 *
 * WRITE_ZEROES with NO_HOLE on a disk whose way to make zeroes is TRIM: the
 * client wants the space to stay allocated, so real zeroes are written.
 */
#include "bridge/nbd_internal.h"

/* A piece is written from one run of zeroes, over and over. */
enum { RUN = 64 << 10, RUNS = 16, PIECE = RUN * RUNS };

static const struct iovec *piece_of_zeroes(void)
{
    static uint8_t zeroes[RUN];
    static struct iovec iov[RUNS];

    for (int i = 0; i < RUNS; i++)
        iov[i] = (struct iovec){zeroes, RUN};
    return iov;
}

static void write_next(struct nbd_request *r);

static void flush_after(struct nbd_request *r)
{
    r->io.op = AOE_FLUSH;
    r->io.offset = r->io.length = 0;
    r->io.iov = NULL;
    r->io.iovcnt = 0;
    nbd_submit(r, nbd_complete);
}

static void piece_written(struct nbd_request *r, int status)
{
    if (status) {
        nbd_complete(r, status);
        return;
    }
    r->zeroed += (uint32_t)r->io.length;
    if (r->zeroed < r->header.length)
        write_next(r);
    else if (r->header.flags & NBD_CMD_FLAG_FUA)
        flush_after(r); /* once, not after every piece */
    else
        nbd_complete(r, 0);
}

static void write_next(struct nbd_request *r)
{
    uint32_t left = r->header.length - r->zeroed;

    r->io.op = AOE_WRITE;
    r->io.offset = r->header.offset + r->zeroed;
    r->io.length = left < PIECE ? left : PIECE;
    r->io.iov = piece_of_zeroes();
    r->io.iovcnt = RUNS;
    r->io.fua = false;
    nbd_submit(r, piece_written);
}

void nbd_write_zeroes(struct nbd_request *r)
{
    write_next(r);
}
