/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A value's power of two is the row, its next six bits are the column.
 */
#include "initiator/aoe/histogram.h"

void histogram_add(struct histogram *h, uint64_t value)
{
    unsigned power = 0;

    if (h->count == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->count++;
    while (value >> power >= 2 * HISTOGRAM_FINE)
        power++;
    if (value >= HISTOGRAM_FINE)
        h->buckets[power + 1][(value >> power) - HISTOGRAM_FINE]++;
    else
        h->buckets[0][value]++;
}

/* The largest value of a bucket. */
static uint64_t top(unsigned row, unsigned column)
{
    if (row == 0)
        return column;
    return (((uint64_t)column + HISTOGRAM_FINE + 1) << (row - 1)) - 1;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
    double wanted = share * (double)h->count;
    uint64_t seen = 0;

    if (h->count == 0)
        return 0;
    for (unsigned row = 0; row < HISTOGRAM_POWERS; row++)
        for (unsigned column = 0; column < HISTOGRAM_FINE; column++) {
            uint64_t value = top(row, column);

            seen += h->buckets[row][column];
            if (seen == 0 || (double)seen < wanted)
                continue;
            return value < h->max ? value : h->max;
        }
    return h->max;
}
