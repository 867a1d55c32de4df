/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The simulation's dice: from one seed, the same numbers on every machine.
 */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state; /* not 0 */
};

/* splitmix64 */
static inline uint64_t dice_roll(struct dice *d)
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 <= result < n */
static inline uint64_t dice_below(struct dice *d, uint64_t n)
{
    return dice_roll(d) % n;
}

static inline bool dice_chance(struct dice *d, unsigned in_a_million)
{
    return dice_below(d, 1000000) < in_a_million;
}

#endif
