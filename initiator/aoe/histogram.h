/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A histogram of times: 64 buckets to each power of two, so that a percentile
 * is at most 1.6 % above the truth whatever its size, in 30 KiB.
 *
 * The target's (target/serve/latency.h) is another on purpose.  People put its
 * bounds into alerts, 10 ms for instance, and Prometheus wants the exact count
 * of what was within each; here 10 ms lies inside a bucket.  There a bucket
 * reaches to three times the one before, which is too coarse for a percentile.
 * One type for both would share the line that increments a counter.
 */
#ifndef INITIATOR_AOE_HISTOGRAM_H
#define INITIATOR_AOE_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_FINE = 64,   /* buckets to a power of two */
    HISTOGRAM_POWERS = 59, /* 6..63, after the one that is exact */
};

struct histogram {
    uint64_t count, min, max;
    uint64_t buckets[HISTOGRAM_POWERS][HISTOGRAM_FINE];
};

/* Zero-initialised before first use. */
void histogram_add(struct histogram *h, uint64_t value);

/* The value that `share` (0 to 1) of the values do not exceed; 0 if there are
 * none. */
uint64_t histogram_percentile(const struct histogram *h, double share);

#endif
