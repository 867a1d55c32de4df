/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The part of classic BPF that link filters use (McCanne and Jacobson, "The
 * BSD Packet Filter"; Linux Documentation/networking/filter.rst).
 */
#include "tests/lib/bpf.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LD_WORD = 0x20,
    LD_HALF = 0x28,
    LD_BYTE = 0x30,
    AND = 0x54,
    JUMP_EQUAL = 0x15,
    JUMP_GREATER = 0x25,
    JUMP_SET = 0x45,
    RETURN = 0x06,
};

#define ANCILLARY_TYPE UINT32_C(0xfffff004)

static void broken(const char *what)
{
    fprintf(stderr, "bpf: %s\n", what);
    abort();
}

/* Reads `size` bytes at `at`; false beyond the frame. */
static bool load(const uint8_t *frame, size_t len, uint32_t at, unsigned size,
                 uint32_t *a)
{
    if (at > len || size > len - at)
        return false;
    *a = 0;
    for (unsigned i = 0; i < size; i++)
        *a = *a << 8 | frame[at + i];
    return true;
}

static bool load_any(const struct filter_insn *in, const uint8_t *frame,
                     size_t len, enum bpf_packet_type type, uint32_t *a)
{
    if (in->code == LD_WORD && in->k == ANCILLARY_TYPE) {
        *a = type;
        return true;
    }
    return load(frame, len, in->k,
                in->code == LD_WORD   ? 4
                : in->code == LD_HALF ? 2
                                      : 1,
                a);
}

static bool holds(const struct filter_insn *in, uint32_t a)
{
    switch (in->code) {
    case JUMP_EQUAL:
        return a == in->k;
    case JUMP_GREATER:
        return a > in->k;
    case JUMP_SET:
        return a & in->k;
    default:
        broken("unknown instruction");
        return false;
    }
}

uint32_t bpf_run(const struct filter_program *p, const uint8_t *frame,
                 size_t len, enum bpf_packet_type type)
{
    uint32_t a = 0;

    for (unsigned pc = 0; pc < p->count; pc++) {
        const struct filter_insn *in = &p->insn[pc];

        switch (in->code) {
        case LD_WORD:
        case LD_HALF:
        case LD_BYTE:
            if (!load_any(in, frame, len, type, &a))
                return 0;
            break;
        case AND:
            a &= in->k;
            break;
        case RETURN:
            return in->k;
        default:
            pc += holds(in, a) ? in->jt : in->jf;
        }
    }
    broken("jump out of the program");
    return 0;
}
