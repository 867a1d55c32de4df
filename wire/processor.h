/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which way of receiving and sending costs least depends on the processor: how
 * it caches, and how fast it copies.  What is here was measured
 * (doc/performance.md, "The target on a small NAS").
 */
#ifndef WIRE_PROCESSOR_H
#define WIRE_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>

struct processor_ways {
    /* Frames of up to this many bytes cost less from memory that is shared with
     * the kernel than from the socket's queue; 0: none do. */
    uint32_t ring_longest;
    bool one_by_one; /* a system call for each frame costs less than one for
                        many */
};

/* The ways of the processor that uname(2) calls `machine`. */
struct processor_ways processor_ways_of(const char *machine);
/* Those of this one. */
struct processor_ways processor_ways(void);

#endif
