/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A link's filter as classic BPF, which the kernel runs on each frame before
 * it is queued, so that foreign frames cost neither memory nor a wake-up.
 */
#ifndef WIRE_FILTER_H
#define WIRE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/link.h"

/* The shape of Linux's struct sock_filter and of BPF's struct bpf_insn. */
struct filter_insn {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};

enum { FILTER_MAX = 24 };

struct filter_program {
    struct filter_insn insn[FILTER_MAX];
    unsigned count;
};

/* `linux_socket`: for a packet socket that is bound to AoE's EtherType, which
 * is not tested again.  Tests that only such a socket supports reject frames
 * that this host sends and frames for other hosts.  The latter include frames
 * of a VLAN that this host is not in, whose tag the kernel has already
 * stripped. */
void filter_compile(const struct link_filter *f, bool linux_socket,
                    struct filter_program *out);

#ifdef __linux__
/* Makes it the filter of a packet socket.  0 or -errno. */
int filter_attach(int fd, const struct link_filter *f);
/* The same with one that rejects everything. */
int filter_attach_none(int fd);
#endif

#endif
