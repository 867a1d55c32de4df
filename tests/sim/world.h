/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replaces the machine's clock, entropy and log for a simulated network, by
 * means of the linker (Makefile), so that a seed always gives the same run.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdint.h>

#include "tests/sim/trace.h"

/* `now` and `trace` must last as long as anything is simulated. */
void world_begin(const uint64_t *now, struct trace *trace, uint64_t seed);

#endif
