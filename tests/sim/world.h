/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a simulated network has in place of the machine's clock, entropy and
 * log: the linker puts it there (Makefile), so that a seed is the same always.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdint.h>

#include "tests/sim/trace.h"

/* `now` and `trace` must last as long as anything is simulated. */
void world_begin(const uint64_t *now, struct trace *trace, uint64_t seed);

#endif
