/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs a compiled link filter as the kernel does, so that the pair link filters
 * like a real one and tests need no libpcap.
 */
#ifndef TESTS_LIB_BPF_H
#define TESTS_LIB_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/filter.h"

/* Linux's packet types (<linux/if_packet.h>). */
enum bpf_packet_type {
    BPF_HOST = 0,
    BPF_BROADCAST = 1,
    BPF_MULTICAST = 2,
    BPF_OTHERHOST = 3,
    BPF_OUTGOING = 4,
};

/* Bytes to hand over, 0 to reject.  Aborts on an instruction that
 * filter_compile must not emit, and on a jump out of the program. */
uint32_t bpf_run(const struct filter_program *p, const uint8_t *frame,
                 size_t len, enum bpf_packet_type type);

#endif
