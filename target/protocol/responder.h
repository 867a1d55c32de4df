/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The protocol core: a request frame goes in; out comes its reply, built in
 * place, or the store operation that must run first.  No I/O, clock, memory
 * allocation or log here.
 *
 * One buffer carries the request, the data and the reply: data is read to, and
 * written from, the bytes behind the ATA header.
 */
#ifndef TARGET_PROTOCOL_RESPONDER_H
#define TARGET_PROTOCOL_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/protocol/export.h"
#include "target/protocol/operation.h"
#include "wire/aoe.h"

enum responder_verdict {
    RESPONDER_DROP,  /* nothing to answer */
    RESPONDER_REPLY, /* reply_len bytes of the frame are the answer */
    RESPONDER_STORE, /* run `op`, then call responder_complete */
};

/* One request and its answer. */
struct exchange {
    /* Set by the caller, who keeps all of it until the exchange is over. */
    uint8_t *frame;
    uint32_t len;              /* bytes received */
    uint32_t room;             /* bytes the buffer holds, >= AOE_FRAME_MIN */
    const struct aoe_mac *mac; /* of the interface that answers */
    unsigned mtu;              /* of the same */
    bool mtu_fell;             /* it was larger a moment ago */
    struct aoe_header header;  /* parsed by responder_accept */
    struct export *export;

    /* Set by the responder. */
    uint32_t reply_len;
    bool sets; /* asks for a change of config string, mask list, reservation */
    struct store_op op;            /* but for `complete` */
    uint64_t span_start, span_end; /* bytes that all operations touch */
    uint64_t flush_epoch; /* a flush is for this epoch only; 0: for any */
    struct aoe_ata ata;   /* the request's registers; `data` until completion */

    /* Private: what the reply to an ATA command needs. */
    uint64_t lba;        /* first sector */
    unsigned next_range; /* of DATA SET MANAGEMENT */
};

/* Why a frame is not for anyone here. */
enum responder_refusal {
    RESPONDER_ACCEPTED,
    RESPONDER_SHORT,    /* no AoE header */
    RESPONDER_RESPONSE, /* somebody's answer */
    RESPONDER_SOURCE,   /* a source address that cannot be answered */
};

/* Looks at x->frame, before it is known which exports it is for, and parses
 * the header. */
enum responder_refusal responder_accept(struct exchange *x);

/* Handles an accepted frame for one export that x->header.addr matches. */
enum responder_verdict responder_request(struct exchange *x);

/* Goes on after x->op completed: with the reply, or with one more operation. */
enum responder_verdict responder_complete(struct exchange *x);

/* Builds an announcement, an unsolicited Query Config response, in x->frame;
 * of x the caller's fields are set, but `len`.  Returns its length. */
uint32_t responder_announce(struct exchange *x, const struct aoe_mac *to);

#endif
