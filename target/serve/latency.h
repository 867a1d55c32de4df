/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How long requests took: a histogram with fixed buckets, as in Prometheus.
 */
#ifndef TARGET_SERVE_LATENCY_H
#define TARGET_SERVE_LATENCY_H

#include <stdint.h>

#include "base/clock.h"

enum { LATENCY_BUCKETS = 12 };

/* Upper bounds in ns; one more bucket counts what took longer. */
static const uint64_t latency_bounds[LATENCY_BUCKETS] = {
    10 * NS_PER_US,  30 * NS_PER_US,  100 * NS_PER_US, 300 * NS_PER_US,
    1 * NS_PER_MS,   3 * NS_PER_MS,   10 * NS_PER_MS,  30 * NS_PER_MS,
    100 * NS_PER_MS, 300 * NS_PER_MS, 1 * NS_PER_S,    3 * NS_PER_S,
};

struct latency {
    uint64_t counts[LATENCY_BUCKETS + 1];
    uint64_t count;
    uint64_t sum_ns;
};

/* `n` requests took `ns` each. */
static inline void latency_add(struct latency *l, uint64_t ns, unsigned n)
{
    unsigned i = 0;

    while (i < LATENCY_BUCKETS && ns > latency_bounds[i])
        i++;
    l->counts[i] += n;
    l->count += n;
    l->sum_ns += ns * n;
}

#endif
