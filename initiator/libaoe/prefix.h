/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The upper eight bits of our tags: bit 31, which the Linux driver leaves to
 * userland, and seven bits that no other aoekit process on this host uses, so
 * that a response can never be taken for another process's.
 */
#ifndef INITIATOR_LIBAOE_PREFIX_H
#define INITIATOR_LIBAOE_PREFIX_H

#include <stdint.h>

/* Chooses a prefix and a random first counter.  Returns a descriptor that holds
 * the claim until it is closed; -1 where the system offers nothing to claim it
 * with, or -EBUSY when all 128 are taken, and chance has to do; or another
 * -errno. */
int prefix_claim(uint32_t *prefix, uint32_t *seed);

#endif
