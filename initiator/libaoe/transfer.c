/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One transfer: its range, its failure, its ranges that are to be cut anew.
 */
#include "initiator/libaoe/transfer.h"

#include "initiator/libaoe/disk.h"

bool transfer_overlaps(const struct transfer *a, const struct transfer *b)
{
    return a->lba < b->lba + b->sectors && b->lba < a->lba + a->sectors;
}

void transfer_fail(struct transfer *t, int status, uint64_t lba)
{
    if (t->status == 0 || lba < t->error_lba)
        t->error_lba = lba;
    if (t->status == 0)
        t->status = status;
}

void transfer_drop_gaps(struct transfer *t)
{
    while (!list_empty(&t->gaps))
        flight_put(&t->disk->aoe->flight,
                   list_entry(list_first(&t->gaps), struct frame, link));
}
