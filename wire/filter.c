/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Compiles struct link_filter to classic BPF.  The program is a sequence of
 * tests; one that fails jumps to the last instruction, which rejects.  A load
 * beyond the frame's end rejects too, by BPF's own rules.
 *
 * The AoE version is not tested: a target answers other versions with an
 * error.  A small machine interprets each instruction in some twenty of its
 * own, so the usual frame passes few.
 */
#include "wire/filter.h"

#ifdef __linux__
#include <errno.h>
#include <sys/socket.h>
#endif

/* Instruction codes of classic BPF, the same on every system. */
enum {
    LD_BYTE = 0x30,
    LD_HALF = 0x28,
    LD_WORD = 0x20,
    AND = 0x54,
    JUMP_EQUAL = 0x15,
    JUMP_GREATER = 0x25,
    JUMP_SET = 0x45,
    RETURN = 0x06,
};

enum {
    AT_ETHERTYPE = 12,
    AT_FLAGS = 14,
    AT_ERROR = 15, /* the shelf and the slot follow */
    AT_SLOT = 18,
    AT_TAG = 20,
    WHOLE_FRAME = 0x40000, /* bytes to deliver: more than any frame has */
};

/* Linux's "ancillary" load of the packet type, and the last type that is for
 * this host: PACKET_MULTICAST.  Otherhost and outgoing follow. */
#define LINUX_PACKET_TYPE UINT32_C(0xfffff004)
enum { LINUX_TYPE_FOR_US = 2 };

/* Jump targets that are known only once the program is complete. */
enum { NEXT = 0, ACCEPT = 254, REJECT = 255 };

static void emit(struct filter_program *p, uint16_t code, uint32_t k,
                 uint8_t jt, uint8_t jf)
{
    p->insn[p->count++] =
        (struct filter_insn){.code = code, .jt = jt, .jf = jf, .k = k};
}

static void load(struct filter_program *p, uint16_t code, uint32_t at)
{
    emit(p, code, at, NEXT, NEXT);
}

static void wanted_tags(struct filter_program *p, const struct link_filter *f)
{
    if (f->tag_mask == 0)
        return;
    load(p, LD_WORD, AT_TAG);
    emit(p, JUMP_EQUAL, 0, 2, NEXT);
    emit(p, AND, f->tag_mask, NEXT, NEXT);
    emit(p, JUMP_EQUAL, f->tag_value, NEXT, REJECT);
}

static void wanted_kind(struct filter_program *p, bool responses)
{
    load(p, LD_BYTE, AT_FLAGS);
    if (responses)
        emit(p, JUMP_SET, AOE_FLAG_RESPONSE, NEXT, REJECT);
    else
        emit(p, JUMP_SET, AOE_FLAG_RESPONSE, REJECT, NEXT);
}

/* The exact address, which is that of every read and write, in one load: where
 * a network card leaves no more than the Ethernet header in one piece, each
 * costs as much as all else here.  So the flags are not looked at. */
static void requests_of_disk(struct filter_program *p, struct aoe_addr addr)
{
    load(p, LD_WORD, AT_ERROR);
    emit(p, JUMP_EQUAL, (uint32_t)addr.shelf << 8 | addr.slot, ACCEPT, NEXT);
}

/* R and the shelf, which lie in one word; then the slot. */
static void wanted_disk(struct filter_program *p, const struct link_filter *f)
{
    uint32_t flag = UINT32_C(1) * AOE_FLAG_RESPONSE << 24;
    uint32_t kind = f->responses ? flag : 0;

    load(p, LD_WORD, AT_FLAGS);
    emit(p, AND, flag | UINT16_MAX, NEXT, NEXT);
    emit(p, JUMP_EQUAL, kind | f->addr.shelf, 1, NEXT);
    emit(p, JUMP_EQUAL, kind | AOE_SHELF_ALL, NEXT, REJECT);
    load(p, LD_BYTE, AT_SLOT);
    emit(p, JUMP_EQUAL, f->addr.slot, 1, NEXT);
    emit(p, JUMP_EQUAL, AOE_SLOT_ALL, NEXT, REJECT);
}

static uint8_t resolve(uint8_t jump, unsigned from, unsigned accept)
{
    if (jump == ACCEPT)
        return (uint8_t)(accept - from - 1);
    if (jump == REJECT)
        return (uint8_t)(accept - from);
    return jump;
}

void filter_compile(const struct link_filter *f, bool linux_socket,
                    struct filter_program *out)
{
    unsigned accept;

    out->count = 0;
    if (linux_socket) {
        load(out, LD_WORD, LINUX_PACKET_TYPE);
        emit(out, JUMP_GREATER, LINUX_TYPE_FOR_US, REJECT, NEXT);
    } else {
        load(out, LD_HALF, AT_ETHERTYPE);
        emit(out, JUMP_EQUAL, AOE_ETHERTYPE, NEXT, REJECT);
    }
    if (f->one_addr && !f->responses)
        requests_of_disk(out, f->addr);
    if (f->one_addr)
        wanted_disk(out, f);
    else
        wanted_kind(out, f->responses);
    if (f->responses)
        wanted_tags(out, f);
    accept = out->count;
    emit(out, RETURN, WHOLE_FRAME, NEXT, NEXT);
    emit(out, RETURN, 0, NEXT, NEXT);
    for (unsigned i = 0; i < accept; i++) {
        out->insn[i].jt = resolve(out->insn[i].jt, i, accept);
        out->insn[i].jf = resolve(out->insn[i].jf, i, accept);
    }
}

#ifdef __linux__

/* struct sock_fprog of <linux/filter.h>, which not every libc comes with. */
struct kernel_program {
    unsigned short len;
    const struct filter_insn *filter;
};

static int attach(int fd, const struct filter_program *program)
{
    struct kernel_program kernel = {.len = (unsigned short)program->count,
                                    .filter = program->insn};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &kernel,
                      sizeof(kernel)) < 0
               ? -errno
               : 0;
}

int filter_attach(int fd, const struct link_filter *f)
{
    struct filter_program program;

    filter_compile(f, true, &program);
    return attach(fd, &program);
}

int filter_attach_none(int fd)
{
    struct filter_program program = {.count = 0};

    emit(&program, RETURN, 0, NEXT, NEXT);
    return attach(fd, &program);
}

#endif
